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
from typing import TYPE_CHECKING, Final

from mirage_py.build.ending import Grounds
from mirage_py.build.making import BUILD, BY_HAND
from mirage_py.errors import LibraryNotFound

if TYPE_CHECKING:
    from mirage_py.build.linkmap import Linked
    from mirage_py.build.making import Making

__all__ = ["Places", "foreign", "grounds", "refusal"]

_STARTUP: Final = re.compile(r"camlstartup[0-9a-f]+\.o")
"""What ocamlopt compiles for each link, and deletes again."""

MOST: Final = 4
"""Archives that are named: each is told by one of its objects."""


def foreign(objects: Iterable[Linked], may_be: Grounds, places: Places | None = None) -> tuple[Linked, ...]:
    """The objects that are of this machine, or of nobody known; in the order of the map.

    `places` are known from other images, as long as nothing moves.
    """
    objects, held = tuple(objects), _Held(may_be, places or Places())
    strange = {file for file in dict.fromkeys(one.file for one in objects) if file not in held}
    return tuple(one for one in objects if one.file in strange)


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


def grounds(making: Making) -> Grounds:
    """Where the objects of this image may come from."""
    tools = making.toolchain
    trees = (making.folder / BUILD, making.folder / BY_HAND, *([tools.sysroot] if tools.sysroot else []))
    return Grounds(
        trees=trees,
        folders=tuple(dict.fromkeys(_folders(making))),
        files=frozenset(_known(making)),
        helper="-lgcc" in tools.libs,
    )


def _folders(making: Making) -> Iterator[Path]:
    """Folders that are the target's without what is below them: a prefix may be shared with the host."""
    tools = making.toolchain
    declared = (flag for one in making.stubs if one.way == "declared" for flag in one.flags)
    words = (*tools.ldflags, *tools.libs, *making.asked, *declared)
    yield from (Path(word[2:]) for word in words if word.startswith("-L"))
    if tools.bindings:
        yield tools.bindings.parent


def _known(making: Making) -> Iterator[Path]:
    """The compiled OCaml of the closure, which is beside its `.cmxa` or `.cmx`, and archives for the target."""
    for one in making.closure.image:
        for file in one.library.archives:
            yield file.with_suffix(".a" if file.suffix == ".cmxa" else ".o")
    for stubs in making.stubs:
        yield from stubs.archives
    yield from making.toolchain.runtime


class Places:
    """Where files really are; each folder is looked at once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def real(self, file: Path) -> str:
        """The path of a file without links."""
        folder, name = os.path.split(file)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        path = os.path.join(self._folders[folder], name)
        return os.path.realpath(path) if os.path.islink(path) else path


class _Held:
    """Whether files are where they may be, however they are named."""

    def __init__(self, held: Grounds, places: Places) -> None:
        self._held = held
        self._places = places

    def __contains__(self, file: Path) -> bool:
        if file in self._held.files or _STARTUP.fullmatch(file.name) or self._helper(file):
            return True
        real = self._places.real(file)
        return real.startswith(self._trees) or os.path.dirname(real) in self._folders or real in self._files

    def _helper(self, file: Path) -> bool:
        """The C compiler's own arithmetic, for machines that the toolchain says need it."""
        return file.name == "libgcc.a" and self._held.helper

    @cached_property
    def _trees(self) -> tuple[str, ...]:
        return tuple(os.path.join(os.path.realpath(place), "") for place in self._held.trees)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(os.path.realpath(place) for place in self._held.folders)

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(map(self._places.real, self._held.files))


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
