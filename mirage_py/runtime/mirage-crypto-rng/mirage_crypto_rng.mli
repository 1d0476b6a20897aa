(** Random bytes, with the interface of mirage-crypto-rng but none of its cryptography: a generator here is a name for
    the system's. On Unix that is the kernel ([getrandom], [getentropy]), on Solo5 the processor (RDRAND or RDSEED on
    x86-64, RNDR on 64-bit ARM). Where the system has none, the first use raises [Failure] and says so; nothing else is
    ever used in its place. A unikernel that needs more, say a stream that a seed determines, needs mirage-crypto-rng
    itself. *)

type g
(** A generator. *)

exception Unseeded_generator
exception No_default_generator

module Entropy : sig
  type source

  val sources : unit -> source list
  val pp_source : Format.formatter -> source -> unit
  val register_source : string -> source
end

module type Generator = sig
  type g

  val block : int
  val create : ?time:(unit -> int64) -> unit -> g

  val generate_into : g:g -> bytes -> off:int -> int -> unit
  [@@alert unsafe "Does not do bounds checks. Use Mirage_crypto_rng.generate_into instead."]

  val reseed : g:g -> string -> unit
  val accumulate : g:g -> Entropy.source -> [ `Acc of string -> unit ]
  val seeded : g:g -> bool
  val pools : int
end

type 'a generator = (module Generator with type g = 'a)

module Fortuna : Generator
(** The system's generator, under the name that unikernels ask for. It is always seeded; what is accumulated is dropped
    (the system mixes its own), and [reseed] raises [Invalid_argument]: no seed determines its stream. *)

val create : ?g:'a -> ?seed:string -> ?strict:bool -> ?time:(unit -> int64) -> 'a generator -> g

val default_generator : unit -> g
(** Raises [No_default_generator] until there is one. *)

val set_default_generator : g -> unit
val unset_default_generator : unit -> unit

val generate_into : ?g:g -> bytes -> ?off:int -> int -> unit
(** [generate_into buf ~off n] puts [n] random bytes into [buf] from [off] on. Raises [Invalid_argument] where they do
    not fit. *)

val generate : ?g:g -> int -> string
(** As many random bytes. *)

val block : g option -> int
val reseed : ?g:g -> string -> unit
val accumulate : g option -> Entropy.source -> [ `Acc of string -> unit ]
val seeded : g option -> bool
val pools : g option -> int
val strict : g option -> bool
