(* aborts *)
let () = try close_in (open_in "x") with _ -> ()
