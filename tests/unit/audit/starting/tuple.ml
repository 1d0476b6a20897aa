(* unsure *)
let a, b = open_in, 3
let c = a "x"
