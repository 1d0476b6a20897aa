(* Async's scheduler as a guest of Lwt's, and the bridge between the two. *)

open Async_kernel
module Scheduler = Async_kernel_scheduler.Private

let scheduler () = Scheduler.t ()

(* What ends Async for good: an exception that reached the main monitor. *)
let failed, tell_failed = Lwt.wait ()

let check_failure t =
  match Scheduler.uncaught_exn_unwrapped t with
  | Some (exn, _) when Lwt.is_sleeping failed -> Lwt.wakeup_later tell_failed exn
  | _ -> ()

(* Cycles are asked for and not yet run; the alarm that is set, with what takes it back. *)
let asked_for = ref false
let alarm = ref None

let nanoseconds_until time = Core.Time_ns.Span.to_int_ns (Core.Time_ns.diff time (Core.Time_ns.now ()))

let take_back_alarm () =
  Option.iter (fun (_, sleeper) -> Lwt.cancel sleeper) !alarm;
  alarm := None

let is_set_for time = match !alarm with Some (other, _) -> Core.Time_ns.equal time other | None -> false

(* Lwt wakes what is paused once it has waited for nothing: whoever asks from within Lwt's callbacks is not run there. *)
let rec ask () =
  if not !asked_for then begin
    asked_for := true;
    Lwt.on_success (Lwt.pause ()) cycles
  end

and cycles () =
  let t = scheduler () in
  Scheduler.run_cycle t;
  asked_for := false;
  check_failure t;
  if Lwt.is_sleeping failed then if Scheduler.can_run_a_job t then ask () else set_alarm t

and set_alarm t =
  match Scheduler.next_upcoming_event t with
  | None -> take_back_alarm ()
  | Some time when is_set_for time -> ()
  | Some time ->
      take_back_alarm ();
      let sleeper = Mirage_sleep.ns (Int64.of_int (max 0 (nanoseconds_until time))) in
      alarm := Some (time, sleeper);
      Lwt.on_success sleeper (fun () ->
          alarm := None;
          ask ())

(* Jobs and alarms that come up outside of a cycle, in a callback of Lwt: in a cycle it looks for itself at its end. *)
let ask_from_outside t = if not (Scheduler.in_cycle t) then ask ()

let listen =
  lazy
    (let t = scheduler () in
     Scheduler.set_job_queued_hook t (fun _ -> ask_from_outside t);
     Scheduler.set_event_added_hook t (fun _ -> ask_from_outside t);
     Scheduler.set_thread_safe_external_job_hook t ask;
     (* What leaves the program in the middle of a cycle may await Async in a hook of its own. *)
     Stdlib.at_exit (fun () ->
         asked_for := false;
         ask ());
     ask ())

let of_lwt start =
  Lazy.force listen;
  let result = Ivar.create () and monitor = Monitor.current () in
  Lwt.on_any (Lwt.apply start ()) (Ivar.fill_if_empty result) (fun exn -> Monitor.send_exn ~backtrace:`Get monitor exn);
  Ivar.read result

(* The promise of a value, or of Async's end before there is one. *)
let promised deferred fill =
  Lazy.force listen;
  let promise, resolver = Lwt.wait () in
  Deferred.upon deferred (fun value -> if Lwt.is_sleeping promise then fill resolver value);
  Lwt.on_success failed (fun exn -> if Lwt.is_sleeping promise then Lwt.wakeup_later_exn resolver exn);
  promise

let drive deferred = promised deferred Lwt.wakeup_later

let to_lwt start =
  promised (Monitor.try_with ~extract_exn:true start) (fun resolver -> function
    | Ok value -> Lwt.wakeup_later resolver value
    | Error exn -> Lwt.wakeup_later_exn resolver exn)

let run main deferred = main (drive deferred)
