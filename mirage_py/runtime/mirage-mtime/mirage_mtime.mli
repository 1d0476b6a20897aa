(** Monotonic clock. *)

val elapsed_ns : unit -> int64
(** Nanoseconds since some moment that stays the same while the unikernel runs. *)

val period_ns : unit -> int64 option
(** Nanoseconds between two ticks, where known. *)
