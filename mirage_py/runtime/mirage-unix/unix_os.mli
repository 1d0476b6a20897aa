(** A unikernel as a Unix process. *)

module Lifecycle : sig
  val await_shutdown_request :
    ?can_poweroff:bool -> ?can_reboot:bool -> unit -> [ `Poweroff | `Reboot ] Lwt.t
  (** Never resolves: a process gets signals, not requests. *)
end

module Main : sig
  val run : unit Lwt.t -> unit
  (** Runs the event loop, with the hooks of {!Mirage_runtime}, until the promise resolves; raises what it fails with. *)
end

module Time : sig
  val sleep_ns : int64 -> unit Lwt.t
  (** Sleeps for an unsigned number of nanoseconds. *)
end
