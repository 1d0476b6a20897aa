(* nothing *)
let f open_in = open_in 3
let x = f (fun x -> x)
