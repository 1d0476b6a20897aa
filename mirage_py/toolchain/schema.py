"""The shape of a toolchain description, for pydantic. Imported when a description is there: pydantic takes 70 ms."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

__all__ = ["Facts", "File"]


def _split(value: object) -> object:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


def _existing(value: object, info: ValidationInfo) -> Path:
    """A path relative to the description; it has to exist, or a later step would fail with less to say."""
    if not isinstance(value, str):
        raise ValueError("a path is a string")  # noqa: TRY004  # pydantic collects ValueError
    path = (Path(info.context or ".") / Path(value).expanduser()).absolute()
    if not path.exists():
        raise ValueError(f"{path} is not there")
    return path


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A list of words, or one string that is split as a shell would."""

Existing = Annotated[Path, BeforeValidator(_existing)]


class Facts(BaseModel):
    """Fields of `model.toolchain.Toolchain` that a description may state; what it leaves out is discovered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str | None = None
    ocaml_version: str | None = None
    ocamlopt: Existing | None = None
    stdlib: Existing | None = None
    c_compiler: Words | None = None
    cflags: Words | None = None
    linker: Words | None = None
    ldflags: Words | None = None
    libs: Words | None = None
    ldpostflags: Words | None = None
    runtime: tuple[Existing, ...] | None = None
    libraries: tuple[Existing, ...] | None = None
    ocaml_tools: dict[str, str] | None = None
    objcopy: Existing | None = None
    sysroot: Existing | None = None
    bindings: Existing | None = None
    linker_script: Existing | None = None
    elftool: Existing | None = None
    tender: Existing | None = None
    solo5_version: str | None = None
    ocaml_solo5_version: str | None = None
    path: tuple[Existing, ...] | None = None


class File(Facts):
    """A whole description: facts for every target, a table for each target that differs, and where to look."""

    link: Literal["cross", "pkg-config"] | None = None
    prefix: Existing | None = None
    switch: str | None = None
    target: dict[
        Literal["unix", "macosx", "hvt", "spt", "virtio", "muen", "genode", "xen", "qubes"],
        Facts,
    ] = {}
