"""`mpy toolchain`: what compiles and links for a target; and the same in pkg-config's words, for C libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mirage_py.cli.command import argument, command, group, option
from mirage_py.cli.options import Json, Link, Prefixes, Switch, Targets, ToolchainFile, checked_targets, choice
from mirage_py.doors import terminal as console
from mirage_py.doors.terminal import Row
from mirage_py.errors import Location, UsageError, WouldOverwrite
from mirage_py.model.toolchain import Toolchain

if TYPE_CHECKING:
    from mirage_py.toolchain.show import Fact


def show(
    target: Targets = None,
    as_json: Json = False,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
    link: Link = None,
) -> None:
    """Tell every fact and where it comes from.

    Without -t for unix.
    """
    from mirage_py.toolchain.discover import discover

    asked = choice(toolchain, switch, solo5_prefix, link)
    found = [discover(name, asked) for name in checked_targets(target) or ("unix",)]
    if as_json:
        console.result("".join(f"{json.dumps(toolchain_json(one))}\n" for one in found))
    else:
        console.result("\n".join(_text(one) for one in found))


def export(
    folder: Annotated[Path, argument(metavar="DIR", help="where to write them")],
    target: Targets = None,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
    link: Link = None,
) -> None:
    """Describe it to pkg-config, for C libraries of 2021.

    Writes ocaml-freestanding.pc and solo5-bindings-ABI.pc into DIR, where the makefiles of those libraries find them
    with PKG_CONFIG_LIBDIR=DIR.
    """
    from mirage_py.doors.files import write_whole
    from mirage_py.toolchain.discover import discover
    from mirage_py.toolchain.export import descriptions

    (name,) = _one(checked_targets(target))
    described = descriptions(discover(name, choice(toolchain, switch, solo5_prefix, link)))
    _check_free(folder, [one.name for one in described])
    folder.mkdir(parents=True, exist_ok=True)
    for one in described:
        write_whole(folder / one.name, one.text)
        console.say(f"wrote {folder / one.name}", event="file", action="wrote", path=str(folder / one.name))
    console.say(f"next: PKG_CONFIG_LIBDIR={folder.absolute()} pkg-config --cflags ocaml-freestanding")


def install(
    name: Annotated[Literal["solo5"], argument(metavar="[solo5]", help="the toolchain; there is one")] = "solo5",
    repo: Annotated[str | None, option("--repo", metavar="SOURCE", help="an opam repository; opam's own")] = None,
    remove: Annotated[bool, option("--remove", help="take away what was installed")] = False,
) -> None:
    """Build one by opam, in mpy's cache.

    In versions that fit this machine's OCaml, into a root of its own: no switch of yours is touched. It serves where no
    other toolchain is found.
    """
    from mirage_py.model.toolchain import ToolchainChoice
    from mirage_py.toolchain import install as work
    from mirage_py.toolchain.discover import discover_host

    if remove:
        removed = work.remove()
        console.say(f"{name} was removed" if removed else "nothing to remove", event="toolchain", removed=removed)
        return
    with console.working("installing a Solo5 toolchain") as progress:
        prefix = work.install(discover_host(ToolchainChoice()).ocaml_version, repo, progress=progress)
    console.outcome(f"{prefix}", event="toolchain", prefix=str(prefix))
    console.say("next: mpy toolchain show -t spt")


COMMAND = group(
    "Tell what compiles and links for a target.",
    show=command(show),
    export=command(export),
    install=command(install),
)


def toolchain_json(toolchain: Toolchain) -> dict[str, Any]:  # any: JSON
    """Every field, paths as text, with where each comes from under `sources`."""
    return {field.name: _plain(getattr(toolchain, field.name)) for field in fields(toolchain)}


def _plain(value: Any) -> Any:  # any: JSON
    match value:
        case Path():
            return str(value)
        case tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value


def _text(toolchain: Toolchain) -> str:
    from mirage_py.toolchain.show import facts

    paint, columns = console.painter(), console.width()
    rows = [row for fact in facts(toolchain) if fact.value and fact.name != "target" for row in _rows(fact)]
    lines = console.table(rows, paint, columns - 2 if columns else None)
    return "\n".join([paint(f"toolchain for {toolchain.target}", "bold"), *(f"  {line}" for line in lines)]) + "\n"


def _rows(fact: Fact) -> Iterator[Row]:
    """What a fact is, and below it where it comes from."""
    match fact.value:
        case list():
            value = " ".join(fact.value)
        case dict():
            value = ", ".join(f"{name}={one}" for name, one in fact.value.items())
        case _:
            value = str(fact.value)
    yield (fact.name, None), (value, None)
    if fact.source:
        yield ("", None), (f"from {fact.source}", "dim")


def _one(targets: tuple[str, ...]) -> tuple[str, ...]:
    if len(targets) != 1:
        raise UsageError("export describes one toolchain: name one target", hint="mpy toolchain export -t spt DIR")
    return targets


def _check_free(folder: Path, names: list[str]) -> None:
    """An older export may be replaced; what another hand wrote may not."""
    for name in names:
        path = folder / name
        if path.exists() and "described by mpy" not in path.read_text(encoding="utf-8", errors="replace"):
            raise WouldOverwrite(
                f"{name} is there, and mpy did not write it", location=Location.of(path), hint="choose another folder"
            )
