"""Configurations for Xen's `xl`: one that starts the image as it is, one with places to fill in."""

from __future__ import annotations

from mirage_py.codegen.stamp import stamped
from mirage_py.resolve.info import Info

MEMORY_MB = 256


def xl(info: Info) -> str:
    """NAME.xl: boots with `xl create -c NAME.xl` beside the image; bridges and disk files as the names suggest."""
    disks = [_disk(info.block_number(block), block) for block in info.blocks]
    bridges = [f"bridge=br{number}" for number in range(len(info.nets))]
    return _domain(info, info.name, f"{info.output}.xen", str(MEMORY_MB), disks, bridges)


def xl_template(info: Info) -> str:
    """NAME.xl.in: the same with @NAME@, @KERNEL@, @MEMORY@, @BLOCK:file@ and @NETWORK:name@ to be replaced."""
    disks = [_disk(info.block_number(block), f"@BLOCK:{block}@") for block in info.blocks]
    bridges = [f"@NETWORK:{net}@" for net in info.nets]
    return _domain(info, "@NAME@", "@KERNEL@", "@MEMORY@", disks, bridges)


def _domain(info: Info, name: str, kernel: str, memory: str, disks: list[str], bridges: list[str]) -> str:
    lines = [
        f"name = {xl_string(name)}",
        f"kernel = {xl_string(kernel)}",
        "type = 'pvh'",
        f"memory = {memory}",
        "on_crash = 'preserve'",
        _list("disk", disks),
        "# With Open vSwitch, add the script: 'script=vif-openvswitch,bridge=...'",
        _list("vif", bridges),
    ]
    return stamped("\n".join(lines) + "\n", "xl", info.config_file)


def xl_string(text: str) -> str:
    """A string of xl.cfg(5), in quotes that the text does not contain where there are such; Xen's escapes are C's."""
    quote = '"' if "'" in text else "'"
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n").replace("\r", "\\r")
    return f"{quote}{escaped}{quote}"


def _list(name: str, items: list[str]) -> str:
    if not items:
        return f"{name} = []"
    return "\n".join([f"{name} = [", *(f"  {xl_string(item)}," for item in items), "]"])


def _disk(number: int, file: str) -> str:
    return f"format=raw, vdev={_vdev(number)}, access=rw, target={file}"


def _vdev(number: int) -> str:
    """The name of a disk: xvdb for 1, xvdz for 25, xvdaa for 26. Letters count as xen-vbd-interface(7) has them."""
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("a") + digit) + letters
    return f"xvd{letters}"
