"""IP version 4, 6 and both, with static addresses, DHCP, or those that Qubes gives."""

from __future__ import annotations

from mirage_py.devices import boot
from mirage_py.devices.network import arpv4, ethernet, network
from mirage_py.devices.qubes import qubesdb
from mirage_py.dsl.device import Connect
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.ocaml import ocaml_list
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.place import here
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import ModuleType, typ
from mirage_py.errors import ConfigError
from mirage_py.types import V4, V4V6, V6, Arpv4, DhcpIpv4, Ethernet, Ip, Lease, Network, Qubesdb

ipv4: ModuleType[Ip[V4]] = ModuleType("ipv4", "Tcpip.Ip.S with ipaddr = Ipaddr.V4.t")
ipv6: ModuleType[Ip[V6]] = ModuleType("ipv6", "Tcpip.Ip.S with ipaddr = Ipaddr.V6.t")
ipv4v6: ModuleType[Ip[V4V6]] = ModuleType("ipv4v6", "Tcpip.Ip.S with ipaddr = Ipaddr.t")
dhcp_ipv4 = typ(DhcpIpv4, signature="Dhcp_ipv4.S")
lease = typ(Lease, signature="Dhcp_wire.dhcp_option list option")

DEFAULT_NETWORK = "10.0.0.2/24"


def tcpip(sublib: str) -> Package:
    """A library of the tcpip package."""
    return bounded("tcpip", f"tcpip.{sublib}")


class DhcpRequests:
    """DHCP option codes that a stack asks its server for, beside the subnet mask and the routers."""

    def __init__(self) -> None:
        self._codes: set[int] = {1, 3}

    def add(self, code: int) -> None:
        """Ask for an option, by its number in RFC 2132 (1 to 254)."""
        if not 1 <= code <= 254:  # RFC 2132: 0 is padding, 255 the end
            raise ConfigError(f"{code} is not a DHCP option code (1 to 254)", location=here())
        self._codes.add(code)

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes asked for, in increasing order."""
        return tuple(sorted(self._codes))


def make_dhcp_requests() -> DhcpRequests:
    """A set of wanted DHCP options, to be given to a stack and to the devices that read its lease."""
    return DhcpRequests()


def add_dhcp_request(requests: DhcpRequests, code: int) -> None:
    """Ask for one more DHCP option."""
    requests.add(code)


def ipv4_of_dhcp(
    interface: Impl[Network],
    link: Impl[Ethernet],
    resolution: Impl[Arpv4],
    *,
    group: str | None = None,
    dhcp_requests: DhcpRequests | None = None,
    gateway: str | None = None,
) -> Impl[DhcpIpv4]:
    """IP version 4 whose address a DHCP server gives; `--ipv4` at boot overrides it."""
    requests = dhcp_requests or DhcpRequests()

    def connect(c: Connect) -> str:
        cidr, router, no_init = c.runtime_args
        codes = f"Some {ocaml_list(map(str, requests.codes))}"
        return (
            f"let requests = Option.map (List.map Dhcp_wire.int_to_option_code_exn) ({codes}) in\n"
            "let options = [ Dhcp_wire.Hostname (Mirage_runtime.name ()) ] in\n"
            f"{c.module}.connect ~no_init:{no_init} ?cidr:{cidr} ?gateway:{router} ?requests ~options "
            f"{' '.join(c.args)}"
        )

    functor = impl(
        "Dhcp_ipv4.Make",
        network >> ethernet >> arpv4 >> dhcp_ipv4,
        packages=[_charrua()],
        runtime_args=[boot.v4_optional_network(group), boot.v4_gateway(gateway, group), boot.ipv6_only(group)],
        connect=connect,
    )
    return functor(interface, link, resolution)


def _charrua() -> Package:
    return bounded("charrua-client", "charrua-client.mirage")


dhcp_proj_net = impl(
    "Dhcp_ipv4.Proj_net", dhcp_ipv4 >> network, packages=[_charrua()], connect="{module}.connect {arg0}"
)
"""The interface below a DHCP client, to be used in its place."""
dhcp_proj_ipv4 = impl(
    "Dhcp_ipv4.Proj_ipv4", dhcp_ipv4 >> ipv4, packages=[_charrua()], connect="{module}.connect {arg0}"
)
"""The IP layer of a DHCP client."""
dhcp_proj_lease = impl(
    "Dhcp_ipv4.Proj_lease", dhcp_ipv4 >> lease, packages=[_charrua()], connect="{module}.connect {arg0}"
)
"""What the DHCP server answered."""
no_lease = impl("Lwt", lease, connect="Lwt.return None")
"""No lease: the stack did not ask."""


def create_ipv4(link: Impl[Ethernet], resolution: Impl[Arpv4], *, group: str | None = None) -> Impl[Ip[V4]]:
    """IP version 4 with the address of `--ipv4`."""
    return static_ipv4(link, resolution, group=group, no_init=boot.ipv6_only(group))


def static_ipv4(
    link: Impl[Ethernet],
    resolution: Impl[Arpv4],
    *,
    no_init: RuntimeArg,
    group: str | None = None,
    address: str = DEFAULT_NETWORK,
    gateway: str | None = None,
) -> Impl[Ip[V4]]:
    """IP version 4 with these defaults for `--ipv4` and `--ipv4-gateway`, not started when `no_init` holds at boot."""
    functor = impl(
        "Static_ipv4.Make",
        ethernet >> arpv4 >> ipv4,
        packages=[tcpip("ipv4")],
        runtime_args=[boot.v4_network(address, group), boot.v4_gateway(gateway, group), no_init],
        connect="{module}.connect ~no_init:{rt2} ~cidr:{rt0} ?gateway:{rt1} {arg0} {arg1}",
    )
    return functor(link, resolution)


_qubes_ipv4 = impl(
    "Qubesdb_ipv4.Make",
    qubesdb >> ethernet >> arpv4 >> ipv4,
    packages=[bounded("mirage-qubes-ipv4")],
    connect="{module}.connect {arg0} {arg1} {arg2}",
)


def ipv4_qubes(database: Impl[Qubesdb], link: Impl[Ethernet], resolution: Impl[Arpv4]) -> Impl[Ip[V4]]:
    """IP version 4 with the address that Qubes gives."""
    return _qubes_ipv4(database, link, resolution)


def create_ipv6(interface: Impl[Network], link: Impl[Ethernet], *, group: str | None = None) -> Impl[Ip[V6]]:
    """IP version 6 with the address of `--ipv6`, or those that routers announce."""
    return static_ipv6(interface, link, group=group, no_init=boot.ipv4_only(group))


def static_ipv6(
    interface: Impl[Network],
    link: Impl[Ethernet],
    *,
    no_init: RuntimeArg,
    group: str | None = None,
    address: str | None = None,
    gateway: str | None = None,
) -> Impl[Ip[V6]]:
    """IP version 6 with these defaults for `--ipv6` and `--ipv6-gateway`, not started when `no_init` holds at boot."""
    functor = impl(
        "Ipv6.Make",
        network >> ethernet >> ipv6,
        packages=[tcpip("ipv6")],
        runtime_args=[
            boot.v6_network(address, group),
            boot.v6_gateway(gateway, group),
            boot.v6_accept_ra(group),
            no_init,
        ],
        connect="{module}.connect ~no_init:{rt3} ~handle_ra:{rt2} ?cidr:{rt0} ?gateway:{rt1} {arg0} {arg1}",
    )
    return functor(interface, link)


def create_ipv4v6(four: Impl[Ip[V4]], six: Impl[Ip[V6]], *, group: str | None = None) -> Impl[Ip[V4V6]]:
    """Both versions behind one interface; `--ipv4-only` and `--ipv6-only` leave one out."""
    functor = impl(
        "Tcpip_stack_direct.IPV4V6",
        ipv4 >> ipv6 >> ipv4v6,
        packages=[tcpip("stack-direct")],
        runtime_args=[boot.ipv4_only(group), boot.ipv6_only(group)],
        connect="{module}.connect ~ipv4_only:{rt0} ~ipv6_only:{rt1} {arg0} {arg1}",
    )
    return functor(four, six)
