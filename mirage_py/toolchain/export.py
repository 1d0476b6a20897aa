"""Describe a cross toolchain as the pkg-config generation would: for C libraries whose makefiles ask pkg-config.

Libraries of 2021 compile their freestanding archive with `pkg-config --cflags ocaml-freestanding`; ocaml-solo5 dropped
that description on purpose. Written into a folder of its own, and read through `PKG_CONFIG_LIBDIR`, it leaks nothing.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import run
from mirage_py.errors import ToolFailed, UnsupportedTarget
from mirage_py.model.command import Command
from mirage_py.model.toolchain import Toolchain

__all__ = ["Description", "descriptions", "wrapped_cflags"]

MARK: Final = "-E"
OLD_NAME: Final = "-D__ocaml_freestanding__"
"""What C code of that generation asks for; ocaml-solo5 defines `__ocaml_solo5__` in its place."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """A `.pc` file: its name and its text."""

    name: str
    text: str


def descriptions(toolchain: Toolchain) -> tuple[Description, ...]:
    """`ocaml-freestanding.pc` and `solo5-bindings-ABI.pc` for a cross toolchain; nothing is written."""
    if toolchain.generation != "cross" or toolchain.bindings is None:
        raise UnsupportedTarget(
            f"there is nothing to export for target {toolchain.target}",
            details=(_why_not(toolchain),),
            hint="export a cross toolchain: -t hvt, spt, virtio, muen or xen, without --link pkg-config",
        )
    return _runtime(toolchain), _bindings(toolchain)


def wrapped_cflags(toolchain: Toolchain) -> tuple[str, ...]:
    """The flags that the toolchain's C compiler, a script around the host's, adds: what a plain `cc` has to be told.

    Solo5's scripts show the command that they start when `__V` is set.
    """
    command = Command(
        argv=(*toolchain.c_compiler, MARK, "-x", "c", "/dev/null"),
        purpose="ask Solo5's C compiler for its flags",
        env={"__V": "1"},
    )
    result = run(command)
    shown = [line for line in result.stderr.splitlines() if line.startswith("+ exec ") and MARK in line.split()]
    if not shown:
        raise ToolFailed(f"{toolchain.c_compiler[0]} does not show its flags", output=result.output)
    return _between(shlex.split(shown[-1].removeprefix("+ exec ")))


def _between(words: list[str]) -> tuple[str, ...]:
    return tuple(words[1 : words.index(MARK)])


def _why_not(toolchain: Toolchain) -> str:
    if not toolchain.freestanding:
        return "it is compiled by the host's compiler, which pkg-config serves as it is"
    if toolchain.generation == "pkg-config":
        return f"its toolchain in {toolchain.prefix} is of the pkg-config generation already, or is linked like one"
    return f"its Solo5 has no bindings for {toolchain.target}"


def _runtime(toolchain: Toolchain) -> Description:
    flags = _joined((*wrapped_cflags(toolchain), OLD_NAME, *toolchain.cflags))
    return Description(
        name="ocaml-freestanding.pc",
        text=_file(
            variables={"prefix": str(toolchain.prefix), "includedir": str(toolchain.stdlib)},
            fields={
                "Name": "ocaml-freestanding",
                "Version": toolchain.ocaml_solo5_version or toolchain.ocaml_version,
                "Description": f"Freestanding OCaml runtime, described by mpy for target {toolchain.target}",
                "Requires": f"solo5-bindings-{toolchain.abi}",
                "Cflags": _words(flags),
                "Libs": _words(toolchain.libs),
            },
        ),
    )


def _joined(flags: tuple[str, ...]) -> tuple[str, ...]:
    """`-I` and its folder as one word: pkg-config drops a word that it has seen, and a second `-I` with it."""
    rest = iter(flags)
    return tuple(f"-I{next(rest, '')}" if word == "-I" else word for word in rest)


def _bindings(toolchain: Toolchain) -> Description:
    return Description(
        name=f"solo5-bindings-{toolchain.abi}.pc",
        text=_file(
            variables={
                "prefix": str(toolchain.prefix),
                "libdir": str(toolchain.bindings.parent if toolchain.bindings else ""),
                "ld": _words(_ld(toolchain)),
                "ldflags": _words(toolchain.ldflags),
                "ldpostflags": _words(toolchain.ldpostflags),
            },
            fields={
                "Name": f"solo5-bindings-{toolchain.abi}",
                "Version": toolchain.solo5_version or "0",
                "Description": f"Solo5 sandboxed execution environment ({toolchain.abi} target), described by mpy",
            },
        ),
    )


def _ld(toolchain: Toolchain) -> tuple[str, ...]:
    """Solo5's wrapper of `ld` where it is beside that of `cc`: makefiles give it flags of `ld`."""
    beside = Path(toolchain.linker[0].removesuffix("-cc") + "-ld")
    return (str(beside),) if beside.is_file() else toolchain.linker


def _file(variables: dict[str, str], fields: dict[str, str]) -> str:
    lines = [
        *(f"{name}={value}" for name, value in variables.items()),
        "",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _words(words: tuple[str, ...]) -> str:
    """The words as pkg-config reads them back: a blank or a quote keeps its backslash."""
    return " ".join("".join(f"\\{one}" if one in " \"'\\#" else one for one in word) for word in words)
