"""The shape of mpy.lock, for pydantic. Imported for a file that mpy did not write as it is: pydantic takes 70 ms."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["File"]


def _inside(value: str) -> str:
    """A path that stays below the folder it is laid into."""
    parts = value.split("/")
    if value.startswith("/") or "\\" in value or "\0" in value or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{value!r} leaves its folder")
    return value


def _base64(value: str) -> str:
    base64.b64decode(value, validate=True)  # binascii.Error is a ValueError
    return value


FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")]
Inside = Annotated[str, AfterValidator(_inside)]
PackageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-]*[A-Za-z][A-Za-z0-9_+-]*$")]
Checksum = Annotated[str, Field(pattern=r"^(md5=[0-9a-f]{32}|sha256=[0-9a-f]{64}|sha512=[0-9a-f]{128})$")]
Url = Annotated[str, Field(pattern=r"^(https?|ftp|file)://\S+$")]
Git = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Given(Strict):
    ocaml: str
    dune: str
    solo5: str | None = None
    ocaml_solo5: str | None = Field(None, alias="ocaml-solo5")
    bundled: bool = True
    installed: bool = False


class Repository(Strict):
    source: str
    digest: Annotated[str, Field(pattern=r"^sha256=[0-9a-f]{64}$")]
    commit: Git | None = None


class Unikernel(Strict):
    target: str
    asks: list[str] = []


class DepextTable(Strict):
    package: PackageName
    names: list[str]
    when: str = ""


class Extra(Strict):
    name: Inside
    urls: Annotated[list[Url], Field(min_length=1)]
    checksums: Annotated[list[Checksum], Field(min_length=1)]


class Laid(Strict):
    name: Inside
    text: str | None = None
    base64: Annotated[str, AfterValidator(_base64)] | None = None

    @model_validator(mode="after")
    def _content(self) -> Laid:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("either text or base64")
        return self


class SubstTable(Strict):
    name: Inside
    package: PackageName


class Source(Strict):
    folder: FolderName
    urls: Annotated[list[Url], Field(min_length=1)] | None = None
    checksums: Annotated[list[Checksum], Field(min_length=1)] | None = None
    git: str | None = None
    ref: str | None = None
    commit: Git | None = None
    tree: Git | None = None
    path: str | None = None
    extra: list[Extra] = []
    file: list[Laid] = []
    patches: list[Inside] = []
    substs: list[SubstTable] = []

    @model_validator(mode="after")
    def _origin(self) -> Source:
        said = {name for name in ("urls", "checksums", "git", "commit", "tree", "path") if getattr(self, name)}
        if said not in ({"urls", "checksums"}, {"git", "commit", "tree"}, {"path"}):
            raise ValueError("either urls and checksums, or git, commit and tree, or a path")
        return self


class Asked(Strict):
    by: str
    bound: str = ""


class Package(Strict):
    name: PackageName
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+.~-]+$")]
    served: Literal["vendored", "bundled", "installed", "virtual"] = "vendored"
    source: FolderName | None = None
    scope: Literal["monorepo", "host"] = "monorepo"
    unikernels: list[str] = []
    asked: list[Asked] = []


class File(Strict):
    """The whole file."""

    format: int
    solved_for: Given = Field(alias="solved-for")
    repository: list[Repository] = []
    unikernel: dict[str, Unikernel] = {}
    depext: list[DepextTable] = []
    source: list[Source] = []
    package: list[Package] = []

    def contradictions(self) -> Iterator[str]:
        """One line for each thing that is of the right shape, and cannot be."""
        yield from _twice("source", (one.folder.lower() for one in self.source), "would be laid into the same folder")
        yield from _twice("package", (one.name for one in self.package), "is there in two versions")
        folders, used = {one.folder for one in self.source}, {one.source for one in self.package}
        for package in self.package:
            yield from self._of_package(package, folders)
        for folder in sorted(folders - used):
            yield f"source.{folder}: no package comes from it"

    def _of_package(self, package: Package, folders: set[str]) -> Iterator[str]:
        if (package.served == "vendored") != (package.source is not None):
            yield f"package.{package.name}: a vendored package names its source, and no other one does"
        elif package.source is not None and package.source not in folders:
            yield f"package.{package.name}.source: there is no source {package.source}"
        for label in package.unikernels:
            if label not in self.unikernel:
                yield f"package.{package.name}.unikernels: there is no unikernel {label}"


def _twice(what: str, names: Iterator[str], said: str) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what}.{name}: {said}"
