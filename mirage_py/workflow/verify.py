"""Verify: build again, elsewhere, and tell whether the images are the same bits."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mirage_py.build.finish import Built
from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.files import SCRATCH
from mirage_py.errors import Location, MpyError
from mirage_py.project.folders import dune_root
from mirage_py.release.compare import Difference, ObjectDifference, differing_objects, differing_sections
from mirage_py.workflow.build import build
from mirage_py.workflow.request import Progress, Request
from mirage_py.workflow.resolve import resolve_all

AWAY: Final = {"USER": "nobody-here", "LOGNAME": "nobody-here", "TZ": "Pacific/Auckland", "DUNE_CACHE": "disabled"}
"""What is another there: who builds, and when. dune's cache would hand over what was compiled here."""

LEFT_OUT: Final = frozenset({".git", ".hg", ".jj", ".venv", "__pycache__", "_build", "node_modules"})
"""Folders of other tools that no build reads."""

MOST: Final = 20
"""Objects that are named: more would tell nothing new."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """An image that was built again: the same bits, or what differs."""

    image: str
    target: str
    differences: tuple[Difference, ...] = ()
    objects: tuple[ObjectDifference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both builds gave the same bits."""
        return not self.differences


def verify(
    request: Request,
    *,
    jobs: int | None = None,
    progress: Progress = lambda _: None,
    waiting: Progress = lambda _: None,
) -> tuple[Verified, ...]:
    """Build what the request names in another folder, and compare with what is in `dist/`; nothing here is touched.

    Raises `MpyError` for an image that was not built here yet, and what `build` raises.
    """
    for one in resolve_all(request):
        _check_there(request.folder, one.plan.image, one.plan.target)
    with _copied(request, progress) as there:
        done = build(there, jobs=jobs, environment=AWAY, progress=progress, waiting=waiting)
        for failure in done.failures:
            raise failure
        progress("compare")
        return tuple(_verified(request.folder, there.folder, one) for one in done.built)


def _check_there(folder: Path, image: str, target: str) -> None:
    if not (folder / "dist" / image).is_file():
        raise MpyError(
            "the image is not there: it was not built, or was removed",
            location=Location(f"dist/{image}"),
            hint=f"mpy build -t {target}",
        )


def _verified(here: Path, there: Path, built: Built) -> Verified:
    image = built.image.relative_to(there).as_posix()
    differences = differing_sections(here / image, there / image)
    objects = tuple(_objects(here, there, built.context)) if differences else ()
    return Verified(image=image, target=built.target, differences=differences, objects=objects[:MOST])


def _objects(here: Path, there: Path, context: str) -> Iterator[ObjectDifference]:
    for folder in (f"mirage/_build/{context}", "mirage/.stubs"):
        yield from differing_objects(here / folder, there / folder)


@contextmanager
def _copied(request: Request, progress: Progress) -> Iterator[Request]:
    """The same request of a copy of the project in a folder of another name, and of another length."""
    root = dune_root(request.folder)
    progress("copy the sources")
    with TemporaryDirectory(prefix="mpy-verify-") as place:
        copy = Path(place) / "elsewhere" / "and-deeper" / root.name
        shutil.copytree(root, copy, symlinks=True, ignore=_left_out(request.folder))
        folder = copy / request.folder.relative_to(root)
        yield replace(request, file=folder / request.file.name, config=None)


def _left_out(project: Path) -> Callable[[str, list[str]], set[str]]:
    """What is not copied: what was built, what other tools keep, and what is neither file, folder nor link."""
    built = {project / "dist", *(project / folder for folder in SCRATCH)}

    def ignored(folder: str, names: list[str]) -> set[str]:
        paths = (Path(folder, name) for name in names)
        return {one.name for one in paths if one in built or one.name in LEFT_OUT or not _can_be_copied(one)}

    return ignored


def _can_be_copied(path: Path) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
