(* Random bytes are the system's; what it cannot do is refused. *)

open Mirage_crypto_rng

let refused f = match f () with exception Invalid_argument _ -> true | _ -> false

(* Every value of a byte turns up in so many bytes, or something is badly wrong. *)
let looks_random s =
  let seen = Array.make 256 0 in
  String.iter (fun c -> seen.(Char.code c) <- seen.(Char.code c) + 1) s;
  Array.for_all (fun n -> n > 0) seen

module Counting = struct
  type g = int ref

  let block = 1
  let create ?time:_ () = ref 0
  let generate_into ~g buf ~off n = Bytes.fill buf off n (Char.chr (!g land 255))
  let reseed ~g seed = g := String.length seed
  let accumulate ~g:_ _ = `Acc ignore
  let seeded ~g = !g > 0
  let pools = 0
end

let () =
  assert (match generate 1 with exception No_default_generator -> true | _ -> false);
  Lwt_main.run (Mirage_crypto_rng_mirage.initialize (module Fortuna));
  (match Lwt.state (Mirage_crypto_rng_mirage.initialize (module Fortuna)) with
  | Lwt.Fail (Failure _) -> ()
  | _ -> failwith "set up twice");
  List.iter (fun n -> assert (String.length (generate n) = n)) [ 0; 1; 7; 8; 9; 255; 256; 257; 1_000_000 ];
  assert (looks_random (generate 100_000));
  assert (generate 16 <> generate 16);
  let buf = Bytes.make 10 '.' in
  generate_into buf ~off:3 4;
  assert (Bytes.sub_string buf 0 3 = "..." && Bytes.sub_string buf 7 3 = "...");
  List.iter
    (fun (off, n) -> assert (refused (fun () -> generate_into buf ~off n)))
    [ (0, 11); (10, 1); (-1, 1); (0, -1); (max_int, 1) ];
  assert (refused (fun () -> generate (-1)));
  assert (refused (fun () -> reseed "seed") && refused (fun () -> create ~seed:"seed" (module Fortuna)));
  let source = Entropy.register_source "test" in
  assert (List.length (Entropy.sources ()) = 2 && Format.asprintf "%a" Entropy.pp_source source = "test");
  (match accumulate None source with `Acc add -> add "noise");
  assert (seeded None && pools None = 0 && block None = 1 && not (strict None));
  (* A generator of the unikernel's own. *)
  let own = create ~seed:"abc" (module Counting) in
  assert (generate ~g:own 3 = "\003\003\003");
  unset_default_generator ();
  assert (match default_generator () with exception No_default_generator -> true | _ -> false);
  Mirage_crypto_rng_unix.use_default ();
  assert (String.length (generate 5) = 5 && String.length (Mirage_crypto_rng_unix.getrandom 5) = 5)
