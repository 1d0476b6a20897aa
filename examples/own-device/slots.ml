open Cmdliner

let term =
  let doc = Arg.info [ "slots" ] ~docv:"COUNT" ~doc:"How many numbers the cache keeps at most." in
  Arg.(value & opt int 8 doc)
