"""Boot-time arguments of the catalogue: references into Mirage_runtime and Mirage_runtime_network.

With a group an option becomes `--GROUP-NAME`, so that two devices of a kind can be told apart when booting. Times are
in nanoseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from mirage_py.dataclass import replace
from mirage_py.dsl.check import names
from mirage_py.dsl.ocaml import ocaml_int64, ocaml_list, ocaml_option, ocaml_string
from mirage_py.dsl.package import Package
from mirage_py.dsl.place import here
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.errors import ConfigError


def _core(name: str, *options: str) -> RuntimeArg:
    return RuntimeArg(
        code=f"Mirage_runtime.{name}",
        packages=(Package(name="mirage-runtime", libraries=("mirage-runtime",)),),
        options=options,
    )


delay = _core("delay", "delay")
"""`--delay`: seconds to wait before starting."""

logs = _core("logs", "logs", "l")
"""`-l`, `--logs`: log levels, for all sources or by source."""

analyze = RuntimeArg(code="Mirage_runtime.analyze", options=("analyze",))
"""`--analyze`: whether the docteur disk is checked at boot."""

ocaml_runtime = RuntimeArg(
    code="Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ()",
    options=(
        *("backtrace", "randomize-hashtables", "minor-heap-size", "major-heap-increment", "space-overhead"),
        *("gc-verbosity", "max-space-overhead", "stack-limit", "allocation-policy", "gc-window-size"),
        *("custom-major-ratio", "custom-minor-ratio", "custom-minor-max-size"),
    ),
)
"""`--backtrace`, `--randomize-hashtables` and the garbage collector's settings."""


def _network(function: str, option: str, value: str, group: str | None) -> RuntimeArg:
    if group and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", group):
        raise ConfigError(f"group {group!r} cannot begin an option", location=here(), hint="letters, digits, - and _")
    grouped = f"~group:{ocaml_string(group)} " if group else ""
    return RuntimeArg(
        code=f"Mirage_runtime_network.{function} {grouped}{value}",
        packages=(Package(name="mirage-runtime", libraries=("mirage-runtime.network",)),),
        options=(f"{group}-{option}" if group else option,),
        location=here(),
    )


def interface(default: str, group: str | None = None) -> RuntimeArg:
    """`--interface`: the host's network interface."""
    return replace(_network("interface", "interface", ocaml_string(default), group), of_target=True)


def v4_network(default: str, group: str | None = None) -> RuntimeArg:
    """`--ipv4`: address and prefix length."""
    checked = _address("IPv4Interface", default)
    return _network("V4.network", "ipv4", f"(Ipaddr.V4.Prefix.of_string_exn {ocaml_string(checked)})", group)


def v4_optional_network(group: str | None = None) -> RuntimeArg:
    """`--ipv4`: address and prefix length, when DHCP shall not choose."""
    return _network("V4.optional_network", "ipv4", "()", group)


def v4_gateway(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--ipv4-gateway`."""
    return _network("V4.gateway", "ipv4-gateway", _some("Ipaddr.V4.of_string_exn", "IPv4Address", default), group)


def v6_network(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--ipv6`: address and prefix length."""
    return _network("V6.network", "ipv6", _some("Ipaddr.V6.Prefix.of_string_exn", "IPv6Interface", default), group)


def v6_gateway(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--ipv6-gateway`."""
    return _network("V6.gateway", "ipv6-gateway", _some("Ipaddr.V6.of_string_exn", "IPv6Address", default), group)


def v6_accept_ra(group: str | None = None) -> RuntimeArg:
    """`--accept-router-advertisements`."""
    return _network("V6.accept_router_advertisements", "accept-router-advertisements", "()", group)


def ipv4_only(group: str | None = None) -> RuntimeArg:
    """`--ipv4-only`."""
    return _network("ipv4_only", "ipv4-only", "()", group)


def ipv6_only(group: str | None = None) -> RuntimeArg:
    """`--ipv6-only`."""
    return _network("ipv6_only", "ipv6-only", "()", group)


def resolver(default: Iterable[str] | None = None, group: str | None = None) -> RuntimeArg:
    """`--resolver`: name servers of the conduit resolver."""
    servers = names(default or (), what="nameservers", example="udp:9.9.9.9")
    value = f"~default:{ocaml_list(map(ocaml_string, servers))} ()" if servers else "()"
    return _network("resolver", "resolver", value, group)


def dns_servers(default: Iterable[str] | None = None, group: str | None = None) -> RuntimeArg:
    """`--dns-servers`."""
    servers = None if default is None else ocaml_list(map(ocaml_string, default))
    return _network("dns_servers", "dns-servers", ocaml_option(servers), group)


def dns_timeout(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--dns-timeout`."""
    return _time("dns_timeout", default, group)


def dns_cache_size(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--dns-cache-size`: entries."""
    return _number("dns_cache_size", default, group)


def he_aaaa_timeout(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--he-aaaa-timeout`."""
    return _time("he_aaaa_timeout", default, group)


def he_connect_delay(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--he-connect-delay`."""
    return _time("he_connect_delay", default, group)


def he_connect_timeout(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--he-connect-timeout`."""
    return _time("he_connect_timeout", default, group)


def he_resolve_timeout(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--he-resolve-timeout`."""
    return _time("he_resolve_timeout", default, group)


def he_resolve_retries(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--he-resolve-retries`."""
    return _number("he_resolve_retries", default, group)


def he_timer_interval(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--he-timer-interval`."""
    return _time("he_timer_interval", default, group)


def ssh_key(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--ssh-key`."""
    return _text("ssh_key", default, group)


def ssh_password(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--ssh-password`."""
    return _text("ssh_password", default, group)


def ssh_authenticator(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--ssh-authenticator`."""
    return _text("ssh_authenticator", default, group)


def tls_authenticator(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--tls-authenticator`."""
    return _text("tls_authenticator", default, group)


def http_headers(default: Iterable[tuple[str, str]] | None = None, group: str | None = None) -> RuntimeArg:
    """`--http-headers`: pairs of name and value."""
    pairs = None
    if default is not None:
        pairs = ocaml_list(f"({ocaml_string(name)}, {ocaml_string(value)})" for name, value in default)
    return _network("http_headers", "http-headers", ocaml_option(pairs), group)


def syslog(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--syslog`: address of the log server."""
    return _network("syslog", "syslog", _some_ip(default), group)


def syslog_port(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--syslog-port`."""
    return _number("syslog_port", default, group)


def syslog_truncate(default: int | None = None, group: str | None = None) -> RuntimeArg:
    """`--syslog-truncate`: bytes."""
    return _number("syslog_truncate", default, group)


def syslog_keyname(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--syslog-keyname`."""
    return _text("syslog_keyname", default, group)


def monitor(default: str | None = None, group: str | None = None) -> RuntimeArg:
    """`--monitor`: address of the monitoring server."""
    return _network("monitor", "monitor", _some_ip(default), group)


def _text(function: str, default: str | None, group: str | None) -> RuntimeArg:
    value = ocaml_option(None if default is None else ocaml_string(default))
    return _network(function, function.replace("_", "-"), value, group)


def _number(function: str, default: int | None, group: str | None) -> RuntimeArg:
    value = ocaml_option(None if default is None else f"{default}" if default >= 0 else f"({default})")
    return _network(function, function.replace("_", "-"), value, group)


def _time(function: str, default: int | None, group: str | None) -> RuntimeArg:
    value = ocaml_option(None if default is None else ocaml_int64(default))
    return _network(function, function.replace("_", "-"), value, group)


Family = Literal["IPv4Interface", "IPv6Interface", "IPv4Address", "IPv6Address", "ip_address"]
"""What an address must be, as the standard library's `ipaddress` names it."""


def _some(function: str, family: Family, default: str | None) -> str:
    return ocaml_option(None if default is None else f"({function} {ocaml_string(_address(family, default))})")


def _some_ip(default: str | None) -> str:
    return _some("Ipaddr.of_string_exn", "ip_address", default)


def _address(family: Family, text: str) -> str:
    import ipaddress  # only configurations with a network pay for it

    try:
        getattr(ipaddress, family)(text)
    except ValueError as error:
        raise ConfigError(f"not an address: {error}", location=here()) from None
    return text
