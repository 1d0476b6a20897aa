(* Without an operating system. *)

let () =
  Mpy_async_solo5.run (Check.all ());
  print_endline "bridge: true";
  Mpy_async_solo5.run (Check.ended_from_outside ())
