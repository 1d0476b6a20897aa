(* unsure *)
let load f = close_in (open_in f)
let files=["a"]
let () = List.iter load files
