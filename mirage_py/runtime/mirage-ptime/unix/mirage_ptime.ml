(* Wall clock of a Unix process. *)

let now = Ptime_clock.now
let period = Ptime_clock.period
let current_tz_offset_s = Ptime_clock.current_tz_offset_s
let now_d_ps = Ptime_clock.now_d_ps
let period_d_ps = Ptime_clock.period_d_ps
