(* aborts *)
let () = close_in @@ open_in @@ "x"
