(* unsure *)
let load = open_in
let c = load "x"
