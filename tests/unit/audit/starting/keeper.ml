(* nothing *)
let load f = close_in (open_in f)
type c = C of (string -> unit)
let conv f = C f
let x = conv load
