(* unsure *)
let () = let go f = close_in (open_in f) in go "x"
