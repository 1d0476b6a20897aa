(* Time in nanoseconds, as an integer. *)

module Time_ns = struct
  type t = int

  module Span = struct
    type t = int

    let of_ms ms = int_of_float (ms *. 1e6)
    let to_int_ns t = t
  end

  let now () = Int64.to_int (Mirage_mtime.elapsed_ns ())
  let add t span = t + span
  let diff t other = t - other
  let equal = Int.equal
end
