(* Wall clock of Solo5: nanoseconds since 1970 in UTC. *)

external wall_ns : unit -> int64 = "caml_get_wall_clock"

let day = 86_400_000_000_000L

let now_d_ps () =
  let ns = wall_ns () in
  (Int64.to_int (Int64.div ns day), Int64.mul 1_000L (Int64.rem ns day))

let now () = Ptime.v (now_d_ps ())
let current_tz_offset_s () = None
let period_d_ps () = None
let period () = None
