(* aborts *)
(* it is not caught where it is called *)
let home () = Sys.getenv "HOME"
let x = home ()
