(* unsure *)
let load f = close_in (open_in f)
let ( >>= ) x f = f x
let () = "x" >>= load
