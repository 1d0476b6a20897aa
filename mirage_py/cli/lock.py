"""`mpy lock`: choose a version of everything that the unikernels need, and write it down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from mirage_py.cli.command import argument, command, option
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import CONFIG, File, Json, Offline, Prefixes, Switch, Targets, ToolchainFile, stated
from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError

if TYPE_CHECKING:
    from mirage_py.packages.lock import Lock
    from mirage_py.workflow.lock import Change, Locked


EXAMPLES: Final = {"--ocaml": "5.3.0", "--dune": "3.17.2"}


def lock(
    line: Line,
    packages: Annotated[
        list[str] | None, argument(metavar="PKG", help="with --update: the packages that are to move; default: all")
    ] = None,
    target: Targets = None,
    check: Annotated[
        bool, option("--check", help="only tell whether mpy.lock fits config.py; opens no connection")
    ] = False,
    diff: Annotated[bool, option("--diff", help="show what a new choice would change; write nothing")] = False,
    update: Annotated[bool, option("--update", help="move to newer versions what is locked")] = False,
    repo: Annotated[
        list[str] | None,
        option("--repo", metavar="SOURCE", help="these repositories and no others; may be given several times"),
    ] = None,
    no_bundled: Annotated[bool, option("--no-bundled", help="leave out the libraries that come with mpy")] = False,
    installed: Annotated[
        bool, option("--installed", help="let libraries that are installed here serve, those without C stubs")
    ] = False,
    ocaml: Annotated[
        str | None, option("--ocaml", metavar="VERSION", help="for this OCaml; default: the one here")
    ] = None,
    dune: Annotated[
        str | None, option("--dune", metavar="VERSION", help="for this dune; default: the one here")
    ] = None,
    as_json: Json = False,
    offline: Offline = False,
    file: File = CONFIG,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
) -> None:
    """Choose a version of every package; write mpy.lock.

    For all configured unikernels and targets at once, and those that mpy.lock names: newest first of what config.py
    asks for, then of what that needs.
    What is locked stays where it can, until `--update`. The compiler, dune and Solo5 are those of this machine.
    """
    from mirage_py.workflow import lock as work
    from mirage_py.workflow.request import Wish

    if packages and not update:
        raise UsageError("packages are named with --update only", hint=f"mpy lock --update {' '.join(packages)}")
    if check and (diff or update):
        raise UsageError("--check changes nothing, and shows nothing", hint="leave --diff and --update out")
    for name, version in (("--ocaml", ocaml), ("--dune", dune)):
        if version is not None and not version[:1].isdigit():
            raise UsageError(f"{name} {version}: this is no version", hint=f"for instance {name} {EXAMPLES[name]}")
    asked = request(line, file=file, targets=target, unikernels=None, toolchain=stated(toolchain, switch, solo5_prefix))
    moving = tuple(packages or ()) if update or diff else None
    wish = Wish(
        repositories=tuple(repo or ()),
        ocaml=ocaml,
        dune=dune,
        bundled=not no_bundled,
        installed=installed,
        update=moving,
        offline=offline,
        dry=diff,
    )
    if check:
        held = work.check(asked, wish)
        _answer(held, as_json, {"fits": True}, f"mpy.lock fits: {_counted(held)}")
        return
    with console.working("locking") as progress:
        done = work.lock(asked, wish, tell=progress)
    tell(done, as_json=as_json, dry=diff)
    if done.written and not as_json:
        console.say("next: mpy pull", event="next", command="mpy pull")


COMMAND = command(lock)


def _answer(held: Lock, as_json: bool, fields: dict[str, Any], text: str) -> None:  # any: JSON
    fields |= {"packages": {one.name: one.version for one in held.packages}, "sources": len(held.sources)}
    if as_json:
        console.result(json.dumps(fields, ensure_ascii=False))
    else:
        console.say(text, event="lock", **fields)


def tell(done: Locked, *, as_json: bool = False, dry: bool = False) -> None:
    """What was chosen, and how it differs from before."""
    changes = [{"name": one.name, "old": one.old, "new": one.new} for one in done.changes]
    for one in () if as_json else done.changes:
        show = console.outcome if dry else console.detail
        show(_changed(one), event="change", name=one.name, old=one.old, new=one.new)
    for note in done.notes:
        console.say(note, event="note")
    changed = f"; {len(changes)} changed" if changes else ""
    head = "a new choice:" if dry else f"mpy.lock {'written' if done.written else 'is as it was'}:"
    fields = {"written": done.written, "changes": changes, "notes": list(done.notes)}
    _answer(done.lock, as_json, fields, f"{head} {_counted(done.lock)}{changed}")


def _counted(held: Lock) -> str:
    served = {one.served for one in held.packages}
    bundled = sum(one.served == "bundled" for one in held.packages)
    vendored = sum(one.served == "vendored" for one in held.packages)
    more = f", {bundled} that come with mpy" if "bundled" in served else ""
    return f"{vendored} packages from {len(held.sources)} sources{more}"


def _changed(one: Change) -> str:
    if one.old is None:
        return f"+ {one.name} {one.new}"
    return f"- {one.name} {one.old}" if one.new is None else f"~ {one.name} {one.old} -> {one.new}"
