"""Finding and reaching hosts by name: happy eyeballs and DNS clients."""

from __future__ import annotations

from collections.abc import Iterable

from mirage_py.devices import boot
from mirage_py.devices.ip import DhcpRequests
from mirage_py.devices.stack import stackv4v6
from mirage_py.dsl.device import Connect
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.package import bounded
from mirage_py.dsl.types import typ
from mirage_py.types import DnsClient, HappyEyeballs, Lease, Stackv4v6

happy_eyeballs = typ(HappyEyeballs, signature="Happy_eyeballs_mirage.S")
dns_client = typ(DnsClient, signature="Dns_client_mirage.S")

DNS_SERVERS = 6
"""The DHCP option that asks for name servers (RFC 2132, 3.8)."""


def generic_happy_eyeballs(
    stack: Impl[Stackv4v6],
    *,
    group: str | None = None,
    aaaa_timeout: int | None = None,
    connect_delay: int | None = None,
    connect_timeout: int | None = None,
    resolve_timeout: int | None = None,
    resolve_retries: int | None = None,
    timer_interval: int | None = None,
) -> Impl[HappyEyeballs]:
    """Connections to whichever address of a host answers first (RFC 8305). Times in nanoseconds, each a boot option."""
    functor = impl(
        "Happy_eyeballs_mirage.Make",
        stackv4v6 >> happy_eyeballs,
        packages=[bounded("happy-eyeballs-mirage")],
        runtime_args=[
            boot.he_aaaa_timeout(aaaa_timeout, group),
            boot.he_connect_delay(connect_delay, group),
            boot.he_connect_timeout(connect_timeout, group),
            boot.he_resolve_timeout(resolve_timeout, group),
            boot.he_resolve_retries(resolve_retries, group),
            boot.he_timer_interval(timer_interval, group),
        ],
        connect="{module}.connect_device ?aaaa_timeout:{rt0} ?connect_delay:{rt1} ?connect_timeout:{rt2} "
        "?resolve_timeout:{rt3} ?resolve_retries:{rt4} ?timer_interval:{rt5} {arg0}",
    )
    return functor(stack)


def generic_dns_client(
    stack: Impl[Stackv4v6],
    eyeballs: Impl[HappyEyeballs],
    *,
    dhcp: tuple[DhcpRequests, Impl[Lease]] | None = None,
    group: str | None = None,
    timeout: int | None = None,
    nameservers: Iterable[str] | None = None,
    cache_size: int | None = None,
) -> Impl[DnsClient]:
    """A DNS client. `timeout` is in nanoseconds; a name server is `udp:IP[:PORT]`, `tcp:...` or `tls:...[!AUTH]`.

    With `dhcp` (what a stack asks for, and its lease) the name servers of the lease serve when none is given at boot.
    """
    args = [
        boot.dns_servers(nameservers, group),
        boot.dns_timeout(timeout, group),
        boot.dns_cache_size(cache_size, group),
    ]
    type_ = stackv4v6 >> happy_eyeballs >> dns_client
    packages = [bounded("dns-client-mirage")]
    if dhcp is None:
        functor = impl("Dns_client_mirage.Make", type_, packages=packages, runtime_args=args, connect=_CONNECT)
        return functor(stack, eyeballs)
    requests, lease = dhcp
    requests.add(DNS_SERVERS)
    functor = impl(
        "Dns_client_mirage.Make",
        type_,
        packages=[bounded("charrua"), *packages],
        runtime_args=args,
        extra_deps=[lease],
        connect=_with_lease,
    )
    return functor(stack, eyeballs)


_CONNECT = "{module}.connect ?nameservers:{rt0} ?timeout:{rt1} ?cache_size:{rt2} ({arg0}, {arg1})"


def _with_lease(c: Connect) -> str:
    servers, timeout, cache_size = c.runtime_args
    return (
        nameservers_of_lease(servers, c.deps[0], empty="None")
        + f"{c.module}.connect ?nameservers ?timeout:{timeout} ?cache_size:{cache_size} ({c.args[0]}, {c.args[1]})"
    )


def nameservers_of_lease(given: str, lease: str, *, empty: str) -> str:
    """OCaml that binds `nameservers`: those given at boot, else those of the lease, over UDP and TCP."""
    return (
        "let nameservers =\n"
        f"  match {given}, {lease} with\n"
        "  | (Some _ as given), _ -> given\n"
        "  | None, None -> None\n"
        "  | None, Some options ->\n"
        "    match Dhcp_wire.collect_dns_servers options with\n"
        f"    | [] -> {empty}\n"
        "    | servers ->\n"
        '      let both ip = let ip = Ipaddr.V4.to_string ip in [ "udp:" ^ ip; "tcp:" ^ ip ] in\n'
        "      Some (List.concat_map both servers)\n"
        "in\n"
    )
