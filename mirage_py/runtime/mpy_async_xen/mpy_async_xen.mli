(** Async in a unikernel on Xen. *)

val run : unit Async_kernel.Deferred.t -> unit
(** Runs Async's cycles in the main loop of mirage-xen until the deferred is determined; raises what no monitor took. *)
