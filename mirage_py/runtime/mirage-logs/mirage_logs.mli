(** Log reporter with time stamps. *)

val create : ?ch:Format.formatter -> unit -> Logs.reporter
(** Writes one line per message to [ch], standard error by default, before the logging call returns. *)
