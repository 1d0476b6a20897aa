"""UDP, TCP and whole network stacks: those written in OCaml and the host's sockets."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from mirage_py.devices import boot
from mirage_py.devices.ip import (
    DEFAULT_NETWORK,
    DhcpRequests,
    create_ipv4v6,
    dhcp_proj_ipv4,
    dhcp_proj_lease,
    dhcp_proj_net,
    ipv4,
    ipv4_of_dhcp,
    ipv4_qubes,
    ipv4v6,
    no_lease,
    static_ipv4,
    static_ipv6,
    tcpip,
)
from mirage_py.devices.network import arp, arpv4, ethernet, ethif, network
from mirage_py.devices.qubes import default_qubesdb
from mirage_py.dsl import key
from mirage_py.dsl.impl import Impl, if_impl, impl, match_impl
from mirage_py.dsl.ocaml import ocaml_string
from mirage_py.dsl.package import Package
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import ModuleType, typ
from mirage_py.dsl.value import Value, both
from mirage_py.types import V4, V4V6, V6, Arpv4, Ethernet, Icmpv4, Ip, Lease, Network, Stackv4v6, Tcp, Udp

V = TypeVar("V")

udpv4v6: ModuleType[Udp[V4V6]] = ModuleType("udpv4v6", "Tcpip.Udp.S")
tcpv4v6: ModuleType[Tcp[V4V6]] = ModuleType("tcpv4v6", "Tcpip.Tcp.S")
icmpv4 = typ(Icmpv4, signature="Icmpv4.S")
stackv4v6 = typ(Stackv4v6, signature="Tcpip.Stack.V4V6")


def direct_udp(ip: Impl[Ip[V]]) -> Impl[Udp[V]]:
    """UDP over an IP layer."""
    udp: ModuleType[Udp[V]] = udpv4v6 if ip.type is ipv4v6 else ModuleType("udp", "Tcpip.Udp.S")  # type: ignore[assignment]  # V is V4V6 there
    functor = impl("Udp.Make", ip.type >> udp, packages=[tcpip("udp")], connect="{module}.connect {arg0}")
    return functor(ip)


def direct_tcp(ip: Impl[Ip[V]], *, group: str | None = None) -> Impl[Tcp[V]]:
    """TCP over an IP layer; the key `--utcp` chooses the µTCP implementation."""
    return _tcp(ip, key.utcp(group), group)


def _tcp(ip: Impl[Ip[V]], utcp: Value[bool], group: str | None) -> Impl[Tcp[V]]:
    tcp: ModuleType[Tcp[V]] = tcpv4v6 if ip.type is ipv4v6 else ModuleType("tcp", "Tcpip.Tcp.S")  # type: ignore[assignment]  # V is V4V6 there
    name = ocaml_string(group or "service")
    flow = impl("Tcp.Flow.Make", ip.type >> tcp, packages=[tcpip("tcp")], connect="{module}.connect {arg0}")
    micro = impl(
        "Utcp_mirage.Make",
        ip.type >> tcp,
        packages=[Package(name="utcp", libraries=("utcp.mirage",))],
        connect=lambda c: f"Lwt.return ({c.module}.connect {name} {c.args[0]})",
    )
    return if_impl(utcp, micro(ip), flow(ip))


def direct_stackv4v6(
    interface: Impl[Network],
    link: Impl[Ethernet],
    resolution: Impl[Arpv4],
    four: Impl[Ip[V4]],
    six: Impl[Ip[V6]],
    *,
    group: str | None = None,
) -> Impl[Stackv4v6]:
    """The stack written in OCaml, over these layers."""
    return _direct(interface, link, resolution, four, six, key.utcp(group), group)


def _direct(
    interface: Impl[Network],
    link: Impl[Ethernet],
    resolution: Impl[Arpv4],
    four: Impl[Ip[V4]],
    six: Impl[Ip[V6]],
    utcp: Value[bool],
    group: str | None,
) -> Impl[Stackv4v6]:
    ip = create_ipv4v6(four, six, group=group)
    icmp = impl("Icmpv4.Make", ipv4 >> icmpv4, packages=[tcpip("icmpv4")], connect="{module}.connect {arg0}")
    functor = impl(
        "Tcpip_stack_direct.MakeV4V6",
        network >> ethernet >> arpv4 >> ipv4v6 >> icmpv4 >> udpv4v6 >> tcpv4v6 >> stackv4v6,
        packages=[tcpip("stack-direct")],
        connect="{module}.connect {inputs}",
    )
    return functor(interface, link, resolution, ip, icmp(four), direct_udp(ip), _tcp(ip, utcp, group))


def socket_stackv4v6(*, group: str | None = None) -> Impl[Stackv4v6]:
    """The host's sockets as a stack; unix only."""
    addresses = [
        boot.ipv4_only(group),
        boot.ipv6_only(group),
        boot.v4_network("0.0.0.0/0", group),
        boot.v6_network(None, group),
    ]
    udp = _socket("Udpv4v6_socket", udpv4v6, "udpv4v6-socket", addresses)
    tcp = _socket("Tcpv4v6_socket", tcpv4v6, "tcpv4v6-socket", addresses)
    return impl(
        "Tcpip_stack_socket.V4V6",
        stackv4v6,
        packages=[tcpip("stack-socket")],
        extra_deps=[udp, tcp],
        connect="{module}.connect {dep0} {dep1}",
    )


T = TypeVar("T")


def _socket(module: str, type_: ModuleType[T], sublib: str, addresses: list[RuntimeArg]) -> Impl[T]:
    return impl(
        module,
        type_,
        packages=[tcpip(sublib)],
        runtime_args=addresses,
        connect="{module}.connect ~ipv4_only:{rt0} ~ipv6_only:{rt1} {rt2} {rt3}",
        refusal=key.is_unix.map(
            lambda unix: None if unix else "the socket stack needs a host kernel, and there is none"
        ),
    )


class StackWithLease(NamedTuple):
    """A stack, and what its DHCP server answered (nothing where it does not ask one)."""

    stack: Impl[Stackv4v6]
    lease: Impl[Lease]


def generic_stackv4v6(
    interface: Impl[Network],
    *,
    group: str | None = None,
    ipv4_network: str = DEFAULT_NETWORK,
    ipv4_gateway: str | None = None,
    ipv6_network: str | None = None,
    ipv6_gateway: str | None = None,
) -> Impl[Stackv4v6]:
    """The stack that target and keys choose: Qubes' own addresses, the host's sockets, DHCP, or static addresses.

    The keys are `--net` (host or ocaml), `--no-dhcp` and `--utcp`. The networks and gateways are defaults for boot-time
    options of a stack with static addresses.
    """
    return generic_stackv4v6_with_lease(
        interface,
        group=group,
        ipv4_network=ipv4_network,
        ipv4_gateway=ipv4_gateway,
        ipv6_network=ipv6_network,
        ipv6_gateway=ipv6_gateway,
    ).stack


def generic_stackv4v6_with_lease(
    interface: Impl[Network],
    *,
    group: str | None = None,
    dhcp_requests: DhcpRequests | None = None,
    ipv4_network: str = DEFAULT_NETWORK,
    ipv4_gateway: str | None = None,
    ipv6_network: str | None = None,
    ipv6_gateway: str | None = None,
) -> StackWithLease:
    """As `generic_stackv4v6`, with the DHCP lease beside the stack; `dhcp_requests` are options to ask for."""
    kind = _kind(group)
    utcp = key.utcp(group)
    only4, only6 = boot.ipv4_only(group), boot.ipv6_only(group)
    link = ethif(interface)
    resolution = arp(link)

    dhcp = ipv4_of_dhcp(interface, link, resolution, group=group, dhcp_requests=dhcp_requests)
    beyond = dhcp_proj_net(dhcp)
    of_dhcp = _direct(
        beyond,
        link,
        resolution,
        dhcp_proj_ipv4(dhcp),
        static_ipv6(beyond, link, group=group, no_init=only4),
        utcp,
        group,
    )
    of_qubes = _direct(
        interface,
        link,
        resolution,
        ipv4_qubes(default_qubesdb, link, resolution),
        static_ipv6(interface, link, group=group, no_init=only4),
        utcp,
        group,
    )
    static = _direct(
        interface,
        link,
        resolution,
        static_ipv4(link, resolution, group=group, no_init=only6, address=ipv4_network, gateway=ipv4_gateway),
        static_ipv6(interface, link, group=group, no_init=only4, address=ipv6_network, gateway=ipv6_gateway),
        utcp,
        group,
    )
    kinds = {"qubes": of_qubes, "socket": socket_stackv4v6(group=group), "dhcp": of_dhcp}
    lease = match_impl(kind, {"dhcp": dhcp_proj_lease(dhcp)}, default=no_lease)
    return StackWithLease(match_impl(kind, kinds, default=static), lease)


def _kind(group: str | None) -> Value[str]:
    choices = both(key.target, both(key.net(group), key.no_dhcp(group)))
    return choices.map(lambda chosen: _choose(chosen[0], chosen[1][0], no_dhcp=chosen[1][1]))


def _choose(target: str, net: str | None, *, no_dhcp: bool) -> str:
    if target == "qubes":
        return "qubes"
    if net == "host":
        return "socket"
    if not no_dhcp:
        return "dhcp"
    return "socket" if target in ("unix", "macosx") and net is None else "static"


def tcpv4v6_of_stackv4v6(stack: Impl[Stackv4v6]) -> Impl[Tcp[V4V6]]:
    """The TCP layer of a stack."""
    functor = impl(
        "Tcpip_stack_direct.TCPV4V6",
        stackv4v6 >> tcpv4v6,
        packages=[tcpip("stack-direct")],
        connect="{module}.connect {arg0}",
    )
    return functor(stack)
