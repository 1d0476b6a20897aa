(* The parts for Solo5, linked into a process by mistake, say so. *)

let refused f = match f () with exception Failure why -> String.length why > 0 | _ -> false

let () =
  assert (refused Mirage_bootvar.argv);
  assert (refused Mirage_ptime.now);
  assert (refused (fun () -> Mirage_sleep.ns 1L));
  assert (refused (fun () -> Solo5_os.Main.run (fst (Lwt.wait ()))));
  assert (match Solo5_os.Main.wait_for_work_on_handle 64L with exception Invalid_argument _ -> true | _ -> false);
  (* Not exit: the main loop would run once more, and refuse. *)
  Unix._exit 0
