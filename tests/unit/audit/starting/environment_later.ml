(* nothing *)
(* nobody calls it *)
let home () = Sys.getenv "HOME"
