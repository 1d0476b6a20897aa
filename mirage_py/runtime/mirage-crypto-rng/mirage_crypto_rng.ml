(* Random bytes from the system's generator, behind the interface of mirage-crypto-rng. *)

exception Unseeded_generator
exception No_default_generator

let () =
  Printexc.register_printer (function
    | Unseeded_generator -> Some "this random generator has not been seeded"
    | No_default_generator ->
        Some "no random generator has been set: give default_random to register, or call set_default_generator"
    | _ -> None)

(* The name of the system's generator; fails, and says why, where it has none. *)
external system : unit -> string = "mpy_rng_system"

(* [fill buf off n]; no bounds are checked. *)
external fill : bytes -> int -> int -> unit = "mpy_rng_fill"

module Entropy = struct
  type source = string

  let registered = ref []
  let sources () = match system () with name -> name :: !registered | exception Failure _ -> !registered
  let pp_source = Format.pp_print_string

  let register_source name =
    registered := name :: !registered;
    name
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

module Fortuna = struct
  type g = unit

  let block = 1
  let create ?time:_ () = ()
  let generate_into ~g:() buf ~off n = fill buf off n

  let reseed ~g:() _ =
    invalid_arg "Mirage_crypto_rng: the system's generator takes no seed; mirage-crypto-rng has generators that do"

  let accumulate ~g:() _ = `Acc ignore
  let seeded ~g:() = true
  let pools = 0
end

type g = Generator : { state : 'a; strict : bool; how : 'a generator } -> g

let create (type a) ?g ?seed ?(strict = false) ?time (how : a generator) =
  let module M = (val how) in
  let state = match g with Some g -> g | None -> M.create ?time () in
  Option.iter (M.reseed ~g:state) seed;
  Generator { state; strict; how }

let default = ref None
let set_default_generator g = default := Some g
let unset_default_generator () = default := None
let default_generator () = match !default with Some g -> g | None -> raise No_default_generator
let or_default = function Some g -> g | None -> default_generator ()

let generate_into ?g buf ?(off = 0) n =
  let (Generator { state; how = (module M); _ }) = or_default g in
  if off < 0 || n < 0 || Bytes.length buf - off < n then
    invalid_arg (Printf.sprintf "generate_into: %d bytes from %d on in a buffer of %d" n off (Bytes.length buf));
  (M.generate_into [@alert "-unsafe"]) ~g:state buf ~off n

let generate ?g n =
  let buf = Bytes.create n in
  generate_into ?g buf n;
  Bytes.unsafe_to_string buf

let reseed ?g seed =
  let (Generator { state; how = (module M); _ }) = or_default g in
  M.reseed ~g:state seed

let accumulate g source =
  let (Generator { state; how = (module M); _ }) = or_default g in
  M.accumulate ~g:state source

let seeded g =
  let (Generator { state; how = (module M); _ }) = or_default g in
  M.seeded ~g:state

let block g =
  let (Generator { how = (module M); _ }) = or_default g in
  M.block

let pools g =
  let (Generator { how = (module M); _ }) = or_default g in
  M.pools

let strict g =
  let (Generator { strict; _ }) = or_default g in
  strict
