(** Async as a guest of the main loop that a unikernel has anyway, and the bridge between its promises and Lwt's.

    The target's runtime library waits for devices and time, and knows Lwt's promises. Async's cycles run in it for as
    long as one has anything to do; then the loop sleeps until Async's next alarm, or until a device is ready. *)

val of_lwt : (unit -> 'a Lwt.t) -> 'a Async_kernel.Deferred.t
(** Starts what it is given; what that fails with goes to the monitor that is current now. *)

val to_lwt : (unit -> 'a Async_kernel.Deferred.t) -> 'a Lwt.t
(** Starts what it is given, under a monitor of its own; the first that it raises is what the promise fails with. What
    reaches no monitor at all ends {!run}, and every promise that {!drive} was asked for. *)

val drive : 'a Async_kernel.Deferred.t -> 'a Lwt.t
(** Resolves once the deferred is determined; fails with an exception that no monitor took. Nothing more happens to
    Async after that. *)

val run : (unit Lwt.t -> unit) -> unit Async_kernel.Deferred.t -> unit
(** [run main deferred] has the main loop of a target, [main], drive the deferred to its end. *)
