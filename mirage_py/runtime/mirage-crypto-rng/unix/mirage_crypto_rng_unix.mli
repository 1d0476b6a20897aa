(** The kernel's generator, asked for by its own names. *)

val getrandom : int -> string
(** As many random bytes. *)

module Getentropy : Mirage_crypto_rng.Generator

val use_getentropy : unit -> unit
(** Makes {!Getentropy} the default generator. *)

val use_default : unit -> unit
(** The same. *)
