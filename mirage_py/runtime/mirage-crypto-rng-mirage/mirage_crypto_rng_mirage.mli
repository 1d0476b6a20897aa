(** Set-up of the random generator at boot. *)

val initialize : ?g:'a -> ?sleep:int64 -> 'a Mirage_crypto_rng.generator -> unit Lwt.t
(** Makes a generator the default one, seeded from the system's where it needs a seed. Fails with [Failure] where the
    system has no generator, and when called twice. [sleep] has nothing to pace here and is ignored. *)
