(* unsure *)
let load f = close_in (open_in f)
let tbl = ["a", load]
let () = List.iter (fun (n, f) -> f n) tbl
