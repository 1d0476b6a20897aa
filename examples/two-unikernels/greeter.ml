let start () =
  Logs.info (fun m -> m "%s" Phrases.hello);
  Lwt.return_unit
