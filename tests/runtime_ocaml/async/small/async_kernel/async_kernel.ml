(* A scheduler of jobs and alarms, each under the monitor that it was made under. *)

open Core

module Handler = struct
  (* The handler of the exceptions of a job; the first that reaches the main one ends everything. *)
  type t = Main | Handled of (exn -> unit)

  let running = ref Main
  let uncaught = ref None
  let current () = !running

  let send_exn ?backtrace:(_ : [ `Get ] option) t exn =
    match t with
    | Handled handle -> handle exn
    | Main -> if Option.is_none !uncaught then uncaught := Some (exn, ())

  let within t f =
    let before = !running in
    running := t;
    Fun.protect ~finally:(fun () -> running := before) (fun () -> try f () with exn -> send_exn t exn)
end

module Async_kernel_scheduler = struct
  module Private = struct
    type t = {
      jobs : (Handler.t * (unit -> unit)) Queue.t;
      mutable alarms : (Time_ns.t * (unit -> unit)) list;
      mutable in_cycle : bool;
      mutable cycles : int;
      mutable job_queued : int -> unit;
      mutable event_added : Time_ns.t -> unit;
      mutable from_outside : unit -> unit;
    }

    let only =
      {
        jobs = Queue.create ();
        alarms = [];
        in_cycle = false;
        cycles = 0;
        job_queued = ignore;
        event_added = ignore;
        from_outside = ignore;
      }

    let t () = only
    let in_cycle t = t.in_cycle
    let can_run_a_job t = not (Queue.is_empty t.jobs)
    let uncaught_exn_unwrapped _ = !Handler.uncaught
    let set_job_queued_hook t hook = t.job_queued <- hook
    let set_event_added_hook t hook = t.event_added <- hook
    let set_thread_safe_external_job_hook t hook = t.from_outside <- hook

    let queue monitor f =
      Queue.push (monitor, f) only.jobs;
      only.job_queued 0

    let next_upcoming_event t = match t.alarms with [] -> None | (at, _) :: _ -> Some at

    let at time f =
      only.alarms <- List.stable_sort (fun (one, _) (other, _) -> Int.compare one other) ((time, f) :: only.alarms);
      only.event_added time

    (* What is queued meanwhile waits for the next cycle. *)
    let run_cycle t =
      t.in_cycle <- true;
      t.cycles <- t.cycles + 1;
      let now = Time_ns.now () in
      let due, later = List.partition (fun (at, _) -> at <= now) t.alarms in
      t.alarms <- later;
      List.iter (fun (_, f) -> f ()) due;
      let jobs = Queue.create () in
      Queue.transfer t.jobs jobs;
      Queue.iter (fun (monitor, f) -> Handler.within monitor f) jobs;
      t.in_cycle <- false
  end
end

module Scheduler = Async_kernel_scheduler.Private

module Ivar = struct
  type 'a state = Empty of (Handler.t * ('a -> unit)) list | Full of 'a
  type 'a t = { mutable state : 'a state }

  let create () = { state = Empty [] }
  let read t = t

  let fill_if_empty t value =
    match t.state with
    | Full _ -> ()
    | Empty waiting ->
        t.state <- Full value;
        List.iter (fun (monitor, f) -> Scheduler.queue monitor (fun () -> f value)) (List.rev waiting)
end

module Deferred = struct
  type 'a t = 'a Ivar.t

  let upon (t : 'a t) f =
    let monitor = Handler.current () in
    match t.state with
    | Full value -> Scheduler.queue monitor (fun () -> f value)
    | Empty waiting -> t.state <- Empty ((monitor, f) :: waiting)

  let bind t f =
    let result = Ivar.create () in
    upon t (fun value -> upon (f value) (Ivar.fill_if_empty result));
    result

  module Infix = struct
    let ( >>= ) = bind
  end
end

let return value : 'a Deferred.t = { Ivar.state = Full value }

module Monitor = struct
  include Handler

  let try_with ~extract_exn:(_ : bool) f =
    let result = Ivar.create () in
    let monitor = Handled (fun exn -> Ivar.fill_if_empty result (Error exn)) in
    Scheduler.queue monitor (fun () -> Deferred.upon (f ()) (fun value -> Ivar.fill_if_empty result (Ok value)));
    result
end

module Clock_ns = struct
  let after span =
    let result = Ivar.create () in
    Scheduler.at (Time_ns.add (Time_ns.now ()) span) (Ivar.fill_if_empty result);
    result
end
