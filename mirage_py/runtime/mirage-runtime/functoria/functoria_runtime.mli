(** Boot arguments: terms are registered while modules initialise, read once from the command line, then asked for. *)

val register_arg : 'a Cmdliner.Term.t -> unit -> 'a
(** The function that returns the value of the term. It raises [Invalid_argument] before the command line is read;
    [register_arg] itself does so afterwards. *)

val register : 'a Cmdliner.Term.t -> unit -> 'a
[@@ocaml.deprecated "Use register_arg."]

val runtime_args : unit -> unit Cmdliner.Term.t list
(** What has been registered. *)

val with_argv : ?sections:string list -> unit Cmdliner.Term.t list -> string -> string array -> unit
(** [with_argv ~sections terms name argv] reads [argv], once: a second call does nothing. Help has its sections in the
    order given. Ends the program with {!help_version} after help, with {!argument_error} after a mistake. *)

val argument_error : int
(** Exit status 64. *)

val help_version : int
(** Exit status 63. *)
