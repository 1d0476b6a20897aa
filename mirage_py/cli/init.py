"""`mpy init [DIR]`: the first files of a unikernel, to build at once and then to change."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated, Final, Literal

from mirage_py.cli.command import argument, command, option
from mirage_py.doors import terminal as console
from mirage_py.doors.files import create
from mirage_py.dsl.config import LONGEST_NAME

Template = Literal["hello", "keys", "c-stubs", "device", "network", "dns", "web", "key-value", "block"]
NEXT: Final[dict[str, str]] = {
    "network": "mpy configure --net host && mpy lock && mpy build --pull && mpy run",
    "dns": "mpy configure --net host && mpy lock && mpy build --pull && mpy run -- --port 5353",
    "web": "mpy configure --net host && mpy lock && mpy build --pull && mpy run",
    "key-value": "mpy lock && mpy build --pull && mpy run",
    "block": "mpy lock && mpy build --pull && mpy run --setup && mpy run",
}
"""What to type first, where the libraries of a template do not come with mpy."""

TEMPLATES: Final = Path(__file__).parent.parent / "templates" / "init"
PLACEHOLDER: Final = "@NAME@"


def init(
    folder: Annotated[
        Path, argument(metavar="DIR", help="a new folder, or one without such files; default: this one")
    ] = Path(),
    template: Annotated[Template, option("--template", help="what to begin with; hello unless given")] = "hello",
) -> None:
    """Begin a unikernel: write config.py and its sources.

    DIR is a new folder, or one without such files; without it they are begun here. hello logs and ends; keys has
    choices for configure and for boot; c-stubs has C code of its own; device has a device of its own. network serves
    TCP, dns is a name server, web serves HTTPS, key-value reads files that are compiled in, block counts on a disk:
    these need more of MirageOS's libraries, which `mpy lock` and `mpy pull` bring.
    """
    files = {name: text.replace(PLACEHOLDER, name_for(folder)) for name, text in _texts(template).items()}
    wanted = {name: text for name, text in files.items() if not (name == ".gitignore" and (folder / name).exists())}
    create(folder, wanted)
    for name in wanted:
        console.say(f"created {folder / name}", event="file", action="created", path=str(folder / name))
    go = "" if folder.absolute() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    console.say(f"next: {go}{NEXT.get(template, 'mpy build && mpy run')}")


COMMAND = command(init)


def name_for(folder: Path) -> str:
    """A name for the unikernel: the folder's, with what a name cannot have left out."""
    words = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.absolute().resolve().name).strip("-_.")
    return words[:LONGEST_NAME] or "unikernel"


def _texts(template: Template) -> dict[str, str]:
    root = TEMPLATES / template
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {_shown(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}


def _shown(path: Path) -> str:
    """A dot file has no dot in the package, where it would be taken for one of mpy's own."""
    return ".gitignore" if path.name == "gitignore" else path.as_posix()
