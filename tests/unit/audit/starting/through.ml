(* aborts *)
let load f = open_in f
let go () = load "x"
let () = go ()
