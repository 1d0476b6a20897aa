(* nothing *)
let () = at_exit (fun () -> print_endline "bye")
