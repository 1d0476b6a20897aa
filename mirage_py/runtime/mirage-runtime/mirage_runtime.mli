(** What every unikernel links: boot arguments, log levels, its name, and hooks of the scheduler. *)

open Cmdliner

(** {2 Boot arguments} *)

val register_arg : 'a Term.t -> (unit -> 'a)
(** [let hello = register_arg term], at the top of a module, makes [term] a boot argument; [hello ()] is its value from
    the start function on, and raises [Invalid_argument] earlier. *)

val argument_error : int
(** Exit status 64: a mistake in the boot arguments. *)

val help_version : int
(** Exit status 63: help was asked for and shown. *)

(** {2 Log levels} *)

type log_threshold = [ `All | `Src of string ] * Logs.level option
(** [None] silences. *)

val set_level : default:Logs.level option -> log_threshold list -> unit
(** Every source gets the level of [`All], or [default], and those named get their own. A name that no source has is
    warned about. *)

val logs : log_threshold list Term.t
(** [-l LEVEL], [--logs=LEVEL]: [info], [*:info], [*:info,tcp:debug]. *)

module Conv : sig
  val log_threshold : log_threshold Arg.conv
end

(** {2 Sections of the help} *)

val s_net : string
val s_disk : string
val s_log : string
val s_he : string
val s_dns : string
val s_ssh : string
val s_tls : string
val s_http : string

(** {2 Common arguments} *)

val disk : string Term.t
(** [--disk=NAME]: the docteur disk. *)

val analyze : bool Term.t
(** [--analyze=BOOL]: check the docteur disk at boot. *)

val delay : int Term.t
(** [--delay=SECONDS]: wait before the unikernel starts. *)

val name_k : string option Term.t
(** [--name=NAME]. *)

val name : unit -> string
(** The name given at boot, or else that of the configuration. *)

(** {2 Hooks}

    The hook registered last runs first. A hook added by a hook of the same kind runs from the next time on. *)

val at_exit : (unit -> unit Lwt.t) -> unit
(** Before the unikernel ends. *)

val at_enter_iter : (unit -> unit) -> unit
(** At the beginning of each turn of the event loop. *)

val at_leave_iter : (unit -> unit) -> unit
(** At the end of each turn of the event loop. *)

(** {2 For event loops} *)

val run_exit_hooks : unit -> unit Lwt.t
(** One after the other; a hook that fails does not keep the others from running. *)

val run_enter_iter_hooks : unit -> unit
val run_leave_iter_hooks : unit -> unit

(**/**)

val with_argv : unit Term.t list -> string -> string array -> unit
val runtime_args : unit -> unit Term.t list
val set_name : string -> unit
