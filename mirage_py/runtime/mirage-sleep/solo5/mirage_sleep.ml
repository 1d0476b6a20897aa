(* Sleep on Solo5: sleepers are collected here and woken by the event loop. *)

external monotonic_ns : unit -> int64 = "caml_get_monotonic_time"

type t = { time : int64; mutable canceled : bool; thread : unit Lwt.u }

let asleep = ref []

(* The event loop compares times as signed numbers: 292 years after boot is the end of time. *)
let after n =
  let time = Int64.add (monotonic_ns ()) n in
  if Int64.compare n 0L < 0 || Int64.compare time 0L < 0 then Int64.max_int else time

let ns n =
  let promise, thread = Lwt.task () in
  let sleeper = { time = after n; canceled = false; thread } in
  Lwt.on_cancel promise (fun () -> sleeper.canceled <- true);
  asleep := sleeper :: !asleep;
  promise

let new_sleepers () =
  let sleepers = !asleep in
  asleep := [];
  sleepers
