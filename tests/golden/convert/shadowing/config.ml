(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

let stack = generic_stackv4v6 default_network
let tcp = tcpv4v6_of_stackv4v6 stack
let http_client = cohttp_client
let packages = [ package "fmt" ]
let with_packages name = main ~packages name (stackv4v6 @-> job)
let packages = [ package "logs" ]
let first = with_packages "First.Main"
let main = main ~packages "Second.Main" (tcpv4v6 @-> job)
let x' = main
let main = x' $ tcp
let () = register "two" [ first $ stack; main ]
