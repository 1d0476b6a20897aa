(** Log levels from a command line or the environment. *)

open Cmdliner

type threshold = [ `All | `Src of string ] * Logs.level option
(** [None] silences. *)

val env : Cmd.Env.info
(** [LOGGING_LEVELS] *)

val levels : ?env:Cmd.Env.info -> ?docs:string -> unit -> threshold list Term.t
(** [-l], [--logging-levels]: a list of [SOURCE:LEVEL] where [*] is every source and [-] the level that silences. *)

val set_levels : default:Logs.level option -> threshold list -> unit
(** Every source gets the level of [`All], or [default], and those named get their own. *)

val setup : unit Term.t
(** Applies the options of [Logs_cli.level] and {!levels}. *)
