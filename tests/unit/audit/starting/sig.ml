(* aborts *)
let () = Sys.set_signal Sys.sigint Sys.Signal_ignore
