(* unsure *)
let load f = open_in f
let o = Some load
let () = Option.iter (fun f -> ignore (f "x")) o
