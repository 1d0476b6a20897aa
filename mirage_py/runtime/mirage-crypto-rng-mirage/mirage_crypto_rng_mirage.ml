(* Set-up of the random generator at boot. *)

open Mirage_crypto_rng

let done_already = ref false

let from_system n = generate ~g:(create (module Fortuna)) n

(* A generator that the unikernel brings may start unseeded. *)
let seed rng = if not (seeded (Some rng)) then reseed ~g:rng (from_system 64)

let initialize ?g ?sleep:_ generator =
  if !done_already then Lwt.fail_with "Mirage_crypto_rng_mirage.initialize: called twice"
  else
    match from_system 1 with
    | exception Failure why -> Lwt.fail_with why
    | _ ->
        done_already := true;
        let rng = create ?g generator in
        seed rng;
        set_default_generator rng;
        Lwt.return_unit
