(* A unikernel that shows what the runtime does for it, and can be told how to end. *)

open Lwt.Infix
open Cmdliner

let src = Logs.Src.create "tester"

module Log = (val Logs.src_log src)

let hello = Mirage_runtime.register_arg Arg.(value & opt string "Hello" & info ~doc:"What to say." [ "hello" ])

let ending =
  let ways = Arg.enum [ ("return", `Return); ("raise", `Raise); ("fail-aside", `Aside); ("exit", `Exit) ] in
  Mirage_runtime.register_arg Arg.(value & opt ways `Return & info ~doc:"How to end." [ "end" ])

let took_ms f =
  let start = Mirage_mtime.elapsed_ns () in
  f () >|= fun () -> Int64.to_float (Int64.sub (Mirage_mtime.elapsed_ns ()) start) /. 1e6

(* Many sleepers, most of them cancelled; the stack of a unikernel is short. *)
let sleep () =
  let many = List.init 30_000 (fun i -> Mirage_sleep.ns (Int64.of_int (1_000_000 + (i * 40)))) in
  let forgotten = List.init 30_000 (fun _ -> Mirage_sleep.ns 3_600_000_000_000L) in
  took_ms (fun () -> Lwt.join many) >>= fun ms ->
  List.iter Lwt.cancel forgotten;
  took_ms (fun () -> Mirage_sleep.ns 5_000_000L) >|= fun short ->
  Log.info (fun m -> m "slept: %b, shortly: %b" (ms > 1.9) (short > 4.9 && short < 1000.))

let hooks () =
  let turns = ref 0 in
  Mirage_runtime.at_enter_iter (fun () -> incr turns);
  Mirage_runtime.at_exit (fun () ->
      print_endline (if !turns > 1 then "exit hook" else "exit hook, but no turns");
      Mirage_sleep.ns 1_000_000L >|= fun () -> print_endline "exit hook slept")

let random () =
  let a = Mirage_crypto_rng.generate 4096 and b = Mirage_crypto_rng.generate 4096 in
  let ones c = List.fold_left (fun n i -> n + ((Char.code c lsr i) land 1)) 0 [ 0; 1; 2; 3; 4; 5; 6; 7 ] in
  let bits s = Seq.fold_left (fun n c -> n + ones c) 0 (String.to_seq s) in
  (* 16384 of 32768 on average, 90 the standard deviation. *)
  Log.info (fun m -> m "random: %b" (a <> b && abs (bits a - 16384) < 900))

let end_as = function
  | `Return -> Lwt.return_unit
  | `Raise -> failwith "raised"
  | `Exit -> exit 7
  | `Aside ->
      Lwt.async (fun () -> Mirage_sleep.ns 1_000_000L >>= fun () -> Lwt.fail_with "failed aside");
      Mirage_sleep.ns 1_000_000_000L

let start () =
  hooks ();
  Log.info (fun m -> m "%s from %s" (hello ()) (Mirage_runtime.name ()));
  Log.debug (fun m -> m "details");
  Logs.warn (fun m -> m "warning");
  sleep () >>= fun () ->
  random ();
  Os.check ();
  end_as (ending ())
