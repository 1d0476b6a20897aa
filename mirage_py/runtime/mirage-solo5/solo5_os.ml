(* A unikernel on Solo5: Lwt's promises driven by solo5_yield. *)

module Lifecycle = struct
  let await_shutdown_request ?can_poweroff:_ ?can_reboot:_ () = fst (Lwt.wait ())
end

module Main = struct
  external monotonic_ns : unit -> int64 = "caml_get_monotonic_time"

  (* Waits for a device or the deadline; returns the set of devices that are ready, one bit each. *)
  external yield : int64 -> int64 = "mpy_solo5_yield"

  (* Who waits for each device, the latest first. *)
  let waiting : unit Lwt.u list array = Array.make 64 []

  let wait_for_work_on_handle handle =
    if Int64.unsigned_compare handle 64L >= 0 then invalid_arg "wait_for_work_on_handle: no such handle";
    let device = Int64.to_int handle in
    let promise, waiter = Lwt.task () in
    waiting.(device) <- waiter :: waiting.(device);
    Lwt.on_cancel promise (fun () -> waiting.(device) <- List.filter (( != ) waiter) waiting.(device));
    promise

  let wake_device device =
    let waiters = List.rev waiting.(device) in
    waiting.(device) <- [];
    List.iter (fun waiter -> Lwt.wakeup waiter ()) waiters

  let wake_devices ready =
    let is_ready device = Int64.logand ready (Int64.shift_left 1L device) <> 0L in
    if ready <> 0L then
      for device = 0 to 63 do
        if is_ready device then wake_device device
      done

  let a_day = 86_400_000_000_000L

  let deadline () =
    if Lwt.paused_count () > 0 then 0L
    else
      match Sleepers.next () with
      | Some time -> time
      | None -> Int64.add (monotonic_ns ()) a_day

  let rec run main =
    Lwt.wakeup_paused ();
    Sleepers.wake ~now:(monotonic_ns ());
    match Lwt.poll main with
    | Some () -> ()
    | None ->
        Mirage_runtime.run_enter_iter_hooks ();
        Sleepers.take_new ();
        wake_devices (yield (deadline ()));
        Mirage_runtime.run_leave_iter_hooks ();
        run main

  let () =
    at_exit (fun () ->
        Lwt.abandon_wakeups ();
        run (Mirage_runtime.run_exit_hooks ()))
end

module Memory = struct
  type stat = { heap_words : int; live_words : int; stack_words : int; free_words : int }

  external heap_words : unit -> int = "mpy_solo5_heap_words" [@@noalloc]
  external stack_words : unit -> int = "mpy_solo5_stack_words" [@@noalloc]
  external live_words : unit -> int = "mpy_solo5_live_words" [@@noalloc]
  external quick_live_words : unit -> int = "mpy_solo5_quick_live_words" [@@noalloc]
  external trim : unit -> unit = "mpy_solo5_trim" [@@noalloc]

  let with_live live_words =
    let heap_words = heap_words () and stack_words = stack_words () in
    { heap_words; live_words; stack_words; free_words = heap_words - live_words - stack_words }

  let stat () = with_live (live_words ())
  let quick_stat () = with_live (quick_live_words ())
end

module Solo5 = struct
  type solo5_result = SOLO5_R_OK | SOLO5_R_AGAIN | SOLO5_R_EINVAL | SOLO5_R_EUNSPEC
end
