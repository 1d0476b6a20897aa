open Core
open Async_kernel

let port = 8080
let patience = Time_ns.Span.of_sec 30.

module Main (Stack : Tcpip.Stack.V4V6) = struct
  module Tcp = Stack.TCP

  (* What the stack answers is a promise of Lwt's; over the bridge it is one of Async's. *)
  let read flow = Mpy_async.of_lwt (fun () -> Tcp.read flow)
  let write flow data = Mpy_async.of_lwt (fun () -> Tcp.write flow data)
  let close flow = Mpy_async.of_lwt (fun () -> Tcp.close flow)

  (* Send back what comes, until the other side ends or says nothing for a while; the number of bytes. *)
  let rec echo flow sent =
    Clock_ns.with_timeout patience (read flow) >>= function
    | `Timeout | `Result (Ok `Eof) -> return sent
    | `Result (Error error) -> failwith (Format.asprintf "%a" Tcp.pp_error error)
    | `Result (Ok (`Data data)) -> (
        write flow data >>= function
        | Ok () -> echo flow (sent + Cstruct.length data)
        | Error error -> failwith (Format.asprintf "%a" Tcp.pp_write_error error))

  let serve flow =
    let host, _ = Tcp.dst flow in
    let before = Time_ns.now () in
    Logs.info (fun m -> m "connection from %a" Ipaddr.pp host);
    Monitor.try_with (fun () -> echo flow 0) >>= fun outcome ->
    (match outcome with
    | Ok sent ->
        let took = Time_ns.Span.to_string_hum (Time_ns.diff (Time_ns.now ()) before) in
        Logs.info (fun m -> m "sent %d bytes back, in %s" sent took)
    | Error exn -> Logs.warn (fun m -> m "connection: %s" (Exn.to_string (Monitor.extract_exn exn))));
    close flow

  (* The stack calls with a flow and waits for a promise of Lwt's: over the bridge, the other way. *)
  let start stack =
    Tcp.listen (Stack.tcp stack) ~port (fun flow -> Mpy_async.to_lwt (fun () -> serve flow));
    Logs.info (fun m -> m "listening on port %d" port);
    Mpy_async.of_lwt (fun () -> Stack.listen stack)
end
