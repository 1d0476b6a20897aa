(* The kernel's generator, asked for by its own names. *)

module Getentropy = Mirage_crypto_rng.Fortuna

let kernel = Mirage_crypto_rng.create (module Getentropy)
let getrandom n = Mirage_crypto_rng.generate ~g:kernel n
let use_getentropy () = Mirage_crypto_rng.set_default_generator kernel
let use_default = use_getentropy
