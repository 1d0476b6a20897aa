(* nothing *)
let test = ref None
let stopped () = match !test with Some f -> close_in (open_in f) | None -> ()
let () = at_exit stopped
