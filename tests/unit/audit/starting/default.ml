(* unsure *)
let f ?(c = open_in "x") () = c
let d = f ()
