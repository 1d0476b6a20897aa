(* unsure *)
let ( let* ) x f = f x
let () = let* x = "x" in close_in (open_in x)
