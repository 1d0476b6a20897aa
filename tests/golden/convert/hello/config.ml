(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

(* The packages that the unikernel reads. *)
let packages = [ package "duration"; package ~min:"0.9.0" ~max:"1.0.0" "fmt" ]
let main = main ~packages "Unikernel" job
let () = register "greeting" [ main ]
