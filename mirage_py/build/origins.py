"""Where the objects of an image come from: the build, the toolchain, stubs for the target; never this machine.

What was compiled for this machine links often, and then dies without a word: its stack canary lives where a unikernel
has nothing, and it reckons with a system below. Libraries are looked at before anything is compiled; this looks at what
the linker really took, so that an archive comes to light that a rule or a configurator has named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from mirage_py.build.linkmap import Linked
from mirage_py.build.making import BUILD, BY_HAND, Making
from mirage_py.dataclass import dataclass
from mirage_py.errors import LibraryNotFound

__all__ = ["foreign", "refusal"]

_STARTUP: Final = re.compile(r"camlstartup[0-9a-f]+\.o")
"""What ocamlopt compiles for each link, and deletes again."""

MOST: Final = 4
"""Archives that are named: each is told by one of its objects."""


def foreign(objects: Iterable[Linked], making: Making) -> tuple[Linked, ...]:
    """The objects that are of this machine, or of nobody known; in the order of the map."""
    grounds = _Grounds(making)
    return tuple(one for one in objects if not grounds.hold(one.file))


def refusal(strangers: Iterable[Linked], making: Making) -> LibraryNotFound | None:
    """The error about such objects, by their archives, those of C first; None where there are none."""
    first: dict[Path, Linked] = {}
    for one in sorted(strangers, key=lambda one: not one.file.name.startswith("lib")):
        first.setdefault(one.file, one)
    if not first:
        return None
    shown, left = list(first.values())[:MOST], len(first) - MOST
    more = f" and {left} more" if left > 0 else ""
    owners = dict.fromkeys(filter(None, (_owner(one, making) for one in shown)))
    return LibraryNotFound(
        f"{making.plan.image} would hold what was compiled for this machine: "
        f"{', '.join(one.file.name for one in shown)}{more}",
        details=(
            *(_line(one, making) for one in shown),
            "the linker found that by itself; for the target nobody has compiled it, and the image is not handed over",
        ),
        hint=_hint([one.file for one in shown], list(owners)),
    )


def _line(one: Linked, making: Making) -> str:
    owner = _owner(one, making)
    return f"{one}, wanted by {owner} for {one.symbol}" if owner else str(one)


def _hint(files: list[Path], owners: list[str]) -> str:
    names = " and ".join(dict.fromkeys(file.name.partition(".")[0] for file in files))
    without = f"or leave {' and '.join(owners)} out for this target (if_impl, key.is_unix)" if owners else ""
    return "\n".join(filter(None, (f"vendor sources of {names}: dune compiles them for the target", without)))


@dataclass(frozen=True)
class _Grounds:
    """Where an object of this image may come from."""

    making: Making

    def hold(self, file: Path) -> bool:
        """Whether the file is of the build, of the toolchain, or made for the target otherwise."""
        if _STARTUP.fullmatch(file.name) or self._helper(file):
            return True
        real = Path(os.path.realpath(file))
        return real in self._files or real.parent in self._folders or any(map(real.is_relative_to, self._trees))

    def _helper(self, file: Path) -> bool:
        """The C compiler's own arithmetic, for machines that the toolchain says need it."""
        return file.name == "libgcc.a" and "-lgcc" in self.making.toolchain.libs

    @cached_property
    def _trees(self) -> tuple[Path, ...]:
        folder, sysroot = self.making.folder, self.making.toolchain.sysroot
        places = (folder / BUILD, folder / BY_HAND, *([sysroot] if sysroot else []))
        return tuple(Path(os.path.realpath(place)) for place in places)

    @cached_property
    def _folders(self) -> frozenset[Path]:
        """Folders that are the target's without what is below them: a prefix may be shared with the host."""
        tools = self.making.toolchain
        declared = (flag for one in self.making.stubs if one.way == "declared" for flag in one.flags)
        words = (*tools.ldflags, *tools.libs, *self.making.asked, *declared)
        named = (Path(word[2:]) for word in words if word.startswith("-L"))
        places = (*named, *([tools.bindings.parent] if tools.bindings else []))
        return frozenset(Path(os.path.realpath(place)) for place in places)

    @cached_property
    def _files(self) -> frozenset[Path]:
        return frozenset(Path(os.path.realpath(file)) for file in self._known())

    def _known(self) -> Iterator[Path]:
        """The compiled OCaml of the closure, which is beside its `.cmxa` or `.cmx`, and archives for the target."""
        for one in self.making.closure.image:
            for file in one.library.archives:
                yield file.with_suffix(".a" if file.suffix == ".cmxa" else ".o")
        for stubs in self.making.stubs:
            yield from stubs.archives
        yield from self.making.toolchain.runtime


def _owner(one: Linked, making: Making) -> str:
    """The library of the closure whose object wanted it; the unikernel where its own did."""
    return _library_at(one.wanted_by, making) if one.wanted_by else ""


def _library_at(file: Path, making: Making) -> str:
    for served in making.closure.image:
        if file.with_suffix(".cmxa") in served.library.archives:
            return served.library.name
    source = making.source_of(file)
    if source is None:
        return ""
    inside = [
        served.library
        for served in making.closure.image
        if served.library.compiled_here and source.is_relative_to(served.library.directory)
    ]
    if making.own(source):
        return making.plan.name
    deepest = max(inside, key=lambda library: len(library.directory.parts), default=None)
    return deepest.name if deepest else ""
