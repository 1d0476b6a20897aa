(* Monotonic clock of Solo5; the function in C is the main loop's. *)

external elapsed_ns : unit -> int64 = "caml_get_monotonic_time"

let period_ns () = None
