open Cmdliner

let level =
  let info = Arg.info ~doc:"how much to say" [ "v"; "logs" ] in
  Mirage_runtime.register_arg Arg.(value & opt string "info" info)

let start () = Logs.info (fun m -> m "%s" (level ())); Lwt.return_unit
