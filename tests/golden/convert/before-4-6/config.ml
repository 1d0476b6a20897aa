(* mirage >= 4.5.0 & < 4.6.0 *)
open Mirage

let stack = generic_stackv4v6 default_network
let dns = generic_dns_client stack
let he = generic_happy_eyeballs stack dns
let mimic = mimic_happy_eyeballs stack dns he
let tcp = tcpv4v6_of_stackv4v6 stack
let git = git_tcp tcp mimic
let main = main "Unikernel.Main" (git_client @-> pclock @-> time @-> job)
let () = register "fetch" [ main $ git $ default_posix_clock $ default_time ]
