(** A command line taken apart into words. *)

val parse : string -> (string list, string) result
(** Words are separated by spaces. Double quotes keep spaces in a word, a backslash the character after it. *)
