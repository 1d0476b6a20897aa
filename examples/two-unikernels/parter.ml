let start () =
  Logs.info (fun m -> m "%s" Phrases.goodbye);
  Lwt.return_unit
