(* What the clock of mirage-ptime.mock shows: days and picoseconds of the day. *)

let now : (int * int64) ref = ref (0, 0L)
let tz_off : int option ref = ref None
let period : (int * int64) option ref = ref None
let set d_ps = now := d_ps
let set_tz_offset seconds = tz_off := seconds
let set_period d_ps = period := d_ps
