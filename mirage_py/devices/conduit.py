"""Conduit, its resolvers of host names, and mimic: connections that a library above chooses by address."""

from __future__ import annotations

from collections.abc import Iterable

from mirage_py.devices import boot
from mirage_py.devices.dns import DNS_SERVERS, dns_client, happy_eyeballs, nameservers_of_lease
from mirage_py.devices.ip import DhcpRequests
from mirage_py.devices.stack import stackv4v6
from mirage_py.dsl import key
from mirage_py.dsl.device import Connect
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.types import typ
from mirage_py.types import Conduit, DnsClient, HappyEyeballs, Lease, Mimic, Resolver, Stackv4v6

resolver = typ(Resolver, signature="Resolver_lwt.t")
conduit = typ(Conduit, signature="Conduit_mirage.S")
mimic = typ(Mimic, signature="Mimic.ctx")


def _conduit_mirage() -> Package:
    return bounded("conduit-mirage")


_CHECKED = """{module}.v ?nameservers {arg0} >|= function
| Ok resolver -> resolver
| Error (`Msg message) -> invalid_arg message"""

_PLAIN = "let nameservers = {rt0} in\n" + _CHECKED


def resolver_dns(
    stack: Impl[Stackv4v6],
    *,
    dhcp: tuple[DhcpRequests, Impl[Lease]] | None = None,
    nameservers: Iterable[str] | None = None,
) -> Impl[Resolver]:
    """Host names resolved by DNS; `nameservers` are the default of `--resolver`.

    With `dhcp` (what a stack asks for, and its lease) the name servers of the lease serve when none is given at boot.
    """
    functor_type = stackv4v6 >> resolver
    packages, args = [_conduit_mirage()], [boot.resolver(nameservers)]
    if dhcp is None:
        functor = impl("Resolver_mirage.Make", functor_type, packages=packages, runtime_args=args, connect=_PLAIN)
        return functor(stack)
    requests, lease = dhcp
    requests.add(DNS_SERVERS)
    functor = impl(
        "Resolver_mirage.Make",
        functor_type,
        packages=[bounded("charrua"), *packages],
        runtime_args=args,
        extra_deps=[lease],
        connect=_with_lease,
    )
    return functor(stack)


def _with_lease(c: Connect) -> str:
    servers = nameservers_of_lease(c.runtime_args[0], c.deps[0], empty="Some []")
    return servers + _CHECKED.format(module=c.module, arg0=c.args[0])


resolver_unix_system = impl(
    "Resolver_lwt",
    resolver,
    packages=[_conduit_mirage(), bounded("conduit-lwt-unix")],
    connect="Lwt.return Resolver_lwt_unix.system",
    refusal=key.is_unix.map(lambda unix: None if unix else "it asks the host's resolver, and there is no host"),
)
"""Host names resolved by the host; unix only."""

_tcp = impl("Conduit_mirage.TCP", stackv4v6 >> conduit, packages=[_conduit_mirage()], connect="Lwt.return {arg0}")
_tls = impl(
    "Conduit_mirage.TLS",
    conduit >> conduit,
    packages=[_conduit_mirage(), bounded("tls-mirage")],
    connect="Lwt.return {arg0}",
)


def conduit_direct(stack: Impl[Stackv4v6], *, tls: bool = False) -> Impl[Conduit]:
    """Connections over a stack, and over TLS too where it is asked for; asked twice for one stack it is the same."""
    plain = _tcp(stack)
    return _tls(plain) if tls else plain


_mimic_happy_eyeballs = impl(
    "Mimic_happy_eyeballs.Make",
    stackv4v6 >> happy_eyeballs >> dns_client >> mimic,
    packages=[bounded("mimic-happy-eyeballs")],
    connect="{module}.connect {arg1}",
)


def mimic_happy_eyeballs(stack: Impl[Stackv4v6], eyeballs: Impl[HappyEyeballs], client: Impl[DnsClient]) -> Impl[Mimic]:
    """Connections that mimic makes with happy eyeballs; what the clients of git and HTTP are built on."""
    return _mimic_happy_eyeballs(stack, eyeballs, client)
