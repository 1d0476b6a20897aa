module Main (Cache : Cache.S) = struct
  let rec fibonacci cache n =
    match Cache.find cache n with
    | Some value -> value
    | None ->
        let value = if n < 2 then n else fibonacci cache (n - 1) + fibonacci cache (n - 2) in
        Cache.add cache n value;
        value

  let start cache =
    Logs.info (fun m -> m "fibonacci 30 is %d" (fibonacci cache 30));
    Logs.info (fun m -> m "%s" (Cache.summary cache));
    Lwt.return_unit
end
