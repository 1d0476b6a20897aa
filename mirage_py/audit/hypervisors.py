"""Which hypervisor C is written for, told by names that only its side of the link defines.

Solo5's bindings for Xen define `solo5__xen_*`, those of other targets do not; those of Unikraft begin with `uk_`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mirage_py.audit.rules import SOLO5, UNIKRAFT, XEN
from mirage_py.dataclass import replace
from mirage_py.model.audit import Finding

RULE: Final = "hypervisor"


class Hypervisor(NamedTuple):
    """A side that C can be written for: its name, the targets that have it, and the names that only it defines."""

    name: str
    targets: tuple[str, ...]
    symbols: re.Pattern[str]


HYPERVISORS: Final = (
    Hypervisor("Xen", XEN, re.compile(r"\bsolo5__xen_\w+|\bHYPERVISOR_SHARED_INFO\b")),
    Hypervisor("Unikraft", UNIKRAFT, re.compile(r"\b(?:uk|ukplat|uknetdev|ukblkdev)_[a-z]\w+")),
    Hypervisor("Solo5", (*SOLO5, *XEN), re.compile(r"\bsolo5_(?!_)\w+")),
)


def written_for(text: str) -> tuple[Hypervisor, str] | None:
    """The hypervisor whose names stand in a text or are a symbol, and the first of these names."""
    for one in HYPERVISORS:
        found = one.symbols.search(text)
        if found:
            return one, found.group()
    return None


def of_hypervisor(text: str) -> Finding | None:
    """The finding for what is written for one hypervisor; `fitting` leaves it out on the targets that have it."""
    found = written_for(text)
    if found is None:
        return None
    one, name = found
    return Finding(
        rule=RULE,
        severity="missing",
        message=f"it is written for {one.name}: it asks for {name}, which only {_and(one.targets)} have",
        symbol=name,
        definer=one.name,
        remedy=f"take the library's part for this target, or configure for {' or '.join(one.targets[:2])}",
    )


def fitting(findings: tuple[Finding, ...], target: str) -> tuple[Finding, ...]:
    """The findings without those that say that something is written for this target's hypervisor."""
    fine = {one.name for one in HYPERVISORS if target in one.targets}
    return tuple(one for one in findings if one.rule != RULE or one.definer not in fine)


def at(finding: Finding, archive: str, member: str = "") -> Finding:
    """The finding with its place."""
    return replace(finding, archive=archive, member=member)


def _and(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
