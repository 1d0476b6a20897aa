(* aborts *)
(* there is no environment *)
let home = Sys.getenv "HOME"
