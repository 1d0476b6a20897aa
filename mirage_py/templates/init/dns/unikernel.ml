module Main (Stack : Tcpip.Stack.V4V6) = struct
  module Server = Dns_server_mirage.Make (Stack)

  (* What is wrong with a zone is logged where it is read; then there is nothing to serve. *)
  let zone () =
    let zones, data = Dns_zone.decode_zones [ (Zone.name, Zone.text) ] in
    if Domain_name.Set.is_empty zones then failwith "no zone to serve";
    data

  let start stack port =
    let rng length = Mirage_crypto_rng.generate length in
    Server.primary ~port stack (Dns_server.Primary.create ~rng (zone ()));
    Logs.info (fun m -> m "serving %s on port %d" Zone.name port);
    Stack.listen stack
end
