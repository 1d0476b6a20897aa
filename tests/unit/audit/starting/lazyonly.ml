(* nothing *)
let p = lazy (open_in "x")
