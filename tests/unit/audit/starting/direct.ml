(* aborts *)
let x = open_in "a"
