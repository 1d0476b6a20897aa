"""Small releases of OCaml packages that tests make themselves, and locks that name them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mirage_py.packages.lock import (
    Archive,
    ExtraSource,
    Lock,
    LockedPackage,
    LockedSource,
    LockedUnikernel,
    RepositoryFile,
    SolvedFor,
    Want,
)
from mirage_py.packages.lock_file import lock_text

LABEL = "hello-unix"


def tarball(files: Mapping[str, str | bytes], top: str = "") -> bytes:
    """A .tar.gz of these files, below a folder at the top when one is named; the same bytes each time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(f"{top}/{name}" if top else name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def library(name: str, *needs: str, version: str = "1.0.0") -> dict[str, str]:
    """The files of a package with one library."""
    libraries = f" (libraries {' '.join(needs)})" if needs else ""
    return {
        "dune-project": f"(lang dune 2.9)\n(name {name})\n(version {version})\n",
        f"{name}.opam": 'opam-version: "2.0"\n',
        "src/dune": f"(library (public_name {name}){libraries})\n",
        f"src/{name}.ml": f'let version = "{version}"\n',
    }


def sha256(data: bytes) -> str:
    return f"sha256={hashlib.sha256(data).hexdigest()}"


@dataclass
class Releases:
    """Packages with their archives, kept in a mirror folder in opam's layout."""

    mirror: Path
    sources: dict[str, LockedSource] = field(default_factory=dict)
    packages: dict[str, LockedPackage] = field(default_factory=dict)

    def put(self, data: bytes) -> str:
        """Keep a file in the mirror; its checksum."""
        checksum = sha256(data)
        algorithm, _, digest = checksum.partition("=")
        place = self.mirror / algorithm / digest[:2] / digest
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return checksum

    def add(
        self,
        name: str,
        files: Mapping[str, str | bytes] | bytes | None = None,
        *,
        version: str = "1.0.0",
        urls: tuple[str, ...] = (),
        extra: Mapping[str, bytes] | None = None,
        laid: Mapping[str, bytes] | None = None,
        **more: object,
    ) -> LockedSource:
        """Release a package, and lock it."""
        data = (
            files if isinstance(files, bytes) else tarball(files or library(name, version=version), f"{name}-{version}")
        )
        origin = Archive(urls=urls or (f"http://releases.invalid/{name}-{version}.tbz",), checksums=(self.put(data),))
        extras = tuple(
            ExtraSource(name=one, urls=(f"http://releases.invalid/{one}",), checksums=(self.put(content),))
            for one, content in (extra or {}).items()
        )
        source = LockedSource(
            folder=name,
            origin=origin,
            extra_sources=extras,
            files=tuple(RepositoryFile(name=one, content=content) for one, content in (laid or {}).items()),
            **more,  # type: ignore[arg-type]  # patches and substs
        )
        self.lock(source, version=version)
        return source

    def lock(self, source: LockedSource, *, version: str = "1.0.0") -> None:
        """Have a source in the lock, with one package."""
        name = source.folder
        self.sources[name] = source
        self.packages[name] = LockedPackage(
            name=name, version=version, unikernels=(LABEL,), asked=(Want(by="config.py"),), source=name
        )

    def forget(self, name: str) -> None:
        """Have a package no longer in the lock."""
        del self.sources[name], self.packages[name]

    def value(self) -> Lock:
        """The lock."""
        return Lock(
            solved_for=SolvedFor(ocaml="4.13.1", dune="2.9.3"),
            unikernels=(LockedUnikernel(label=LABEL, target="unix", asks=()),),
            sources=tuple(self.sources.values()),
            packages=tuple(self.packages.values()),
        )

    def write(self, folder: Path) -> None:
        """Write mpy.lock."""
        (folder / "mpy.lock").write_text(lock_text(self.value()), encoding="utf-8")
