open Cmdliner

let port =
  let doc = Arg.info [ "port" ] ~docv:"PORT" ~doc:"Where to listen for TCP connections." in
  Arg.(value & opt int 7007 doc)
