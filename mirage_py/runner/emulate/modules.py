"""Modules of a Debian kernel, with those that each of them needs, in the order of loading."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.errors import ToolNotFound
from mirage_py.runner.emulate.cpio import Entry, text

__all__ = ["insmods", "loading_order", "module_files"]

DEPENDS: Final = re.compile(rb"\0depends=([^\0]*)\0")
SUFFIXES: Final = (".ko", ".ko.xz")


def module_files(root: Path, wanted: Iterable[str]) -> tuple[dict[str, Entry], dict[str, list[str]]]:
    """The files below `modules/` for these and all that they need; and for each wanted one, the order of loading.

    A package has no `modules.dep` before it is installed: each module says itself what it needs.
    """
    kernel = _Kernel(root)
    orders = {name: list(dict.fromkeys(kernel.order(_plain(name)))) for name in wanted}
    names = dict.fromkeys(name for order in orders.values() for name in order)
    return {f"modules/{name}.ko": Entry(mode=0o100644, content=kernel.read(name)) for name in names}, orders


def loading_order(orders: Mapping[str, list[str]], wanted: Iterable[str]) -> tuple[str, ...]:
    """The modules for these wanted ones, each once, none before what it needs."""
    return tuple(dict.fromkeys(name for one in wanted for name in orders[one]))


def insmods(pieces: Path, wanted: Iterable[str]) -> Iterator[str]:
    """The lines of a shell that load them."""
    orders = json.loads((pieces / "modules.json").read_text("utf-8"))
    return (f"insmod /modules/{name}.ko" for name in loading_order(orders, wanted))


def orders_file(orders: Mapping[str, list[str]]) -> bytes:
    """The piece that `insmods` reads."""
    return text(json.dumps(orders)).content


class _Kernel:
    """The modules of an unpacked kernel package."""

    def __init__(self, root: Path) -> None:
        files = (file for suffix in SUFFIXES for file in (root / "lib" / "modules").rglob(f"*{suffix}"))
        self._files = {_plain(file.name.partition(".")[0]): file for file in files}
        listed = (file.read_text().split() for file in (root / "lib" / "modules").rglob("modules.builtin"))
        self._builtin = {_plain(Path(path).stem) for paths in listed for path in paths}

    def order(self, name: str) -> Iterator[str]:
        """What the module needs, then itself; nothing for what the kernel has built in."""
        if name in self._files:
            needs = DEPENDS.search(self.read(name))
            for one in needs[1].decode().split(",") if needs and needs[1] else ():
                yield from self.order(_plain(one))
            yield name
        elif name not in self._builtin:
            raise ToolNotFound(
                f"Debian's kernel has no module {name}",
                details=("the emulated machine needs it; mpy knows the kernel of Debian 12",),
                hint="run it on Debian 12, or in a container of it",
            )

    def read(self, name: str) -> bytes:
        """The module itself."""
        content = self._files[name].read_bytes()
        return lzma.decompress(content) if self._files[name].suffix == ".xz" else content


def _plain(name: str) -> str:
    """Modules are named with dashes and underlines as it comes; they mean the same."""
    return name.replace("-", "_")
