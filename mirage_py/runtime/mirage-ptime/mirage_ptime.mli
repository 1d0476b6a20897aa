(** Wall clock. *)

val now : unit -> Ptime.t
val period : unit -> Ptime.span option

val current_tz_offset_s : unit -> int option
(** Seconds of local time ahead of UTC, where known. *)

val now_d_ps : unit -> int * int64
(** Days and picoseconds of the day since 1970-01-01 00:00:00 UTC. *)

val period_d_ps : unit -> (int * int64) option
(** Time between two ticks, in the same form, where known. *)
