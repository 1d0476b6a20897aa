(* aborts *)
let make () = fun f -> open_in f
let c = make () "x"
