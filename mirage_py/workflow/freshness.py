"""Whether an image is still what its sources and choices would make: what went into it was noted when it was built.

An image that did not change keeps its time, so times say nothing here. What is noted is each source with its content,
each vendored package and each folder of data by names, sizes and times, and what was configured.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mirage_py.dataclass import dataclass
from mirage_py.digest import sha256
from mirage_py.doors import answers
from mirage_py.doors.files import write_whole
from mirage_py.errors import MpyError
from mirage_py.packages.stamps import stamp
from mirage_py.project.folders import VENDORED, dune_root, not_local
from mirage_py.project.reading import bytes_of, exact_text_of, json_of

if TYPE_CHECKING:
    from mirage_py.model.plan import Plan

__all__ = ["Inputs", "Subject", "changed_since", "inputs_of", "note", "noting", "subject_of"]

NOTES: Final = "mirage/.stubs/built"
ENDINGS: Final = frozenset(
    (".ml", ".mli", ".mll", ".mly", ".mld", ".re", ".rei", ".c", ".h", ".cc", ".cpp", ".S", ".inc", ".sexp")
)
NAMES: Final = frozenset(("dune", "dune-project", "dune-workspace"))
LEFT_OUT: Final = frozenset(("_build", "_opam", "_esy"))
_TREE: Final = re.compile(r"\(source_tree\s+([^\s()]+)\)")

State = tuple[int, int, str]
"""When a file was last written to, its size, and the digest of its content."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What an image is made of: the plan by its digest, sources by path, vendored packages and data by folder."""

    plan: str
    files: Mapping[str, State]
    folders: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What of a plan says what an image is made of: its digest, and the folders that its rules read whole."""

    label: str
    plan: str
    trees: tuple[Path, ...]


def subject_of(folder: Path, plan: Plan) -> Subject:
    """What is asked of a plan here."""
    text = next((file.content for file in plan.files if file.path == "dune"), "")
    trees = (folder / "mirage" / plan.label / found for found in _TREE.findall(text))
    return Subject(label=plan.label, plan=_digest_of(plan), trees=tuple(Path(os.path.normpath(tree)) for tree in trees))


def inputs_of(folder: Path, subjects: Sequence[Subject]) -> dict[str, Inputs]:
    """What images would be made of now, by label; to be asked before they are built."""
    root, stamps = dune_root(folder), cache(_stamp)
    files = _files(root, folder, {})
    return {
        one.label: Inputs(plan=one.plan, files=files, folders=_stamps(root, folder, one, stamps)) for one in subjects
    }


def note(folder: Path, label: str, inputs: Inputs) -> None:
    """Keep what an image was made of; where that cannot be kept, nothing will be told of its age."""
    noting(folder, label, inputs)()


def noting(folder: Path, label: str, inputs: Inputs) -> Callable[[], None]:
    """The same in two steps: all that can be done before the image is made, and what is called then."""
    file = _note(folder, label)
    if _noted(folder, label) == inputs:
        return lambda: None
    text = json.dumps({"plan": inputs.plan, "files": dict(inputs.files), "folders": dict(inputs.folders)})

    def write() -> None:
        with suppress(OSError, MpyError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, text, sync=False)  # without it, nothing is told of age

    return write


def changed_since(folder: Path, plan: Plan) -> tuple[str, ...]:
    """What has changed since the image was built: paths, and `what is configured`; nothing where that is unknown."""
    was = _noted(folder, plan.label)
    if was is None:
        return ()
    root, subject = dune_root(folder), subject_of(folder, plan)
    files, folders = _files(root, folder, was.files), _stamps(root, folder, subject, stamp)
    now = Inputs(plan=subject.plan, files=files, folders=folders)
    digests = ({path: state[2] for path, state in one.files.items()} | dict(one.folders) for one in (was, now))
    before, after = digests
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return tuple(paths) or (("what is configured",) if was.plan != now.plan else ())


def _files(root: Path, folder: Path, known: Mapping[str, State]) -> dict[str, State]:
    return {path: _state(root / path, known.get(path)) for path in sorted(_sources(root, folder))}


def _stamps(root: Path, folder: Path, subject: Subject, stamp_of: Callable[[Path], str]) -> dict[str, str]:
    return {os.path.relpath(place, root): stamp_of(place) for place in sorted(_folders(folder, subject))}


def _stamp(place: Path) -> str:
    """A folder by names, sizes and times; it is an input as a whole, and not folder by folder."""
    with answers.aside():
        found = stamp(place)
    answers.note("tree", os.fspath(place))
    return found


def _digest_of(plan: Plan) -> str:
    """What was configured, as far as it makes an image."""
    text = (
        plan.image,
        [(file.path, file.content) for file in plan.files],
        sorted((one.name, str(plan.bounds.get(one.package, ""))) for one in plan.libraries),
        plan.c_stubs,
        [replaced.sources for replaced in plan.declared_stubs],
    )
    return sha256(repr(text).encode())


def _state(file: Path, known: State | None) -> State:
    """The state of a file; one that looks as it did is not read again, one that may not be read has no content."""
    try:
        at = file.stat()
        if known is not None and known[:2] == (at.st_mtime_ns, at.st_size):
            return known
        return at.st_mtime_ns, at.st_size, sha256(bytes_of(file))
    except OSError:
        return 0, 0, ""


def _sources(root: Path, folder: Path) -> Iterator[str]:
    """What dune would compile of the project's own, below its root, with the plan's own folder left out."""
    for here, folders, names in os.walk(root):
        place = Path(here)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in LEFT_OUT and not not_local(place / name)
        )
        if place == folder:
            folders[:] = [name for name in folders if name != "mirage"]
        for name in names:
            if (name in NAMES or Path(name).suffix in ENDINGS) and (place / name).is_file():
                yield os.path.relpath(place / name, root)


def _folders(folder: Path, subject: Subject) -> Iterator[Path]:
    """Vendored packages, and the folders that the plan's rules read whole."""
    for place in VENDORED:
        with suppress(OSError):
            yield from (Path(os.path.realpath(one)) for one in (folder / place).iterdir() if one.is_dir())
    yield from (tree for tree in subject.trees if tree.is_dir())


def _note(folder: Path, label: str) -> Path:
    return folder / NOTES / f"{label}.json"


def _noted(folder: Path, label: str) -> Inputs | None:
    """What was noted; None where nothing was, or nothing that can be read."""
    try:
        found: Any = json_of(exact_text_of(_note(folder, label)))  # any: JSON of ours, or of nobody
        files = {str(path): (int(at), int(size), str(digest)) for path, (at, size, digest) in found["files"].items()}
        folders = {str(path): str(digest) for path, digest in found["folders"].items()}
        return Inputs(plan=str(found["plan"]), files=files, folders=folders)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
