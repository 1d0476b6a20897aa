(* nothing *)
(* it is caught *)
let home = try Sys.getenv "HOME" with Not_found -> "/"
