(** Async in a unikernel on a Unix process. *)

val run : unit Async_kernel.Deferred.t -> unit
(** Runs Async's cycles in the main loop of mirage-unix until the deferred is determined; raises what no monitor took. *)
