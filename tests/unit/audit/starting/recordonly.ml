(* nothing *)
type r = {run : string -> unit}
let load f = close_in (open_in f)
let r = {run = load}
