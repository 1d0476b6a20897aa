(* mirage >= 3.7.0 & < 3.8.0 *)
open Mirage

let level =
  let doc = Key.Arg.info ~doc:"How loud." ~env:"LEVEL" [ "level" ] in
  Key.(create "level" Arg.(opt int 3 doc))

let main =
  foreign "Unikernel.Main" ~keys:[ Key.abstract level ] ~deps:[ abstract nocrypto ] (console @-> job)

let () = register "loud" ~packages:[ package "duration" ] [ main $ default_console ]
