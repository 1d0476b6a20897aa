(* mirage >= 4.10.0 & < 4.12.0 *)
open Mirage

let port = runtime_arg ~pos:__POS__ "Unikernel.port"
let main = main ~runtime_args:[ port ] ~packages:[ package ~sublibs:[ "tcp" ] "tcpip" ] "Unikernel.Main" (stackv4v6 @-> kv_ro @-> job)
let stack = generic_stackv4v6 default_network
let optional_log = if_impl Key.is_solo5 noop noop

let () =
  let site = generic_kv_ro "site" in
  register "net" [ optional_log; main $ stack $ site ]
