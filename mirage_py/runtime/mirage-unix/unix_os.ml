(* A unikernel as a Unix process: Lwt's own event loop, with the hooks of Mirage_runtime in it. *)

module Lifecycle = struct
  let await_shutdown_request ?can_poweroff:_ ?can_reboot:_ () = fst (Lwt.wait ())
end

module Main = struct
  let () =
    ignore (Lwt_main.Enter_iter_hooks.add_first Mirage_runtime.run_enter_iter_hooks);
    ignore (Lwt_main.Leave_iter_hooks.add_last Mirage_runtime.run_leave_iter_hooks);
    Lwt_main.at_exit Mirage_runtime.run_exit_hooks

  (* Writing to a closed connection is an error of that connection, not the end of the process. *)
  let ignore_sigpipe () = try Sys.set_signal Sys.sigpipe Sys.Signal_ignore with Invalid_argument _ -> ()

  let run main =
    ignore_sigpipe ();
    Lwt_main.run main
end

module Time = struct
  let unsigned n = if Int64.compare n 0L < 0 then Int64.to_float n +. 0x1p64 else Int64.to_float n
  let sleep_ns n = Lwt_unix.sleep (unsigned n /. 1e9)
end
