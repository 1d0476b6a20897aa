open Mirage
let main = main "Unikernel.Main" (block @-> job)
let () = register "x" [ main $ default_network ]
