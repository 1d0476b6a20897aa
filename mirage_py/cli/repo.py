"""`mpy repo`: the repositories that `mpy lock` chooses from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import argument, command, group, option
from mirage_py.cli.options import CONFIG, File, Offline
from mirage_py.doors import terminal as console

if TYPE_CHECKING:
    from mirage_py.workflow.repo import Listed

SOURCE = argument(
    metavar="SOURCE", help="an address of an archive (.tar.gz, .tar.xz), a git address, a folder or a local archive"
)


def listed(file: File = CONFIG) -> None:
    """List the repositories of the project, first the one that goes first."""
    from mirage_py.workflow.repo import listed as of_project

    for one in of_project(_root(file)):
        _tell(one)


def add(
    source: Annotated[str, SOURCE],
    last: Annotated[bool, option("--last", help="behind those that are there; default: before them")] = False,
    file: File = CONFIG,
    offline: Offline = False,
) -> None:
    """Name one more repository in mpy.toml; it is read first, and refused when it is none."""
    from mirage_py.workflow.repo import add as add_to

    with console.working("reading the repository"):
        one = add_to(_root(file), source, last=last, offline=offline)
    _tell(one)


def remove(source: Annotated[str, SOURCE], file: File = CONFIG) -> None:
    """Take a repository out of mpy.toml."""
    from mirage_py.workflow.repo import remove as remove_from

    remove_from(_root(file), source)
    console.say(f"{source} is no longer chosen from", event="repository", source=source, removed=True)


def update(file: File = CONFIG) -> None:
    """Read the repositories again; what is kept stays when one cannot be had."""
    from mirage_py.workflow.repo import update as update_all

    with console.working("reading repositories") as progress:
        done = update_all(_root(file), tell=progress)
    for one in done:
        _tell(one)


COMMAND = group(
    "Tell which repositories versions are chosen from.",
    list=command(listed),
    add=command(add),
    remove=command(remove),
    update=command(update),
)


def _root(file: Path) -> Path:
    return file.absolute().parent


def _tell(one: Listed) -> None:
    state = f"{one.count} versions of packages" if one.count is not None else "not read yet: mpy repo update"
    changed = "" if one.changed is None else (", changed" if one.changed else ", as it was")
    console.outcome(
        f"{one.source}\n  {state}{changed}",
        event="repository",
        source=one.source,
        digest=one.digest,
        versions=one.count,
        changed=one.changed,
    )
