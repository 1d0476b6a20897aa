(* aborts *)
external op : string -> int = "caml_sys_open"
let x = op "x"
