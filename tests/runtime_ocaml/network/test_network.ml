(* Boot arguments of network devices: names, groups, defaults, values. *)

open Mirage_runtime_network

let eval term args =
  let argv = Array.of_list ("test" :: args) in
  match Cmdliner.Cmd.(eval_value ~argv ~err:Format.str_formatter (v (info "test") term)) with
  | Ok (`Ok v) -> Some v
  | _ -> None

let net = Ipaddr.V4.Prefix.of_string_exn
let ip = Ipaddr.of_string_exn

let () =
  let default = net "10.0.0.2/24" in
  assert (eval (V4.network default) [] = Some default);
  assert (eval (V4.network default) [ "--ipv4=10.1.0.2/16" ] = Some (net "10.1.0.2/16"));
  assert (eval (V4.network default) [ "--ipv4=10.1.0" ] = None);
  assert (eval (V4.network ~group:"mgmt" default) [ "--mgmt-ipv4=10.1.0.2/16" ] = Some (net "10.1.0.2/16"));
  assert (eval (V4.network ~group:"" default) [ "--ipv4=10.1.0.2/16" ] = Some (net "10.1.0.2/16"));
  assert (eval (V4.optional_network ()) [] = Some None);
  assert (eval (V4.gateway None) [ "--ipv4-gateway=10.0.0.1" ] = Some (Some (Ipaddr.V4.of_string_exn "10.0.0.1")));
  assert (eval (V6.network None) [ "--ipv6=fd00::2/64" ] = Some (Some (Ipaddr.V6.Prefix.of_string_exn "fd00::2/64")));
  assert (eval (V6.gateway None) [] = Some None);
  assert (eval (V6.accept_router_advertisements ()) [ "--accept-router-advertisements=false" ] = Some false);
  assert (eval (ipv4_only ()) [] = Some false && eval (ipv6_only ()) [ "--ipv6-only=true" ] = Some true);
  assert (eval (interface "service") [] = Some "service");
  assert (eval (resolver ~default:[ "a" ] ()) [ "--resolver=b,c" ] = Some (Some [ "b"; "c" ]));
  assert (eval (dns_timeout (Some 5L)) [] = Some (Some 5L));
  assert (eval (he_resolve_retries None) [ "--he-resolve-retries=3" ] = Some (Some 3));
  assert (eval (http_headers None) [ "--http-headers=a:b,c:d" ] = Some (Some [ ("a", "b"); ("c", "d") ]));
  assert (eval (syslog None) [ "--syslog=fd00::1" ] = Some (Some (ip "fd00::1")));
  assert (eval (syslog_port None) [] = Some 514 && eval (syslog_port (Some 601)) [] = Some 601);
  assert (eval (monitor ~group:"m" (Some (ip "10.0.0.3"))) [] = Some (Some (ip "10.0.0.3")))
