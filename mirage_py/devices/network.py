"""Network interfaces, Ethernet and ARP."""

from __future__ import annotations

from mirage_py.devices import boot
from mirage_py.dsl import key
from mirage_py.dsl.device import Resource
from mirage_py.dsl.impl import Impl, impl, match_impl
from mirage_py.dsl.ocaml import ocaml_string
from mirage_py.dsl.package import bounded
from mirage_py.dsl.types import typ
from mirage_py.types import Arpv4, Ethernet, Network

network = typ(Network, signature="Mirage_net.S")
ethernet = typ(Ethernet, signature="Ethernet.S")
arpv4 = typ(Arpv4, signature="Arp.S")

_SOLO5 = ("hvt", "spt", "virtio", "muen", "genode")
_UNIKRAFT = ("unikraft-firecracker", "unikraft-qemu")


def netif(device: str, *, group: str | None = None) -> Impl[Network]:
    """The interface `device`: the default of `--interface`, or on Solo5 the manifest's device; Xen wants a number."""
    numbered = key.is_xen.map(
        lambda xen: (
            f'Xen numbers its interfaces, netif("0") is the first: {device!r} is no number'
            if xen and not device.isdigit()
            else None
        )
    )

    def with_option(*packages: str) -> Impl[Network]:
        return impl(
            "Netif",
            network,
            packages=[bounded(name) for name in packages],
            runtime_args=[boot.interface(device, group)],
            resources=[Resource(kind="net", name=device)],
            connect="{module}.connect {rt0}",
            refusal=numbered,
        )

    solo5 = impl(
        "Netif",
        network,
        packages=[bounded("mirage-net-solo5")],
        resources=[Resource(kind="net", name=device)],
        connect=lambda c: f"{c.module}.connect {ocaml_string(device)}",
    )
    return match_impl(
        key.target,
        {
            "macosx": with_option("mirage-net-macosx"),
            "xen": with_option("mirage-net-xen"),
            "qubes": with_option("mirage-net-xen", "mirage-qubes"),
        }
        | dict.fromkeys(_SOLO5, solo5)
        | dict.fromkeys(_UNIKRAFT, with_option("mirage-net-unikraft")),
        default=with_option("mirage-net-unix"),
    )


default_network: Impl[Network] = match_impl(
    key.target,
    dict.fromkeys(("unix", "macosx"), netif("tap0")) | dict.fromkeys(_SOLO5, netif("service")),
    default=netif("0"),
)
"""The one interface that most unikernels have: tap0 on unix, `service` on Solo5, 0 elsewhere."""

_ethernet = impl(
    "Ethernet.Make", network >> ethernet, packages=[bounded("ethernet")], connect="{module}.connect {arg0}"
)
_arp = impl("Arp.Make", ethernet >> arpv4, packages=[bounded("arp", "arp.mirage")], connect="{module}.connect {arg0}")


def ethif(interface: Impl[Network]) -> Impl[Ethernet]:
    """Ethernet over an interface; asked twice for one interface it is the same device."""
    return _ethernet(interface)


def arp(link: Impl[Ethernet]) -> Impl[Arpv4]:
    """Address resolution over Ethernet; asked twice for one Ethernet it is the same device."""
    return _arp(link)
