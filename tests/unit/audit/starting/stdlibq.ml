(* aborts *)
let c = Stdlib.open_in "x"
