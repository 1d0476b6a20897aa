(** A unikernel on Solo5. *)

module Lifecycle : sig
  val await_shutdown_request :
    ?can_poweroff:bool -> ?can_reboot:bool -> unit -> [ `Poweroff | `Reboot ] Lwt.t
  (** Never resolves: Solo5 makes no such request. *)
end

module Main : sig
  val run : unit Lwt.t -> unit
  (** Runs the event loop, with the hooks of {!Mirage_runtime}, until the promise resolves; raises what it fails with. *)

  val wait_for_work_on_handle : int64 -> unit Lwt.t
  (** Resolves once the device with this handle has something to read. *)
end

module Memory : sig
  (** In words, as OCaml's [Gc] counts. *)

  type stat = {
    heap_words : int;  (** the whole heap *)
    live_words : int;  (** allocated *)
    stack_words : int;  (** of the stack, with the guard below it *)
    free_words : int;  (** left to allocate *)
  }

  val stat : unit -> stat
  (** Walks the heap. *)

  val quick_stat : unit -> stat
  (** Reads a counter, which may be off by what the allocator keeps in reserve. *)

  val trim : unit -> unit
  (** Gives back what the allocator keeps in reserve. *)
end

module Solo5 : sig
  (** [solo5_result_t] of solo5.h. *)
  type solo5_result = SOLO5_R_OK | SOLO5_R_AGAIN | SOLO5_R_EINVAL | SOLO5_R_EUNSPEC
end
