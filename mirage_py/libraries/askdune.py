"""What dune alone knows of its files: what those print that are OCaml programs, and what a rule writes of them.

It is asked away from the sources, in which nothing is left, and its answers are remembered.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mirage_py.doors import memory
from mirage_py.errors import MpyError
from mirage_py.model.command import Command
from mirage_py.project.reading import text_of

__all__ = ["is_program", "made_by_rule", "printed_by", "project_of"]

MARK: Final = "(* -*- tuareg -*- *)"
Answer = tuple[str, tuple[Path, ...]]
"""A text, and the files and folders that it comes of."""

LARGEST: Final = 1 << 20
"""Bytes of a file beside the program that it may want to read: such a program looks at a version or a configuration."""

SECONDS: Final = 60.0


def is_program(text: str) -> bool:
    """Whether a dune file begins as dune wants it for one that is an OCaml program."""
    return text.startswith(MARK)


def printed_by(file: Path) -> str:
    """The stanzas that the program writes for the default context; remembered until it or what is beside it changes.

    Raises `MpyError` where dune is not here, and for a program that fails.
    """
    key = {"file": str(file), "text": hashlib.sha256(text_of(file).encode()).hexdigest()}
    return _remembered("dune-program", key, lambda: _print(file))[0]


def made_by_rule(file: Path, top: Path) -> Answer:
    """What a rule makes of a file that is not among the sources, for the default context, and what it was made of.

    `top` is the folder of all sources, whose libraries a generator may be linked with. Remembered until something
    changes that it was made of. Raises `MpyError` where dune is not here, and where it makes no such file.
    """
    return _remembered("dune-rule", {"file": str(file), "top": str(top)}, lambda: _make(file, top))


def project_of(folder: Path, *tops: Path) -> Path:
    """The folder of the dune-project that a folder belongs to, at most one of `tops`; itself where there is none."""
    for place in (folder, *folder.parents):
        if (place / "dune-project").is_file() or place in tops:
            return place
    return folder


def _remembered(kind: str, key: dict[str, str], ask: Callable[[], Answer]) -> Answer:
    whole = memory.environment("PATH", "OCAMLPATH") | key
    match memory.recall(kind, whole):
        case {"text": str(text), "files": [*files]}:
            return text, tuple(map(Path, files))
        case _:
            answer = ask()
            memory.remember(kind, whole, {"text": answer[0], "files": list(map(str, answer[1]))}, answer[1])
            return answer


def _print(file: Path) -> Answer:
    """Have dune run the program in a copy of its folder."""
    import shutil  # 5 ms with the next, for what is seldom asked
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="mpy-dune-") as place:
        root = Path(place)
        (root / "it").mkdir()
        for one in _beside(file.parent):
            shutil.copyfile(one, root / "it" / one.name)
        # what it says of the stanzas is of no interest: the rest is not there
        text = _asked(root, ("describe",), "_build/.dune/default/it/dune", f"have dune run {file}", "cannot run it")
        return text, (file.parent, *_beside(file.parent))


def _make(file: Path, top: Path) -> Answer:
    from tempfile import TemporaryDirectory  # as above

    with TemporaryDirectory(prefix="mpy-dune-") as place:
        root = Path(place)
        (root / "it").symlink_to(top.resolve())
        target = f"it/{os.path.relpath(file, top)}"
        purpose = f"have dune make {file}"
        text = _asked(root, ("build", f"./{target}"), f"_build/default/{target}", purpose, "does not make it")
        return text, tuple(_copied(root / "_build/default/it", top))


def _copied(built: Path, top: Path) -> Iterator[Path]:
    """The sources that dune has copied, as it does with all that it reads; their folders and dune files count too."""
    for here, _, names in os.walk(built):
        folder = top / os.path.relpath(here, built)
        if folder.is_dir():
            yield from (folder, folder / "dune", folder / "dune-project")
            yield from (folder / name for name in names if (folder / name).is_file())


def _asked(root: Path, words: tuple[str, ...], made: str, purpose: str, trouble: str) -> str:
    """The file that dune has made in a root of its own."""
    from mirage_py.doors.processes import run

    (root / "dune-project").write_text("(lang dune 2.0)\n")
    argv = ("dune", *words, "--root", ".")
    environment: dict[str, str | None] = {"DUNE_BUILD_DIR": None, "DUNE_WORKSPACE": None, "INSIDE_DUNE": None}
    told = run(Command(argv=argv, purpose=purpose, cwd=root, env=environment, timeout=SECONDS), check=False)
    try:
        return text_of(root / made)
    except OSError:
        reason = next((line for line in told.output.splitlines() if "rror" in line), "dune says nothing of it")
        raise MpyError(f"dune {trouble}: {reason}") from None


def _beside(folder: Path) -> tuple[Path, ...]:
    """The files of the folder, small ones only, and no links."""
    there = sorted(one for one in folder.iterdir() if one.is_file() and not one.is_symlink())
    return tuple(one for one in there if one.stat().st_size <= LARGEST)
