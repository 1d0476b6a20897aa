"""The last steps of images: linked, looked into, stripped, in `dist/`. Each image goes its own way, beside others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from mirage_py.build.early import Early
from mirage_py.build.ending import Ending
from mirage_py.build.linkmap import Linked
from mirage_py.build.manifests import check, question
from mirage_py.build.maps import claim_map, map_of, read_map
from mirage_py.build.origins import Places, foreign
from mirage_py.dataclass import dataclass
from mirage_py.doors.files import Tree
from mirage_py.doors.installing import Installing
from mirage_py.doors.rows import Row, Wish, side_by_side
from mirage_py.errors import LibraryNotFound, ToolFailed
from mirage_py.toolchain.steps import end

__all__ = ["Built", "Outcome", "finish", "mapped"]


@dataclass(frozen=True, kw_only=True)
class Built:
    """An image that `build` made: its path, its size in bytes, whether it changed, and the command that runs it.

    `context` is the dune context that compiled it.
    """

    label: str
    name: str
    target: str
    context: str
    image: Path
    size: int
    changed: bool
    run_command: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The images that were made, and why others were not handed over after all."""

    built: tuple[Built, ...]
    refused: tuple[LibraryNotFound, ...] = ()


Refusal = Callable[[Ending, tuple[Linked, ...]], LibraryNotFound]
"""The error for an image in which the linker put what is of this machine: these objects."""

Failure = Callable[[Ending, ToolFailed], ToolFailed]
"""The error for a link that failed."""


def mapped(endings: Sequence[Ending]) -> bool:
    """Whether each program has the map that its linker wrote, which is kept from here on."""
    found = [claim_map(one) for one in _programs(endings)]  # each of them takes its own
    return all(found)


def _programs(endings: Sequence[Ending]) -> tuple[Ending, ...]:
    """One image for each program that the linker of dune wrote a map of: several may be of one program."""
    return tuple({one.program: one for one in endings if one.mapped_by_dune}.values())


def finish(
    tree: Tree, endings: Sequence[Ending], *, refusal: Refusal, failure: Failure, early: Early | None = None
) -> Outcome:
    """The images of programs that dune has compiled, each with its map; `early` says what is begun already."""
    look = _Look(endings)
    with tree.installing() as installing:
        strange = side_by_side([_finished(one, look, installing, failure, early or Early()) for one in endings])
    by_label = dict(zip((one.label for one in endings), strange, strict=True))
    refused = tuple(refusal(one, by_label[one.label]) for one in endings if by_label[one.label])
    fit = [one for one in endings if not by_label[one.label]]
    return Outcome(built=tuple(_built(tree, one, installing.changed) for one in fit), refused=refused)


def _finished(
    ending: Ending, look: _Look, installing: Installing, failure: Failure, early: Early
) -> Row[tuple[Linked, ...]]:
    """The last steps of an image, in their order; what in it is of this machine, for which it is not installed."""
    if ending.link:
        linked = yield Wish(early.begin(ending.link), partial(look.into_program, ending))
        failed = end(ending.link, linked)
        if failed:
            raise failure(ending, failed)
    strange: tuple[Linked, ...] = ()

    def meanwhile() -> None:
        nonlocal strange
        strange = look.into(ending)
        if not strange:
            installing.bring(ending.debug_image, ending.linked)

    questions, stripping = question(ending), early.begin(ending.strip)
    results = yield Wish((*stripping, *questions), meanwhile)
    if strange:
        return strange
    check(ending, results[len(stripping) :])
    failed = end(ending.strip, results[: len(stripping)])
    if failed:
        raise failed
    installing.bring(ending.installed, ending.strip.output)
    return ()


class _Look:
    """What the linker put into images: each map, and each place, is looked at once."""

    def __init__(self, endings: Sequence[Ending]) -> None:
        self._mapped = {one.program: one for one in _programs(endings)}
        self._objects: dict[Path, tuple[Linked, ...]] = {}
        self._places = Places()

    def into_program(self, ending: Ending) -> tuple[Linked, ...]:
        """The objects of the program that dune left of an image."""
        mapped = self._mapped.get(ending.program)
        if mapped is None:
            return ()
        if ending.program not in self._objects:
            self._objects[ending.program] = read_map(map_of(mapped), mapped.context)
        return self._objects[ending.program]

    def into(self, ending: Ending) -> tuple[Linked, ...]:
        """The objects of an image that are of this machine, or of nobody known."""
        return foreign((*self.into_program(ending), *_added(ending)), ending.grounds, self._places)


def _added(ending: Ending) -> tuple[Linked, ...]:
    """What mpy's own link put into an image, beside the program."""
    if ending.link is None:
        return ()
    assert ending.link.map is not None, "a link tells what it took"
    return tuple(one for one in read_map(ending.link.map, Path.cwd()) if one.file != ending.program)


def _built(tree: Tree, ending: Ending, changed: Collection[str]) -> Built:
    image = tree.root / ending.installed
    return Built(
        label=ending.label,
        name=ending.name,
        target=ending.target,
        context=ending.context.name,
        image=image,
        size=image.stat().st_size,
        changed=ending.installed in changed,
        run_command=ending.run_command,
    )
