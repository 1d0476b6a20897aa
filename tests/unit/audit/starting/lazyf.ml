(* unsure *)
let p = lazy (open_in "x")
let c = Lazy.force p
