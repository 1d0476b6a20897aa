"""What the OCaml tool's language offers to a `config.ml`, release by release, and what each of it is in mpy.

The names, types and releases are those of the OCaml tool's `mirage.mli` and `functoria/DSL.mli` from 2.6 to 4.11.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from mirage_py.convert.dialect import BEYOND, OLDEST, Release
from mirage_py.convert.library import ACTIONS, LIBRARY
from mirage_py.convert.ocaml_types import Type, signature
from mirage_py.convert.verb_types import BOOT, VERBS, VERBS_SINCE, VERBS_UNTIL
from mirage_py.dataclass import dataclass, field


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A name of the OCaml language.

    `python` is its name in mpy (None: it takes more than another name). `keywords` renames labels, `drops` are labels
    that are gone, with the words to say so. `before` are older types: those of releases before the one named.
    """

    name: str
    type: str
    python: str | None = None
    since: Release = OLDEST
    until: Release = BEYOND
    keywords: dict[str, str] = field(default_factory=dict)
    drops: dict[str, str] = field(default_factory=dict)
    before: tuple[tuple[Release, str], ...] = ()
    change: str | None = None
    varying: str = ""
    """Its type where the releases of a file are some that have the older one, and some that have the present one."""

    def type_in(self, release: Release, lowest: Release = BEYOND) -> Type:
        """Its type in the releases from the lowest to this one; what changed between them is open."""
        if self.varying and lowest < self.before[0][0] <= release:
            return signature(self.varying)
        for until, older in self.before:
            if release < until:
                return signature(older)
        return signature(self.type)


GONE_TYPES: Final = {
    "random": "Mirage_crypto_rng.generate replaces what it was called for",
    "time": "Mirage_sleep.ns replaces its sleep_ns",
    "pclock": "Mirage_ptime.now replaces its now_d_ps",
    "mclock": "Mirage_mtime.elapsed_ns replaces its elapsed_ns",
    "console": "Logs replaces its log",
    "app_info": "the library dune-build-info replaces it",
    "nocrypto": "mirage-crypto seeds itself",
}
"""Functor parameters of before 4.9 (consoles: 4.5) that are none any more, and what is called instead."""

_STACK = "generic_stackv4v6 ?group:string -> network impl -> stackv4v6 impl"


def _types() -> dict[str, Entry]:
    names = [
        "job",
        "argv",
        "reporter",
        "block",
        "kv_ro",
        "kv_rw",
        "network",
        "ethernet",
        "arpv4",
        "ipv4",
        "ipv6",
        "ipv4v6",
        "udpv4v6",
        "tcpv4v6",
        "stackv4v6",
        "qubesdb",
        "resolver",
        "happy_eyeballs",
        "dns_client",
        "syslog",
        "conduit",
        "mimic",
        "http",
        "http_client",
        "http_server",
        "alpn_client",
        "git_client",
        "dhcp_ipv4",
        "lease",
        "icmpv4",
    ]
    since: dict[str, Release] = {
        **dict.fromkeys(("git_client", "dns_client", "happy_eyeballs"), (4, 0, 0)),
        **dict.fromkeys(("http_server", "alpn_client"), (4, 3, 1)),
        **dict.fromkeys(("dhcp_ipv4", "lease"), (4, 10, 5)),
    }
    found = {name: Entry(name=name, type=f"{name} typ", python=name, since=since.get(name, OLDEST)) for name in names}
    found["git_client"] = Entry(
        name="git_client",
        type="git_client typ",
        python="git_client",
        since=(4, 0, 0),
        before=(((4, 3, 2), "'a typ"),),  # the type of what is a mimic now, too
    )
    found["http_server"] = Entry(
        name="http_server",
        type="http_server typ",
        python="http_server",
        before=(((4, 3, 1), "conduit impl -> http impl"),),
    )
    for name in ("sleep", "ptime", "mtime"):
        found[name] = Entry(name=name, type=f"{name} typ", python=name, since=(4, 9, 0))
    found["random"] = Entry(name="random", type="random typ", python="random")
    for name in ("time", "pclock", "mclock"):
        found[name] = Entry(name=name, type=f"{name} typ", until=(4, 9, 0))
    found["console"] = Entry(name="console", type="console typ", until=(4, 5, 0))
    for old, new in _OLD_TYPES.items():
        found[old] = Entry(name=old, type=f"{new} typ", python=new, until=(4, 3, 0), change="v4v6")
    for name, new in (("tcp", "tcpv4v6"), ("udp", "udpv4v6"), ("ip", "ipv4v6")):
        found[name] = Entry(name=name, type=f"{new} typ", python=new)
    return found


_OLD_TYPES = {
    "stackv4": "stackv4v6",
    "stackv6": "stackv4v6",
    "tcpv4": "tcpv4v6",
    "tcpv6": "tcpv4v6",
    "udpv4": "udpv4v6",
    "udpv6": "udpv4v6",
}

_ADDRESSES = "?ipv4_network:string -> ?ipv4_gateway:string -> ?ipv6_network:string -> ?ipv6_gateway:string -> "
_CONFIGS = "?dhcp_key:bool value -> ?net_key:net value -> ?ipv4_config:ipv4_config -> ?ipv6_config:ipv6_config -> "
_TCP_GONE = "the key --utcp chooses between the two TCPs now; a TCP device of one's own is not taken any more"
_KEY_GONE = "a boot option now, of which this was the default"

_DEVICES: dict[str, str] = {
    "default_network": "network impl",
    "default_qubesdb": "qubesdb impl",
    "default_argv": "argv impl",
    "no_argv": "argv impl",
    "noop": "job impl",
    "default_random": "random impl",
    "no_random": "random impl",
    "default_reporter": "?clock:pclock impl -> ?ring_size:int -> ?level:level option -> unit -> reporter impl",
    "no_reporter": "reporter impl",
    "block_of_file": "string -> block impl",
    "block_of_xenstore_id": "string -> block impl",
    "ramdisk": "string -> block impl",
    "generic_block": "?group:string -> ?key:block_kind value -> string -> block impl",
    "ccm_block": "?nonce_len:int -> string option runtime_arg -> block impl -> block impl",
    "crunch": "string -> kv_ro impl",
    "direct_kv_ro": "string -> kv_ro impl",
    "generic_kv_ro": "?group:string -> ?key:kv_kind value -> string -> kv_ro impl",
    "tar_kv_ro": "block impl -> kv_ro impl",
    "tar_kv_rw": "block impl -> kv_rw impl",
    "fat_ro": "block impl -> kv_ro impl",
    "direct_kv_rw": "string -> kv_rw impl",
    "kv_rw_mem": "?clock:pclock impl -> unit -> kv_rw impl",
    "chamelon": "program_block_size:int runtime_arg -> block impl -> kv_rw impl",
    "netif": "?group:string -> string -> network impl",
    "ethif": "network impl -> ethernet impl",
    "create_ipv4v6": "?group:string -> ipv4 impl -> ipv6 impl -> ipv4v6 impl",
    "create_ipv6": "?group:string -> network impl -> ethernet impl -> ipv6 impl",
    "dhcp_proj_net": "(dhcp_ipv4 -> network) impl",
    "dhcp_proj_ipv4": "(dhcp_ipv4 -> ipv4) impl",
    "dhcp_proj_lease": "(dhcp_ipv4 -> lease) impl",
    "no_lease": "lease impl",
    "make_dhcp_requests": "unit -> dhcp_requests",
    "add_dhcp_request": "dhcp_requests -> int -> unit",
    "ipv4_qubes": "qubesdb impl -> ethernet impl -> arpv4 impl -> ipv4 impl",
    "direct_udp": "'a ip impl -> 'a udp impl",
    "tcpv4v6_of_stackv4v6": "stackv4v6 impl -> tcpv4v6 impl",
    "resolver_unix_system": "resolver impl",
    "syslog_udp": "?config:syslog_config -> ?console:console impl -> ?clock:pclock impl -> ?group:string ->"
    " stackv4v6 impl -> syslog impl",
    "syslog_tcp": "?config:syslog_config -> ?console:console impl -> ?clock:pclock impl -> ?group:string ->"
    " stackv4v6 impl -> syslog impl",
    "syslog_tls": "?config:syslog_config -> ?console:console impl -> ?clock:pclock impl -> ?group:string ->"
    " stackv4v6 impl -> kv_ro impl -> syslog impl",
    "monitoring": "?group:string -> stackv4v6 impl -> job impl",
    "conduit_direct": "?tls:bool -> stackv4v6 impl -> conduit impl",
    "cohttp_server": "conduit impl -> http impl",
    "httpaf_server": "conduit impl -> http impl",
    "cohttp_client": "resolver impl -> conduit impl -> http_client impl",
    "merge_git_clients": "git_client impl -> git_client impl -> git_client impl",
    "git_tcp": "tcpv4v6 impl -> mimic impl -> git_client impl",
    "runtime_args": "argv impl -> job impl",
    "paf_server": "port:int runtime_arg -> tcpv4v6 impl -> http_server impl",
}

_SINCE: dict[str, Release] = {
    **dict.fromkeys(
        ("git_tcp", "merge_git_clients", "tcpv4v6_of_stackv4v6", "create_ipv4v6", "docteur", "runtime_args"), (4, 0, 0)
    ),
    **dict.fromkeys(("paf_server", "paf_client"), (4, 3, 1)),
    **dict.fromkeys(("ethif",), (2, 0, 0)),
    **dict.fromkeys(("monitoring",), (4, 8, 2)),
    **dict.fromkeys(("no_random",), (4, 9, 0)),
    **dict.fromkeys(
        (
            "dhcp_proj_net",
            "dhcp_proj_ipv4",
            "dhcp_proj_lease",
            "no_lease",
            "make_dhcp_requests",
            "add_dhcp_request",
        ),
        (4, 10, 5),
    ),
}


def _clock_names() -> dict[str, Entry]:
    found = {}
    for what in ("sleep", "ptime", "mtime"):
        for prefix in ("default", "no", "mock"):
            name = f"{prefix}_{what}"
            if name != "mock_sleep":
                found[name] = Entry(name=name, type=f"{what} impl", python=name, since=(4, 9, 0))
    for name, what in (
        ("default_time", "time"),
        ("default_posix_clock", "pclock"),
        ("default_monotonic_clock", "mclock"),
    ):
        found[name] = Entry(name=name, type=f"{what} impl", until=(4, 9, 0))
    found["default_console"] = Entry(name="default_console", type="console impl", until=(4, 5, 0))
    found["custom_console"] = Entry(name="custom_console", type="string -> console impl", until=(4, 5, 0))
    found["app_info"] = Entry(name="app_info", type="app_info impl", until=(4, 5, 0))
    found["nocrypto"] = Entry(name="nocrypto", type="nocrypto impl", until=(3, 7, 5))
    found["mprof_trace"] = Entry(name="mprof_trace", type="size:int -> unit -> tracing", until=(4, 4, 0))
    found["default_clock"] = Entry(name="default_clock", type="pclock impl", until=(3, 0, 0))
    found["clock"] = Entry(name="clock", type="pclock typ", until=(3, 0, 0))
    return found


def _special() -> dict[str, Entry]:
    """Devices whose type has changed, and those that need another name."""
    entries = [
        Entry(name="etif", type="network impl -> ethernet impl", python="ethif"),
        Entry(name="tap0", type="network impl", python="default_network", until=(3, 0, 0), change="default_network"),
        Entry(
            name="arp",
            type="ethernet impl -> arpv4 impl",
            python="arp",
            before=(((4, 9, 0), "?time:time impl -> ethernet impl -> arpv4 impl"),),
        ),
        Entry(
            name="create_ipv4",
            type="?group:string -> ethernet impl -> arpv4 impl -> ipv4 impl",
            python="create_ipv4",
            drops={"config": "the address is the boot option --ipv4 now", "no_init": "the boot options decide now"},
            before=(
                (
                    (4, 8, 0),
                    (
                        "?group:string -> ?config:ipv4_config -> ?no_init:bool -> ?random:random impl ->"
                        " ?clock:mclock impl -> ethernet impl -> arpv4 impl -> ipv4 impl"
                    ),
                ),
            ),
        ),
        Entry(
            name="ipv4_of_dhcp",
            type="?group:string -> ?dhcp_requests:dhcp_requests -> ?gateway:string -> network impl -> ethernet impl ->"
            " arpv4 impl -> dhcp_ipv4 impl",
            python="ipv4_of_dhcp",
            since=(4, 8, 2),
            varying="?group:string -> network impl -> ethernet impl -> arpv4 impl -> 'a impl",
            before=(
                (
                    (4, 10, 5),
                    (
                        "?group:string -> ?random:random impl -> ?time:time impl -> ?clock:mclock impl ->"
                        " network impl -> ethernet impl -> arpv4 impl -> ipv4 impl"
                    ),
                ),
            ),
        ),
        Entry(
            name="direct_tcp",
            type="?group:string -> 'a ip impl -> 'a tcp impl",
            python="direct_tcp",
            before=(
                (
                    (4, 9, 0),
                    (
                        "?random:random impl -> ?time:time impl -> ?mclock:mclock impl -> ?clock:mclock impl ->"
                        " ?group:string -> 'a ip impl -> 'a tcp impl"
                    ),
                ),
            ),
        ),
        Entry(
            name="direct_stackv4v6",
            type="?group:string -> network impl -> ethernet impl -> arpv4 impl -> ipv4 impl -> ipv6 impl ->"
            " stackv4v6 impl",
            python="direct_stackv4v6",
            drops={
                "tcp": _TCP_GONE,
                "ipv4_only": "the boot option --ipv4-only is asked for by itself",
                "ipv6_only": "the boot option --ipv6-only is asked for by itself",
            },
            before=(
                (
                    (4, 11, 0),
                    (
                        "?random:random impl -> ?time:time impl -> ?mclock:mclock impl -> ?clock:mclock impl ->"
                        " ?group:string -> ?ipv4_only:bool runtime_arg -> ?ipv6_only:bool runtime_arg ->"
                        " ?tcp:tcpv4v6 impl -> network impl -> ethernet impl -> arpv4 impl ->"
                        " ipv4 impl -> ipv6 impl -> stackv4v6 impl"
                    ),
                ),
            ),
        ),
        Entry(
            name="socket_stackv4v6",
            type="?group:string -> unit -> stackv4v6 impl",
            python="socket_stackv4v6",
            until=(4, 10, 0),
        ),
        Entry(
            name="generic_stackv4v6",
            type="?group:string -> " + _CONFIGS + _ADDRESSES + "?tcp:tcpv4v6 impl -> network impl -> stackv4v6 impl",
            python="generic_stackv4v6",
            drops={
                "dhcp_key": "the key --no-dhcp decides now",
                "net_key": "the key --net decides now",
                "tcp": _TCP_GONE,
            },
        ),
        Entry(
            name="generic_stackv4v6_with_lease",
            type="?group:string -> ?dhcp_requests:dhcp_requests -> "
            + _ADDRESSES
            + "network impl -> (stackv4v6 impl * lease impl)",
            python="generic_stackv4v6_with_lease",
            since=(4, 10, 5),
        ),
        Entry(
            name="resolver_dns",
            type="?dhcp:(dhcp_requests * lease impl) -> ?ns:string list -> ?time:time impl -> ?mclock:mclock impl ->"
            " ?pclock:pclock impl -> ?random:random impl -> stackv4v6 impl -> resolver impl",
            python="resolver_dns",
            keywords={"ns": "nameservers"},
        ),
        Entry(
            name="docteur",
            type="?mode:mode -> ?name:string key -> ?output:string key -> ?analyze:bool runtime_arg -> ?branch:string"
            " -> ?extra_deps:string list -> string -> kv_ro impl",
            python="docteur",
            since=(4, 0, 0),
        ),
        Entry(
            name="generic_happy_eyeballs",
            type=_EYEBALLS + "stackv4v6 impl -> happy_eyeballs impl",
            python="generic_happy_eyeballs",
            since=(4, 0, 0),
            before=(((4, 6, 0), _EYEBALLS + "stackv4v6 impl -> dns_client impl -> happy_eyeballs impl"),),
        ),
        Entry(
            name="generic_dns_client",
            type=_DNS + "stackv4v6 impl -> happy_eyeballs impl -> dns_client impl",
            python="generic_dns_client",
            since=(4, 0, 0),
            before=(((4, 6, 0), _DNS + "stackv4v6 impl -> dns_client impl"),),
        ),
        Entry(
            name="mimic_happy_eyeballs",
            type="stackv4v6 impl -> happy_eyeballs impl -> dns_client impl -> mimic impl",
            python="mimic_happy_eyeballs",
            since=(4, 3, 2),
            before=(((4, 6, 0), "stackv4v6 impl -> dns_client impl -> happy_eyeballs impl -> mimic impl"),),
        ),
        Entry(
            name="git_happy_eyeballs",
            type="stackv4v6 impl -> dns_client impl -> happy_eyeballs impl -> mimic impl",
            python="mimic_happy_eyeballs",
            since=(4, 0, 0),
            until=(4, 3, 2),
        ),
        Entry(
            name="git_ssh",
            type="?group:string -> ?authenticator:string -> ?key:string -> ?password:string -> tcpv4v6 impl ->"
            " mimic impl -> git_client impl",
            python="git_ssh",
            since=(4, 0, 0),
            before=(
                (
                    (4, 5, 0),
                    (
                        "?authenticator:string option key -> ?key:string option key -> ?password:string option key ->"
                        " tcpv4v6 impl -> mimic impl -> git_client impl"
                    ),
                ),
                (
                    (4, 8, 0),
                    (
                        "?authenticator:string option runtime_arg -> ?key:string option runtime_arg ->"
                        " ?password:string option runtime_arg -> tcpv4v6 impl -> mimic impl -> git_client impl"
                    ),
                ),
            ),
        ),
        Entry(
            name="git_http",
            type="?group:string -> ?authenticator:string -> ?headers:(string * string) list -> tcpv4v6 impl ->"
            " mimic impl -> git_client impl",
            python="git_http",
            since=(4, 0, 0),
            before=(
                (
                    (4, 5, 0),
                    (
                        "?authenticator:string option key -> ?headers:(string * string) list key -> tcpv4v6 impl ->"
                        " mimic impl -> git_client impl"
                    ),
                ),
                (
                    (4, 8, 0),
                    (
                        "?authenticator:string option runtime_arg -> ?headers:(string * string) list runtime_arg ->"
                        " tcpv4v6 impl -> mimic impl -> git_client impl"
                    ),
                ),
            ),
        ),
        Entry(
            name="paf_client",
            type="tcpv4v6 impl -> mimic impl -> alpn_client impl",
            python="paf_client",
            before=(((4, 9, 0), "?pclock:pclock impl -> tcpv4v6 impl -> mimic impl -> alpn_client impl"),),
        ),
        Entry(name="archive", type="block impl -> kv_ro impl", python="tar_kv_ro", change="tar_kv_ro"),
        Entry(name="fat", type="block impl -> fs impl", until=(4, 3, 0), python="fat_ro", change="fat_ro"),
        Entry(
            name="qubes_ipv4_stack",
            type="?group:string -> network impl -> stackv4v6 impl",
            python="generic_stackv4v6",
            until=(4, 3, 0),
            change="v4v6",
        ),
        Entry(name="kv_ro_of_fs", type="fs impl -> kv_ro impl", until=(4, 3, 0)),
    ]
    for old in ("generic_stackv4", "generic_stackv6"):
        entries.append(
            Entry(
                name=old,
                type="?group:string -> ?config:ipv4_config -> " + _CONFIGS + "network impl -> stackv4v6 impl",
                python="generic_stackv4v6",
                until=(4, 3, 0),
                drops={"dhcp_key": "the key --no-dhcp decides now", "net_key": "the key --net decides now"},
                change="v4v6",
            )
        )
    return {entry.name: entry for entry in entries}


_EYEBALLS = (
    "?group:string -> ?aaaa_timeout:int -> ?connect_delay:int -> ?connect_timeout:int -> ?resolve_timeout:int ->"
    " ?resolve_retries:int -> ?timer_interval:int -> ?time:time impl -> ?mclock:mclock impl -> ?random:random impl ->"
    " ?pclock:pclock impl -> "
)
_DNS = (
    "?dhcp:(dhcp_requests * lease impl) -> ?group:string -> ?timeout:int -> ?nameservers:string list ->"
    " ?cache_size:int -> ?random:random impl -> ?time:time impl -> ?mclock:mclock impl -> ?pclock:pclock impl -> "
)


@cache
def entries() -> dict[str, Entry]:
    """Every name, with the modules it is reached by."""
    found = _types() | _clock_names()
    found |= {
        name: Entry(name=name, type=type_, python=name, since=_SINCE.get(name, OLDEST))
        for name, type_ in _DEVICES.items()
    }
    found |= _special()
    found |= {
        name: Entry(
            name=name,
            type=type_,
            since=VERBS_SINCE.get(name, OLDEST),
            until=VERBS_UNTIL.get(name, BEYOND),
        )
        for name, type_ in VERBS.items()
    }
    found |= {name: Entry(name=name, type=type_) for name, type_ in (LIBRARY | ACTIONS).items()}
    found |= {
        f"Runtime_arg.{name}": Entry(name=f"Runtime_arg.{name}", type=type_, since=(4, 5, 0))
        for name, type_ in BOOT.items()
    }
    return found


PYTHON_TYPES: Final = {
    "job": "Job",
    "argv": "Argv",
    "reporter": "Reporter",
    "sleep": "Sleep",
    "ptime": "Ptime",
    "mtime": "Mtime",
    "random": "Random",
    "block": "Block",
    "kv_ro": "KvRo",
    "kv_rw": "KvRw",
    "network": "Network",
    "ethernet": "Ethernet",
    "arpv4": "Arpv4",
    "icmpv4": "Icmpv4",
    "dhcp_ipv4": "DhcpIpv4",
    "lease": "Lease",
    "stackv4v6": "Stackv4v6",
    "qubesdb": "Qubesdb",
    "resolver": "Resolver",
    "happy_eyeballs": "HappyEyeballs",
    "dns_client": "DnsClient",
    "syslog": "Syslog",
    "conduit": "Conduit",
    "mimic": "Mimic",
    "http": "Http",
    "http_client": "HttpClient",
    "http_server": "HttpServer",
    "alpn_client": "AlpnClient",
    "git_client": "GitClient",
    "ip": "Ip",
    "tcp": "Tcp",
    "udp": "Udp",
    "v4": "V4",
    "v6": "V6",
    "v4v6": "V4V6",
}
"""Module types of OCaml -> their tags in mirage_py.types."""
