(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

let rec again n = if n = 0 then default_network else again (n - 1)
let main = main "Unikernel.Main" (network @-> job)

let () = register "undone" [ main $ again 3 ]
