(* unsure *)
let load a b = open_in (a ^ b)
let p = load "x"
let () = ignore (p "y")
