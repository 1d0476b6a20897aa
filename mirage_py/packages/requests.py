"""What unikernels ask of the repositories: packages with bounds, as a solver takes them and as a lock says them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.model.toolchain import ABIS
from mirage_py.packages.formula import Both, Bound, Compare, bound_text
from mirage_py.resolve.packages import Requirement

__all__ = ["TOOLCHAIN", "Asked", "Wanted", "wanted"]

TOOLCHAIN: Final = ("solo5", "ocaml-solo5", "ocaml-freestanding", "ocaml-unikraft")
"""How tools that compile and link for a target are called at the beginning: they are of the machine, as OCaml is."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a unikernel asks for: a package within a bound."""

    name: str
    bound: Bound = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What one unikernel on one target asks for; `by` names the devices behind each package.

    `freestanding`: no host is under it, whose C libraries could serve.
    """

    label: str
    target: str
    asked: tuple[Asked, ...]
    by: Mapping[str, tuple[str, ...]]
    freestanding: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Each as a lock says it: `lwt >= 5.7.0`."""
        return tuple(sorted(f"{one.name} {bound_text(one.bound)}".rstrip() for one in self.asked))


def wanted(label: str, target: str, requirements: Iterable[Requirement]) -> Wanted:
    """The request of a unikernel; the toolchain of its target is left out, being of the machine."""
    counted = [one for one in requirements if one.scope != "switch" or not one.name.startswith(TOOLCHAIN)]
    return Wanted(
        label=label,
        target=target,
        asked=tuple(Asked(name=one.name, bound=_bound(one)) for one in counted),
        by={one.name: tuple(dict.fromkeys(asked.by for asked in one.asked)) for one in counted},
        freestanding=target in ABIS,
    )


def _bound(requirement: Requirement) -> Bound:
    bound: Bound = None
    parts = [Compare(">=", low) for low in requirement.min] + [Compare("<", high) for high in requirement.max]
    for part in parts:
        bound = part if bound is None else Both(bound, part)
    return bound
