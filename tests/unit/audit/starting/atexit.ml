(* unsure *)
let () = at_exit (fun () -> close_in (open_in "x"))
