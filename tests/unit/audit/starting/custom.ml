(* unsure *)
let load f = close_in (open_in f)
let each f l = List.iter f l
let () = each load ["x"]
