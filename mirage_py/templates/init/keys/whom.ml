open Cmdliner

let term =
  let doc = Arg.info [ "whom" ] ~docv:"NAME" ~doc:"Whom to greet." in
  Arg.(value & opt string "world" doc)
