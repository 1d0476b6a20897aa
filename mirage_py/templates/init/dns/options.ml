open Cmdliner

let port =
  let doc = Arg.info [ "port" ] ~docv:"PORT" ~doc:"Where to answer, over UDP and TCP." in
  Arg.(value & opt int 53 doc)
