open Lwt.Infix

module Main (Stack : Tcpip.Stack.V4V6) = struct
  module Tcp = Stack.TCP

  let failed pp error =
    Logs.warn (fun m -> m "connection: %a" pp error);
    Lwt.return_unit

  (* Send back what comes, until the other side ends. *)
  let rec echo flow =
    Tcp.read flow >>= function
    | Ok `Eof -> Lwt.return_unit
    | Error error -> failed Tcp.pp_error error
    | Ok (`Data data) -> (
        Tcp.write flow data >>= function
        | Ok () -> echo flow
        | Error error -> failed Tcp.pp_write_error error)

  let serve flow =
    let host, port = Tcp.dst flow in
    Logs.info (fun m -> m "connection from %a:%d" Ipaddr.pp host port);
    echo flow >>= fun () -> Tcp.close flow

  let start stack port =
    Tcp.listen (Stack.tcp stack) ~port serve;
    Logs.info (fun m -> m "listening on port %d" port);
    Stack.listen stack
end
