(** Boot arguments for what [OCAMLRUNPARAM] sets in a process: a unikernel has no environment. *)

open Cmdliner

val backtrace : default:bool -> bool Term.t
(** [--backtrace=BOOL]: print a backtrace when an uncaught exception ends the unikernel. *)

val randomize_hashtables : default:bool -> bool Term.t
(** [--randomize-hashtables=BOOL]: hash tables made from now on are randomized. *)

val gc_control : default:Gc.control -> Gc.control Term.t
(** One option per field of [Gc.control], each with its default from [default]. *)

val setup :
  ?backtrace:bool option ->
  ?randomize_hashtables:bool option ->
  ?gc_control:Gc.control option ->
  unit ->
  unit Term.t
(** A term whose evaluation applies the options. [Some default] offers a group of options, [None] leaves it out and the
    runtime as it is. Absent arguments mean [Some false], [Some false] and [Some (Gc.get ())]. *)
