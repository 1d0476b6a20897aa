open Cmdliner

let host =
  let doc = Arg.info [ "host" ] ~docv:"NAME" ~doc:"The name that the certificate is for." in
  Arg.(value & opt string "localhost" doc)

let port =
  let doc = Arg.info [ "port" ] ~docv:"PORT" ~doc:"Where to listen for connections." in
  Arg.(value & opt int 4433 doc)
