(** Where the command line comes from. *)

val cmd_line : unit -> string
(** The command line, without a program's name. *)
