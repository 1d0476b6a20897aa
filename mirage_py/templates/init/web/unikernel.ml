module Main (Http : Cohttp_mirage.Server.S) = struct
  let answer _connection request _body =
    let path = Uri.path (Cohttp.Request.uri request) in
    Logs.info (fun m -> m "%s %s" (Cohttp.Code.string_of_method (Cohttp.Request.meth request)) path);
    match path with
    | "/" -> Http.respond_string ~status:`OK ~body:"Hello from a unikernel.\n" ()
    | path -> Http.respond_string ~status:`Not_found ~body:(Printf.sprintf "There is no %s here.\n" path) ()

  let start listen host port =
    let ( let* ) = Result.bind in
    let config =
      let* certificates = Certificate.self_signed host in
      Tls.Config.server ~certificates ()
    in
    match config with
    | Error (`Msg message) -> Lwt.fail_with message
    | Ok config ->
        Logs.info (fun m -> m "listening on port %d, as %s" port host);
        listen (`TLS (config, `TCP port)) (Http.make ~callback:answer ())
end
