(** The command line a unikernel was booted with. *)

val argv : unit -> string array
(** Its words, after the name of a program that is nobody's. Raises [Failure] where a quote is left open. *)
