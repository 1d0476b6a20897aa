open Mirage

let colour =
  let doc = Key.Arg.info ~doc:"Which colour." ~docv:"COLOUR" ~env:"COLOUR" [ "colour" ] in
  Key.(create "colour" Arg.(opt (enum [ ("red", "r"); ("blue", "b") ]) "r" doc))

let disk = Key.(if_impl is_solo5) (block_of_file "storage") (block_of_file "disk.img")
let main = main "Unikernel.Main" (block @-> job) ~keys:[ Key.v colour ]
let () = register "blocks" [ main $ disk ]
