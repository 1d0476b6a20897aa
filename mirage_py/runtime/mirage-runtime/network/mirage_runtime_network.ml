(* Boot arguments of network devices. *)

open Cmdliner

module Conv = struct
  let conv parse print = Arg.conv (parse, fun ppf value -> Format.pp_print_string ppf (print value))
  let ipv4_address = conv Ipaddr.V4.of_string Ipaddr.V4.to_string
  let ipv4 = conv Ipaddr.V4.Prefix.of_string Ipaddr.V4.Prefix.to_string
  let ipv6_address = conv Ipaddr.V6.of_string Ipaddr.V6.to_string
  let ipv6 = conv Ipaddr.V6.Prefix.of_string Ipaddr.V6.Prefix.to_string
  let ip_address = conv Ipaddr.of_string Ipaddr.to_string
end

let option kind ?docv name doc ?group ~docs default =
  let name = match group with None | Some "" -> name | Some group -> group ^ "-" ^ name in
  Arg.value (Arg.opt kind default (Arg.info ~docs ?docv ~doc [ name ]))

(* "of the unikernel", "of group mgmt" *)
let owner = function None | Some "" -> "the unikernel" | Some group -> "group " ^ group
let s_net = Mirage_runtime.s_net
let s_dns = Mirage_runtime.s_dns
let s_he = Mirage_runtime.s_he
let s_log = Mirage_runtime.s_log

let interface ?group ?(docs = s_net) default =
  let doc = "Network interface of " ^ owner group ^ "." in
  option Arg.string ~docv:"INTERFACE" "interface" doc ?group ~docs default

module V4 = struct
  let network_doc group = "IPv4 address and network of " ^ owner group ^ ", as in 192.168.0.1/16."

  let network ?group ?(docs = s_net) default =
    option Conv.ipv4 ~docv:"PREFIX" "ipv4" (network_doc group) ?group ~docs default

  let optional_network ?group ?(docs = s_net) () =
    option (Arg.some Conv.ipv4) ~docv:"PREFIX" "ipv4" (network_doc group) ?group ~docs None

  let gateway ?group ?(docs = s_net) default =
    let doc = "IPv4 gateway of " ^ owner group ^ "." in
    option (Arg.some Conv.ipv4_address) ~docv:"IP" "ipv4-gateway" doc ?group ~docs default
end

module V6 = struct
  let network ?group ?(docs = s_net) default =
    let doc = "IPv6 address and network of " ^ owner group ^ ", as in fd00::1/64." in
    option (Arg.some Conv.ipv6) ~docv:"PREFIX" "ipv6" doc ?group ~docs default

  let gateway ?group ?(docs = s_net) default =
    let doc = "IPv6 gateway of " ^ owner group ^ "." in
    option (Arg.some Conv.ipv6_address) ~docv:"IP" "ipv6-gateway" doc ?group ~docs default

  let accept_router_advertisements ?group ?(docs = s_net) () =
    let doc = "Whether router advertisements configure IPv6 of " ^ owner group ^ "." in
    option Arg.bool ~docv:"BOOL" "accept-router-advertisements" doc ?group ~docs true
end

let ipv4_only ?group ?(docs = s_net) () =
  option Arg.bool ~docv:"BOOL" "ipv4-only" ("Use IPv4 alone for " ^ owner group ^ ".") ?group ~docs false

let ipv6_only ?group ?(docs = s_net) () =
  option Arg.bool ~docv:"BOOL" "ipv6-only" ("Use IPv6 alone for " ^ owner group ^ ".") ?group ~docs false

let strings = Arg.(some (list string))
let text = Arg.(some string)
let number = Arg.(some int)
let nanoseconds = Arg.(some int64)

let resolver ?group ?(docs = s_net) ?default () =
  option strings ~docv:"IP" "resolver" "DNS resolvers to ask; a public one where none is given." ?group ~docs default

let dns_servers ?group ?(docs = s_dns) default =
  let doc = "DNS servers to ask; a public one where none is given." in
  option strings ~docv:"DNS-SERVER" "dns-servers" doc ?group ~docs default

let dns_timeout ?group ?(docs = s_dns) default =
  option nanoseconds ~docv:"NANOSECONDS" "dns-timeout" "How long an answer may take." ?group ~docs default

let dns_cache_size ?group ?(docs = s_dns) default =
  option number ~docv:"ENTRIES" "dns-cache-size" "How many answers are kept." ?group ~docs default

let he_time name doc ?group ~docs default = option nanoseconds ~docv:"NANOSECONDS" name doc ?group ~docs default

let he_aaaa_timeout ?group ?(docs = s_he) default =
  he_time "he-aaaa-timeout" "How long an IPv6 address is waited for." ?group ~docs default

let he_connect_delay ?group ?(docs = s_he) default =
  he_time "he-connect-delay" "How long after one attempt to connect the next begins." ?group ~docs default

let he_connect_timeout ?group ?(docs = s_he) default =
  he_time "he-connect-timeout" "How long an attempt to connect may take." ?group ~docs default

let he_resolve_timeout ?group ?(docs = s_he) default =
  he_time "he-resolve-timeout" "How long resolving a name may take." ?group ~docs default

let he_resolve_retries ?group ?(docs = s_he) default =
  option number ~docv:"TIMES" "he-resolve-retries" "How often resolving a name is tried." ?group ~docs default

let he_timer_interval ?group ?(docs = s_he) default =
  he_time "he-timer-interval" "How often its timer runs." ?group ~docs default

let ssh_key ?group ?(docs = Mirage_runtime.s_ssh) default =
  let doc = "Private SSH key: rsa:SEED, or ed25519: and the key in base64." in
  option text ~docv:"KEY" "ssh-key" doc ?group ~docs default

let ssh_password ?group ?(docs = Mirage_runtime.s_ssh) default =
  option text ~docv:"PASSWORD" "ssh-password" "Password for SSH." ?group ~docs default

let ssh_authenticator ?group ?(docs = Mirage_runtime.s_ssh) default =
  let doc = "How an SSH server's key is checked." in
  option text ~docv:"SSH-AUTHENTICATOR" "ssh-authenticator" doc ?group ~docs default

let tls_authenticator ?group ?(docs = Mirage_runtime.s_tls) default =
  let doc = "How a TLS server's certificate is checked." in
  option text ~docv:"TLS-AUTHENTICATOR" "tls-authenticator" doc ?group ~docs default

let http_headers ?group ?(docs = Mirage_runtime.s_http) default =
  let headers = Arg.(some (list ~sep:',' (pair ~sep:':' string string))) in
  let doc = "HTTP headers to send, as in NAME:VALUE,NAME:VALUE." in
  option headers ~docv:"HEADERS" "http-headers" doc ?group ~docs default

let syslog ?group ?(docs = s_log) default =
  option (Arg.some Conv.ip_address) ~docv:"IP" "syslog" "Where log messages are sent by syslog." ?group ~docs default

let syslog_port ?group ?(docs = s_log) default =
  let default = Option.value ~default:514 default in
  option Arg.int ~docv:"PORT" "syslog-port" "Port of the syslog server." ?group ~docs default

let syslog_truncate ?group ?(docs = s_log) default =
  option number ~docv:"BYTES" "syslog-truncate" "Length beyond which a syslog message is cut." ?group ~docs default

let syslog_keyname ?group ?(docs = s_log) default =
  option text ~docv:"NAME" "syslog-keyname" "TLS key for syslog." ?group ~docs default

let monitor ?group ?(docs = s_log) default =
  option (Arg.some Conv.ip_address) ~docv:"IP" "monitor" "Where measurements are sent." ?group ~docs default

module Arg = Conv
