(* mirage >= 4.4.0 & < 4.5.0 *)
open Mirage

let port =
  let doc = Key.Arg.info ~doc:"The port to listen on." [ "port" ] in
  Key.(create "port" Arg.(opt int 8080 doc))

let main =
  foreign
    ~packages:[ package "duration" ]
    ~keys:[ Key.v port ]
    "Unikernel.Main" (console @-> random @-> time @-> stackv4v6 @-> job)

let () = register "old" [ main $ default_console $ default_random $ default_time $ generic_stackv4v6 default_network ]
