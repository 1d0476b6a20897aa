(* unsure *)
let rec a n = if n = 0 then b () else a (n-1) and b () = ignore (open_in "x")
let () = a 3
