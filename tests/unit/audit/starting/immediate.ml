(* aborts *)
let () = (fun f -> close_in (open_in f)) "x"
