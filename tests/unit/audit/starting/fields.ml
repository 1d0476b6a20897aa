(* unsure *)
type t = {mutable run : string -> unit}
let t = {run = ignore}
let load f = close_in (open_in f)
let () = t.run <- load
let () = t.run "x"
