(* unsure *)
let () = let a f = close_in (open_in f) in let b f = a f in b "x"
