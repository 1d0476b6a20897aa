(** Those who sleep, by the time they wake. *)

val take_new : unit -> unit
(** Takes over who went to sleep since the last call. *)

val wake : now:int64 -> unit
(** Wakes everyone whose time has come, the longest overdue first. *)

val next : unit -> int64 option
(** When the next one wakes. *)
