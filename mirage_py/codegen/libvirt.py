"""Domain descriptions for libvirt, as XML trees handed to a serialiser."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from mirage_py.codegen.stamp import stamp
from mirage_py.resolve.info import Info

MEMORY_KIB = 262144


def virtio_domain(info: Info) -> str:
    """NAME_libvirt.xml for QEMU/KVM: serial console, no balloon; disks and interfaces are yours to add."""
    domain = _domain(info, "kvm", f"{info.output}.virtio")
    _child(domain.find("os"), "type", "hvm", arch="x86_64", machine="pc")
    devices = ET.SubElement(domain, "devices")
    _child(devices, "emulator", "/usr/bin/qemu-system-x86_64")
    serial = _child(devices, "serial", type="pty")
    _child(serial, "target", port="0")
    console = _child(devices, "console", type="pty")
    _child(console, "target", type="serial", port="0")
    _child(devices, "memballoon", model="none")
    for net in info.nets:
        devices.append(
            ET.Comment(
                f" interface {net}: <interface type='bridge'><source bridge='BRIDGE'/>"
                "<model type='virtio'/></interface> "
            )
        )
    for block in info.blocks:
        devices.append(
            ET.Comment(
                f" disk {block}: <disk type='file' device='disk'><driver name='qemu' type='raw'/>"
                "<source file='FILE'/><target dev='vda' bus='virtio'/></disk> "
            )
        )
    return _text(domain, info)


def xen_domain(info: Info) -> str:
    """NAME_libvirt.xml for Xen: a PVH guest; add disks and interfaces as the image needs them."""
    domain = _domain(info, "xen", f"{info.output}.xen")
    _child(domain.find("os"), "type", "xenpvh", arch="x86_64", machine="xenpvh")
    devices = ET.SubElement(domain, "devices")
    console = _child(devices, "console", type="pty")
    _child(console, "target", type="xen", port="0")
    return _text(domain, info)


def _domain(info: Info, kind: str, kernel: str) -> ET.Element:
    domain = ET.Element("domain", type=kind)
    _child(domain, "name", info.name)
    _child(domain, "memory", str(MEMORY_KIB), unit="KiB")
    _child(domain, "currentMemory", str(MEMORY_KIB), unit="KiB")
    _child(domain, "vcpu", "1", placement="static")
    system = ET.SubElement(domain, "os")
    _child(system, "kernel", kernel)
    _child(domain, "clock", offset="utc", adjustment="reset")
    _child(domain, "on_crash", "preserve")
    return domain


def _child(parent: ET.Element | None, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    assert parent is not None  # the tree above is ours
    child = ET.SubElement(parent, tag, attributes)
    child.text = text
    return child


def _text(domain: ET.Element, info: Info) -> str:
    domain.insert(0, ET.Comment(stamp("xl", info.config_file).removeprefix("#") + " "))
    ET.indent(domain)
    return ET.tostring(domain, encoding="unicode") + "\n"
