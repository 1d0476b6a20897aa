(* nothing *)
(* it is caught *)
let home = match Sys.getenv "HOME" with home -> home | exception Not_found -> "/"
