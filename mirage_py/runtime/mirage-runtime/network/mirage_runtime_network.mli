(** Boot arguments of network devices.

    [?group] prefixes the option: [~group:"mgmt"] makes [--ipv4] [--mgmt-ipv4]. [?docs] is the section of the help. *)

open Cmdliner

module Arg : sig
  val ipv4_address : Ipaddr.V4.t Arg.conv
  val ipv4 : Ipaddr.V4.Prefix.t Arg.conv
  val ipv6_address : Ipaddr.V6.t Arg.conv
  val ipv6 : Ipaddr.V6.Prefix.t Arg.conv
  val ip_address : Ipaddr.t Arg.conv
end

(** {2 Interfaces and addresses} *)

val interface : ?group:string -> ?docs:string -> string -> string Term.t
(** [--interface]; the argument is the default. *)

module V4 : sig
  open Ipaddr.V4

  val network : ?group:string -> ?docs:string -> Prefix.t -> Prefix.t Term.t
  (** [--ipv4] *)

  val optional_network : ?group:string -> ?docs:string -> unit -> Prefix.t option Term.t
  (** [--ipv4], of which there need be none. *)

  val gateway : ?group:string -> ?docs:string -> t option -> t option Term.t
  (** [--ipv4-gateway] *)
end

module V6 : sig
  open Ipaddr.V6

  val network : ?group:string -> ?docs:string -> Prefix.t option -> Prefix.t option Term.t
  (** [--ipv6] *)

  val gateway : ?group:string -> ?docs:string -> t option -> t option Term.t
  (** [--ipv6-gateway] *)

  val accept_router_advertisements : ?group:string -> ?docs:string -> unit -> bool Term.t
  (** [--accept-router-advertisements] *)
end

val ipv4_only : ?group:string -> ?docs:string -> unit -> bool Term.t
val ipv6_only : ?group:string -> ?docs:string -> unit -> bool Term.t

(** {2 Names} *)

val resolver : ?group:string -> ?docs:string -> ?default:string list -> unit -> string list option Term.t
val dns_servers : ?group:string -> ?docs:string -> string list option -> string list option Term.t

val dns_timeout : ?group:string -> ?docs:string -> int64 option -> int64 option Term.t
(** In nanoseconds, as all times below. *)

val dns_cache_size : ?group:string -> ?docs:string -> int option -> int option Term.t

(** {2 Happy eyeballs} *)

val he_aaaa_timeout : ?group:string -> ?docs:string -> int64 option -> int64 option Term.t
val he_connect_delay : ?group:string -> ?docs:string -> int64 option -> int64 option Term.t
val he_connect_timeout : ?group:string -> ?docs:string -> int64 option -> int64 option Term.t
val he_resolve_timeout : ?group:string -> ?docs:string -> int64 option -> int64 option Term.t
val he_resolve_retries : ?group:string -> ?docs:string -> int option -> int option Term.t
val he_timer_interval : ?group:string -> ?docs:string -> int64 option -> int64 option Term.t

(** {2 SSH, TLS, HTTP} *)

val ssh_key : ?group:string -> ?docs:string -> string option -> string option Term.t
val ssh_password : ?group:string -> ?docs:string -> string option -> string option Term.t
val ssh_authenticator : ?group:string -> ?docs:string -> string option -> string option Term.t
val tls_authenticator : ?group:string -> ?docs:string -> string option -> string option Term.t
val http_headers :
  ?group:string -> ?docs:string -> (string * string) list option -> (string * string) list option Term.t

(** {2 Logs and monitoring} *)

val syslog : ?group:string -> ?docs:string -> Ipaddr.t option -> Ipaddr.t option Term.t

val syslog_port : ?group:string -> ?docs:string -> int option -> int Term.t
(** 514 where neither the argument nor the command line says otherwise. *)

val syslog_truncate : ?group:string -> ?docs:string -> int option -> int option Term.t
val syslog_keyname : ?group:string -> ?docs:string -> string option -> string option Term.t
val monitor : ?group:string -> ?docs:string -> Ipaddr.t option -> Ipaddr.t option Term.t
