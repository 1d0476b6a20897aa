"""The last steps of images: linked, looked into, stripped, in `dist/`. Each is done for all at the same time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from mirage_py.build.ending import Ending
from mirage_py.build.linkmap import Linked
from mirage_py.build.manifests import check_manifests
from mirage_py.build.maps import claim_map, map_of, read_map
from mirage_py.build.origins import Places, foreign
from mirage_py.dataclass import dataclass
from mirage_py.doors.files import Tree
from mirage_py.errors import LibraryNotFound, ToolFailed
from mirage_py.toolchain.steps import perform_together

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


def finish(tree: Tree, endings: Sequence[Ending], *, refusal: Refusal, failure: Failure) -> Outcome:
    """The images of programs that dune has compiled, each with its map."""
    _link(endings, failure)
    of_programs = {one.program: read_map(map_of(one), one.context) for one in _programs(endings)}
    places = Places()
    strange = {
        one.label: found
        for one in endings
        if (found := foreign((*of_programs.get(one.program, ()), *_added(one)), one.grounds, places))
    }
    refused = tuple(refusal(one, strange[one.label]) for one in endings if one.label in strange)
    fit = [one for one in endings if one.label not in strange]
    check_manifests(fit)
    for failed in filter(None, perform_together([one.strip for one in fit])):
        raise failed
    images = {f"dist/{one.image}": one.strip.output for one in fit}
    changed = tree.install({f"dist/{one.debug_image}": one.linked for one in fit} | images)
    return Outcome(built=tuple(_built(tree, one, changed) for one in fit), refused=refused)


def _link(endings: Sequence[Ending], failure: Failure) -> None:
    """Link what mpy links itself from what dune has made."""
    linking = [(one, one.link) for one in endings if one.link]
    for (one, _), failed in zip(linking, perform_together([step for _, step in linking]), strict=True):
        if failed:
            raise failure(one, failed)


def _added(ending: Ending) -> tuple[Linked, ...]:
    """What mpy's own link put into an image, beside the program."""
    if ending.link is None:
        return ()
    assert ending.link.map is not None, "a link tells what it took"
    return tuple(one for one in read_map(ending.link.map, Path.cwd()) if one.file != ending.program)


def _built(tree: Tree, ending: Ending, changed: Collection[str]) -> Built:
    path = f"dist/{ending.image}"
    image = tree.root / path
    return Built(
        label=ending.label,
        name=ending.name,
        target=ending.target,
        context=ending.context.name,
        image=image,
        size=image.stat().st_size,
        changed=path in changed,
        run_command=ending.run_command,
    )
