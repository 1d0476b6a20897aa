(* unsure *)
let load f = close_in (open_in f)
let () = match Sys.getenv_opt "X" with Some f -> load f | None -> ()
