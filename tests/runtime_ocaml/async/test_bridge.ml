(* On a Unix process. *)

let () =
  ignore (Unix.alarm 30 : int) (* a bridge that leads nowhere waits for ever *);
  Mpy_async_unix.run (Check.all ());
  (match Mpy_async_unix.run (Check.ended_from_outside ()) with
  | () -> failwith "what no monitor took did not end the program"
  | exception Failure told -> assert (told = "from outside"));
  print_endline "bridge: true"
