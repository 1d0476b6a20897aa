let say words whom =
  Logs.info (fun m -> m "%s, %s!" words whom);
  Lwt.return_unit

module English = struct
  let start () whom = say "hello" whom
end

module French = struct
  let start () whom = say "bonjour" whom
end
