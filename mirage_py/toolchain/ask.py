"""Ask a tool once: what it says about itself is remembered until its program, or what it reads, changes."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from mirage_py.doors import memory
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command

__all__ = ["ask", "config_of"]

NEEDED: Final = ("version", "architecture", "standard_library", "c_compiler", "native_c_libraries")


def ask(
    command: Command,
    *,
    files: Iterable[Path | str] = (),
    variables: Collection[str] = (),
    codes: Collection[int] = (0,),
) -> str:
    """All that the command writes, errors behind the rest; remembered while `files`, its program and `variables` stay.

    Ending with none of `codes` is ToolFailed.
    """
    key = memory.environment("PATH", *variables) | {"argv": shlex.join(command.argv)} | _laid_over(command)
    known = memory.recall("ask", key)
    if isinstance(known, str):
        return known
    answer = _run(command, codes)
    memory.remember("ask", key, answer, [*_program(command), *files])
    return answer


def config_of(program: Path, environment: dict[str, str | None] | None = None) -> dict[str, str]:
    """What an OCaml compiler says of itself (`-config`): its version, C compiler, flags, and the rest.

    All of NEEDED is there, or it is ToolFailed.
    """
    command = Command(
        argv=(str(program), "-config"), purpose=f"ask {program.name} for its configuration", env=environment or {}
    )
    text = ask(command, variables=("OCAMLLIB", "CAMLLIB", "OCAMLPARAM"))
    config = {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
    missing = [name for name in NEEDED if name not in config]
    if missing:
        raise ToolFailed(
            f"{program} does not tell its configuration: {', '.join(missing)}",
            output=text,
            hint="it is no OCaml compiler, or the one that it starts is broken; reinstall it",
        )
    return config


def _laid_over(command: Command) -> dict[str, str | None]:
    return {f"env {name}": value for name, value in command.env.items()}


def _run(command: Command, codes: Collection[int]) -> str:
    from mirage_py.doors.processes import failure, run

    result = run(command, check=False)
    if result.code not in codes:
        raise failure(result)
    return result.stdout + result.stderr


def _program(command: Command) -> list[Path]:
    """The program's file, behind links too: an alternative that is switched changes the link alone."""
    from mirage_py.doors.processes import which

    found = which(command.argv[0])
    return [found, found.resolve()] if found else []
