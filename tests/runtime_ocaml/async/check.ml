(* What a program sees of the bridge, in both directions. *)

open Async_kernel
open Async_kernel.Deferred.Infix
open Lwt.Syntax

let of_lwt, to_lwt = Mpy_async.(of_lwt, to_lwt)
let said fact holds = if not holds then failwith ("not so: " ^ fact)
let ms n = Core.Time_ns.Span.of_ms n
let lwt_after n = Mirage_sleep.ns (Int64.of_float (n *. 1e6))

(* The outcome under a monitor of its own. *)
let outcome start = Monitor.try_with ~extract_exn:true start

let values () =
  of_lwt (fun () -> Lwt.return 1) >>= fun at_once ->
  of_lwt (fun () -> Lwt.map (fun () -> 2) (lwt_after 5.)) >>= fun later ->
  of_lwt (fun () -> to_lwt (fun () -> Clock_ns.after (ms 5.) >>= fun () -> return 3)) >>= fun there_and_back ->
  said "values come over" ((at_once, later, there_and_back) = (1, 2, 3));
  return ()

let failures () =
  outcome (fun () -> of_lwt (fun () -> raise Not_found)) >>= fun raised ->
  outcome (fun () -> of_lwt (fun () -> Lwt.bind (lwt_after 5.) (fun () -> Lwt.fail Exit))) >>= fun failed ->
  said "what Lwt fails with goes to the monitor" ((raised, failed) = (Error Not_found, Error Exit));
  let fails () = Clock_ns.after (ms 5.) >>= fun () -> raise Exit in
  of_lwt (fun () -> Lwt.catch (fun () -> to_lwt fails) (function Exit -> Lwt.return 7 | exn -> raise exn))
  >>= fun caught ->
  said "what Async raises is what Lwt's promise fails with" (caught = 7);
  return ()

(* Sleepers of both, in one loop: they wake in the order of their times, whoever made them. *)
let one_loop () =
  let woken = ref [] in
  let wake name () = woken := name :: !woken in
  Deferred.upon (Clock_ns.after (ms 30.)) (wake "c");
  Lwt.on_success (lwt_after 20.) (wake "b");
  Deferred.upon (Clock_ns.after (ms 10.)) (wake "a");
  of_lwt (fun () -> lwt_after 60.) >>= fun () ->
  said "one loop wakes both" (List.rev !woken = [ "a"; "b"; "c" ]);
  return ()

(* A sooner alarm that is set in a callback of Lwt's, while the loop sleeps until a later one. *)
let sooner_from_outside () =
  let result = Ivar.create () in
  Deferred.upon (Clock_ns.after (ms 60_000.)) (fun () -> failwith "the later alarm");
  Lwt.on_success (lwt_after 10.) (fun () ->
      Deferred.upon (Clock_ns.after (ms 5.)) (fun () -> Ivar.fill_if_empty result "sooner"));
  Ivar.read result >>= fun first ->
  said "the sooner alarm rings" (first = "sooner");
  return ()

let rec to_and_fro n sum =
  if n = 0 then return sum
  else of_lwt (fun () -> to_lwt (fun () -> return n)) >>= fun got -> to_and_fro (n - 1) (sum + got)

let many () =
  to_and_fro 2_000 0 >>= fun sum ->
  said "nothing gets lost in many turns" (sum = 2_000 * 2_001 / 2);
  return ()

(* Lwt pauses, so that its loop turns: Async has nothing to do, and is not asked. *)
let idle () =
  let scheduler = Async_kernel_scheduler.Private.t () in
  let before = scheduler.cycles in
  let rec turns n = if n = 0 then Lwt.return_unit else Lwt.bind (Lwt.pause ()) (fun () -> turns (n - 1)) in
  of_lwt (fun () ->
      let* () = turns 1000 in
      lwt_after 50.)
  >>= fun () ->
  said "no cycles while there is nothing to do" (scheduler.cycles - before < 10);
  return ()

let all () =
  values () >>= fun () ->
  failures () >>= fun () ->
  one_loop () >>= fun () ->
  sooner_from_outside () >>= fun () ->
  many () >>= fun () -> idle ()

(* An exception of a job that no monitor watches, while the program waits for something else. *)
let ended_from_outside () =
  Deferred.upon (Clock_ns.after (ms 5.)) (fun () -> failwith "from outside");
  Ivar.read (Ivar.create ())
