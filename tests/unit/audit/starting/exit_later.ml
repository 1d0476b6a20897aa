(* nothing *)
let fail () = prerr_endline "no"; exit 1
let () = do_at_exit ()
let table = ["fail", fail]
