(* unsure *)
let a = [| open_in |]
let c = a.(0) "x"
