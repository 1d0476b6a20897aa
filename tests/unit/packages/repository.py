"""A repository of small packages that a test makes itself, and the archives that it names."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.unit.packages.releases import library, sha256, tarball


@dataclass(frozen=True)
class Published:
    """A folder `packages/…` as opam has it, and a mirror of the archives beside it."""

    root: Path

    @property
    def source(self) -> str:
        """What `--repo` names."""
        return str(self.root / "repository")

    @property
    def mirror(self) -> Path:
        """What `--mirror` names."""
        return self.root / "mirror"

    def publish(self, name: str, version: str, *depends: str, dune: bool = True, more: str = "") -> None:
        """Release a package with one library; `depends` as opam writes them, a bound in braces."""
        needs = [one.split()[0].strip('"') for one in depends if "|" not in one]
        linked = [one for one in needs if one not in ("ocaml", "dune")]
        data = tarball(library(name, *linked, version=version), f"{name}-{version}")
        checksum = sha256(data)
        self._write(self.mirror / "sha256" / checksum[7:9] / checksum[7:], data)
        wanted = [*depends, *(['"dune"'] if dune else [])]
        text = (
            'opam-version: "2.0"\n'
            f"depends: [ {' '.join(wanted)} ]\n"
            'build: [ "dune" "build" "-p" name ]\n'
            f'url {{ src: "http://releases.invalid/{name}-{version}.tbz" checksum: "{checksum}" }}\n{more}'
        )
        self.write(name, version, text)

    def withdraw(self, name: str, version: str) -> None:
        """Take a release out of the repository; its archive stays where it is."""
        shutil.rmtree(self.root / "repository/packages" / name / f"{name}.{version}")

    def write(self, name: str, version: str, text: str) -> None:
        """Put an opam file into the repository as it is."""
        self._write(self.root / "repository/packages" / name / f"{name}.{version}" / "opam", text.encode())

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
