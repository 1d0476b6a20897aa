(* Sleep in a Unix process: Lwt's event loop wakes the sleepers. *)

let unsigned n = if Int64.compare n 0L < 0 then Int64.to_float n +. 0x1p64 else Int64.to_float n
let ns n = Lwt_unix.sleep (unsigned n /. 1e9)

type t = { time : int64; mutable canceled : bool; thread : unit Lwt.u }

let new_sleepers () = []
