(* aborts *)
let a = Sys.(readdir "/")
