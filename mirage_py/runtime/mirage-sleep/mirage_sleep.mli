(** Sleep. *)

val ns : int64 -> unit Lwt.t
(** Resolves after an unsigned number of nanoseconds. *)

(** {2 For event loops} *)

type t = { time : int64; mutable canceled : bool; thread : unit Lwt.u }
(** One who sleeps until the monotonic clock shows [time]. *)

val new_sleepers : unit -> t list
(** Those who went to sleep since the last call; for event loops that wake them. *)
