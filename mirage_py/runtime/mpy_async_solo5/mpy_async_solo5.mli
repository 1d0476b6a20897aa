(** Async in a unikernel on Solo5. *)

val run : unit Async_kernel.Deferred.t -> unit
(** Runs Async's cycles in the main loop of mirage-solo5 until the deferred is determined; raises what no monitor took. *)
