"""The types of the verbs of the OCaml language, its keys and boot-time arguments, and the releases that have them."""

from __future__ import annotations

from typing import Final

from mirage_py.convert.dialect import BEYOND, OLDEST, Release

_PACKAGES = (
    "?packages:package list -> ?packages_v:package list value -> ?keys:abstract_key list ->"
    " ?runtime_args:abstract_runtime_arg list -> ?local_libs:string list -> "
)
VERBS: dict[str, str] = {
    "main": "?pos:pos -> " + _PACKAGES + "?deps:dep list -> ?extra_deps:dep list -> string -> 'a typ -> 'a impl",
    "foreign": "?pos:pos -> " + _PACKAGES + "?deps:dep list -> ?extra_deps:dep list -> string -> 'a typ -> 'a impl",
    "impl": "?pos:pos -> " + _PACKAGES + "?extra_deps:dep list -> ?install:'i -> ?install_v:'j ->"
    " ?connect:(info -> string -> string list -> code) -> ?dune:'k -> ?configure:'l -> ?files:'m -> string -> 'a typ ->"
    " 'a impl",
    "typ": "'a -> 'b typ",
    "Type.v": "'a -> 'b typ",
    "if_impl": "bool value -> 'a impl -> 'a impl -> 'a impl",
    "match_impl": "'b value -> default:'a impl -> ('b * 'a impl) list -> 'a impl",
    "dep": "'a impl -> dep",
    "abstract": "'a impl -> dep",
    "package": "?scope:scope -> ?build:bool -> ?sublibs:string list -> ?libs:string list -> ?min:string ->"
    " ?max:string -> ?pin:string -> ?pin_version:string -> ?ocamlfind:string list -> string -> package",
    "register": "?argv:argv impl -> ?tracing:tracing -> ?reporter:reporter impl -> ?sleep:sleep impl ->"
    " ?ptime:ptime impl -> ?mtime:mtime impl -> ?random:random impl -> ?keys:abstract_key list ->"
    " ?packages:package list -> ?src:src -> string -> job impl list -> unit",
    "runtime_arg": "?pos:pos -> ?name:string -> ?packages:package list -> string -> abstract_runtime_arg",
    "Runtime_arg.create": "?pos:pos -> ?name:string -> ?packages:package list -> string -> 'a runtime_arg",
    "Runtime_arg.v": "'a runtime_arg -> abstract_runtime_arg",
    "code": "?pos:pos -> string -> code",
    "key": "'a key -> abstract_key",
    "Key.v": "'a key -> abstract_key",
    "Key.abstract": "'a key -> abstract_key",
    "Key.value": "'a key -> 'a value",
    "Key.create": "string -> 'a arg -> 'a key",
    "Key.pure": "'a -> 'a value",
    "Key.if_": "bool value -> 'a -> 'a -> 'a value",
    "Key.match_": "'a value -> ('a -> 'b) -> 'b value",
    "Key.map": "('a -> 'b) -> 'a value -> 'b value",
    "Key.is_unix": "bool value",
    "Key.is_solo5": "bool value",
    "Key.is_xen": "bool value",
    "Key.is_unikraft": "bool value",
    "Key.target": "target key",
    "Key.kv_ro": "?group:string -> unit -> kv_kind key",
    "Key.block": "?group:string -> unit -> block_kind key",
    "Key.net": "?group:string -> unit -> net key",
    "Key.no_dhcp": "?group:string -> unit -> bool key",
    "Key.utcp": "?group:string -> unit -> bool key",
    "Key.dhcp": "?group:string -> unit -> bool key",
    "Arg.info": "?docs:string -> ?docv:string -> ?doc:string -> ?env:'e -> string list -> info_of_key",
    "Arg.opt": "?stage:stage -> 'a conv -> 'a -> info_of_key -> 'a arg",
    "Arg.opt_all": "?stage:stage -> 'a conv -> info_of_key -> 'a list arg",
    "Arg.required": "?stage:stage -> 'a conv -> info_of_key -> 'a arg",
    "Arg.flag": "?stage:stage -> info_of_key -> bool arg",
    "Arg.string": "string conv",
    "Arg.int": "int conv",
    "Arg.int64": "int conv",
    "Arg.float": "float conv",
    "Arg.bool": "bool conv",
    "Arg.file": "string conv",
    "Arg.dir": "string conv",
    "Arg.ip_address": "string conv",
    "Arg.ipv4_address": "string conv",
    "Arg.ipv6_address": "string conv",
    "Arg.ipv4": "string conv",
    "Arg.ipv6": "string conv",
    "Arg.some": "'a conv -> 'a option conv",
    "Arg.enum": "(string * 'a) list -> 'a conv",
    "Arg.list": "?sep:string -> 'a conv -> 'a list conv",
    "Arg.conv": "?docv:string -> ?conv:'b -> ?runtime_conv:string -> ?serialize:'c -> ?parser:'d -> 'a conv",
    "Cmd.Env.info": "string -> env",
    "Sys.getenv": "string -> string",
    "Unix.getenv": "string -> string",
    "Sys.getenv_opt": "string -> string option",
    "Printf.sprintf": "string -> string",
    "Printf.printf": "string -> unit",
    "Printf.eprintf": "string -> unit",
    "Fmt.pr": "string -> unit",
    "Fmt.epr": "string -> unit",
    "Format.printf": "string -> unit",
    "raise": "'a -> 'b",
    "Fmt.str": "string -> string",
    "Fmt.strf": "string -> string",
    "Format.asprintf": "string -> string",
    "Format.sprintf": "string -> string",
    "Key.serialize_call": "'a",
    "Runtime_arg.call": "'a",
    "Dune.stanza": "string -> stanza",
    "connect_err": "string -> int -> code",
    "Info.name": "info -> string",
    "failwith": "string -> 'a",
    "invalid_arg": "string -> 'a",
    "Some": "'a -> 'a option",
    "Ipaddr.V4.Prefix.of_string_exn": "string -> string",
    "Ipaddr.V4.of_string_exn": "string -> string",
    "Ipaddr.V6.Prefix.of_string_exn": "string -> string",
    "Ipaddr.V6.of_string_exn": "string -> string",
    "Ipaddr.of_string_exn": "string -> string",
    "Fun.id": "'a -> 'a",
    "ignore": "'a -> unit",
    "__POS__": "pos",
    "base_configurable": "'a",
    "get_mode": "unit -> target",
    "add_to_ocamlfind_libraries": "string list -> unit",
    "add_to_opam_packages": "string list -> unit",
    "fat_of_files": "?dir:string -> ?regexp:string -> unit -> block impl",
    "direct_stackv4_with_dhcp": "'a -> network impl -> stackv4v6 impl",
    "direct_stackv4_with_default_ipv4": "'a -> network impl -> stackv4v6 impl",
    "direct_stackv4_with_static_ipv4": "'a -> network impl -> 'b -> stackv4v6 impl",
}
VERBS_SINCE: dict[str, Release] = {
    "main": (4, 0, 0),
    "dep": (4, 0, 0),
    "Key.v": (4, 0, 0),
    "runtime_arg": (4, 5, 0),
    "Runtime_arg.create": (4, 5, 0),
    "Runtime_arg.call": (4, 5, 0),
    "Runtime_arg.v": (4, 5, 0),
    "code": (4, 5, 0),
}
VERBS_UNTIL: dict[str, Release] = {
    **dict.fromkeys(
        (
            "get_mode",
            "add_to_ocamlfind_libraries",
            "add_to_opam_packages",
            "direct_stackv4_with_dhcp",
            "direct_stackv4_with_default_ipv4",
            "direct_stackv4_with_static_ipv4",
        ),
        (3, 0, 0),
    ),
    "fat_of_files": (4, 3, 0),
    "base_configurable": (4, 0, 0),
    "foreign": (4, 5, 0),
    "abstract": (4, 5, 0),
    "Key.abstract": (4, 5, 0),
    "Key.serialize_call": (4, 5, 0),
}

BOOT = {
    name: f"?group:string -> ?docs:string -> unit -> {kind} runtime_arg"
    for name, kind in (("ipv4_only", "bool"), ("ipv6_only", "bool"))
}
BOOT |= {
    name: f"?group:string -> ?docs:string -> {kind} option -> {kind} option runtime_arg"
    for name, kind in (
        ("dns_servers", "string list"),
        ("dns_timeout", "int"),
        ("dns_cache_size", "int"),
        ("he_aaaa_timeout", "int"),
        ("he_connect_delay", "int"),
        ("he_connect_timeout", "int"),
        ("he_resolve_timeout", "int"),
        ("he_resolve_retries", "int"),
        ("he_timer_interval", "int"),
        ("ssh_key", "string"),
        ("ssh_password", "string"),
        ("ssh_authenticator", "string"),
        ("tls_authenticator", "string"),
        ("http_headers", "(string * string) list"),
        ("syslog", "string"),
        ("syslog_port", "int"),
        ("syslog_truncate", "int"),
        ("syslog_keyname", "string"),
        ("monitor", "string"),
    )
}
BOOT |= {
    "interface": "?group:string -> ?docs:string -> string -> string runtime_arg",
    "delay": "int runtime_arg",
    "logs": "logs runtime_arg",
    "V4.network": "?group:string -> ?docs:string -> string -> string runtime_arg",
    "V4.gateway": "?group:string -> ?docs:string -> string option -> string option runtime_arg",
    "V6.network": "?group:string -> ?docs:string -> string option -> string option runtime_arg",
    "V6.gateway": "?group:string -> ?docs:string -> string option -> string option runtime_arg",
    "V6.accept_router_advertisements": "?group:string -> ?docs:string -> unit -> bool runtime_arg",
}
BOOT_NAMES: Final = {
    "V4.network": "v4_network",
    "V4.gateway": "v4_gateway",
    "V6.network": "v6_network",
    "V6.gateway": "v6_gateway",
    "V6.accept_router_advertisements": "v6_accept_ra",
}

LABELS: Final[dict[tuple[str, str], tuple[Release, Release]]] = {
    ("main", "deps"): ((4, 6, 1), BEYOND),
    ("main", "local_libs"): ((4, 10, 0), BEYOND),
    ("main", "extra_deps"): (OLDEST, (4, 5, 0)),
    ("main", "runtime_args"): ((4, 5, 0), BEYOND),
    ("impl", "runtime_args"): ((4, 5, 0), BEYOND),
    ("register", "packages"): (OLDEST, (4, 5, 0)),
    **dict.fromkeys((("register", "libraries"), ("main", "libraries"), ("foreign", "libraries")), (OLDEST, (3, 0, 0))),
    ("register", "keys"): (OLDEST, (4, 5, 0)),
    ("register", "sleep"): ((4, 9, 0), BEYOND),
    ("generic_dns_client", "dhcp"): ((4, 10, 5), BEYOND),
    ("direct_stackv4v6", "tcp"): (OLDEST, (4, 11, 0)),
}
"""Labels that only some releases have: (name, label) -> since, until."""

FORMATS: Final = frozenset(("code", "Printf.sprintf", "Fmt.str", "Fmt.strf", "Format.asprintf", "Format.sprintf"))
"""Functions that make a text of a format."""

PRINTERS: Final = frozenset(("Printf.printf", "Printf.eprintf", "Fmt.pr", "Fmt.epr", "Format.printf"))
"""Functions that print what a format says."""
