(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

let secure =
  let doc = Key.Arg.info ~doc:"Whether to answer over TLS." [ "secure" ] in
  Key.(create "secure" Arg.(flag doc))

let region = Key.(create "region" Arg.(opt string "north" (info ~doc:"where it runs" ~docv:"PLACE" [ "region" ])))
let tags = Key.(create "tag" Arg.(opt_all string (info ~doc:"words for it" [ "tag" ])))
let workers = Key.(create "workers" Arg.(required int (info ~doc:"how many" [ "workers" ])))
let plain = main "Plain.Main" ~keys:[ Key.v region; Key.v tags; Key.v workers ] (network @-> job)
let tls = main "Tls.Main" (network @-> job)
let chosen = if_impl (Key.value secure) tls plain
let disk = match_impl Key.(value target) ~default:(block_of_file "disk.img") [ (`Xen, block_of_xenstore_id "51712"); (`Unix, ramdisk "disk") ]
let store = main "Store.Main" (block @-> job)
let () = register "keys" [ chosen $ default_network; store $ disk ]
