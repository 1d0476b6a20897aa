(* unsure *)
let () = List.iter (fun f -> close_in (open_in f)) ["a"]
