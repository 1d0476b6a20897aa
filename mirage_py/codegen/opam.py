"""The opam file of a unikernel on a target: what it needs, how it is built and where its image goes."""

from __future__ import annotations

from mirage_py.codegen.stamp import stamped
from mirage_py.resolve.info import Info
from mirage_py.resolve.packages import Requirement


def opam_file(info: Info, image: str) -> str:
    """The text of LABEL.opam."""
    fields = [
        'opam-version: "2.0"',
        'maintainer: "dummy"',
        'authors: "dummy"',
        'homepage: "dummy"',
        'bug-reports: "dummy"',
        f"synopsis: {opam_string(f'Unikernel {info.name} for {info.target}')}",
        f"build: [{_words('mpy', 'build', '-t', info.target)}]",
        f"install: [{_words('cp', f'dist/{image}', '%{bin}%/')}]",
        _block("depends", [_depend(r) for r in info.requirements if not _brought(r)]),
    ]
    pins = [r for r in info.requirements if r.pin]
    if pins:
        fields.append(_block("pin-depends", [_pin(r) for r in pins]))
    if info.src not in (None, "auto"):
        fields.append(f"url {{ src: {opam_string(str(info.src))} }}")
    return stamped("\n".join(fields) + "\n", "opam", info.config_file)


def opam_string(text: str) -> str:
    """A string as opam reads it back."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def constraint(requirement: Requirement) -> str:
    """What follows a package's name: scope, use and bounds, as opam writes a filtered formula."""
    parts = ["?monorepo"] if requirement.scope == "monorepo" else []
    parts += ["build"] if requirement.build else []
    parts += [f">= {opam_string(version)}" for version in requirement.min]
    parts += [f"< {opam_string(version)}" for version in requirement.max]
    return " & ".join(parts)


def _depend(requirement: Requirement) -> str:
    filters = constraint(requirement)
    return opam_string(requirement.name) + (f" {{ {filters} }}" if filters else "")


def _brought(requirement: Requirement) -> bool:
    """Whether it comes with mpy and with nothing else: opam would look for it in vain."""
    return all(one.package.brought for one in requirement.asked)


def _pin(requirement: Requirement) -> str:
    pin = requirement.pin
    return f"[{_words(f'{requirement.name}.{pin.version}', pin.url)}]" if pin else ""


def _words(*words: str) -> str:
    return " ".join(map(opam_string, words))


def _block(name: str, lines: list[str]) -> str:
    return "\n".join([f"{name}: [", *(f"  {line}" for line in lines), "]"])
