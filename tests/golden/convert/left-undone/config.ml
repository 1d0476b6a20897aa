(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

let disk = Lazy.force (lazy (ramdisk "none"))
let main = main "Unikernel.Main" (block @-> job)

let () = register "undone" [ main $ disk ]
