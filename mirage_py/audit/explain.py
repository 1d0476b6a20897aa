"""Why a link failed: the linker's undefined symbols in terms of libraries.

The linker names an object and a symbol. The audit knows whose object it is, why the library is in the image, who would
have to define the symbol, and whether an archive that was left out (built for the host) has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from mirage_py.audit.elf import Object
from mirage_py.audit.evidence import Evidence, gather
from mirage_py.audit.judge import RECOMPILE, Judge
from mirage_py.audit.link import Place, Pulled, Want
from mirage_py.audit.names import unit_of
from mirage_py.audit.sources import Sources
from mirage_py.dataclass import dataclass
from mirage_py.model.audit import AuditRequest, Explanation
from mirage_py.model.closure import Closure

UNDEFINED: Final = re.compile(
    r"(?:^|/|\s)(?P<archive>[^\s/:()]+\.a)\((?P<member>[^)]+)\).*?undefined reference to [`'\"](?P<symbol>[^`'\"]+)"
)
OBJECT: Final = re.compile(r"(?:^|/|\s)(?P<archive>[^\s/:()]+\.a)\((?P<member>[^)]+)\)")
BARE: Final = re.compile(r"undefined (?:reference to|symbol:?) [`'\"]?(?P<symbol>[^`'\"\s]+)")

OWN: Final[Mapping[str, str]] = {
    "undefined": "define it in C of your own, main(..., c_sources=[...]), or name the C library that has it: "
    "pkg_config=[...]",
    "libc-missing": "do without it for this target, or define it in C of your own: main(..., c_sources=[...])",
}
"""By rule, what helps where the user's own code wants the symbol."""


@dataclass(frozen=True, kw_only=True)
class Undefined:
    """What a linker says: a symbol, and the archive and object that want it where the line tells."""

    symbol: str
    archive: str = ""
    member: str = ""


def read_linker(text: str) -> tuple[Undefined, ...]:
    """The undefined symbols in what GNU ld, gold or lld printed, each once."""
    found: dict[Undefined, None] = {}
    place: dict[str, str] = {}
    for line in text.splitlines():
        whole, bare = UNDEFINED.search(line), BARE.search(line)
        if "in function" in line:  # GNU ld names the object once, in the line before
            named = OBJECT.search(line)
            place = named.groupdict() if named else {}
        if whole:
            found[Undefined(**whole.groupdict())] = None
        elif bare:
            found[Undefined(symbol=bare["symbol"], **place)] = None
    return tuple(found)


def explain_undefined(
    undefined: Iterable[Undefined],
    request: AuditRequest,
    served: Closure | None = None,
    own: Collection[str] = (),
) -> tuple[Explanation, ...]:
    """What is behind each undefined symbol, for the closure of a plan and the toolchain of the request.

    The symbols in `own` are wanted by code of the user's, and by no library.
    """
    evidence = gather(request, Sources.of(request), served=served)
    return tuple(_explain(one, evidence, own=one.symbol in own) for one in undefined)


def _explain(undefined: Undefined, evidence: Evidence, *, own: bool) -> Explanation:
    wanted = None if own else _wanted_by(undefined, evidence)
    own = wanted is None and not undefined.archive  # what is in no archive is linked by itself: the unikernel's
    library = wanted.place.library if wanted else ""
    node = evidence.closure.nodes.get(library)
    why, definer, remedy = _reason(undefined.symbol, wanted, evidence, own=own)
    return Explanation(
        symbol=undefined.symbol,
        why=why,
        library=library,
        path=node.path if node else (),
        asked_by=node.asked_by if node else "",
        place=f"{undefined.archive}({undefined.member})" if undefined.archive else "",
        definer=definer,
        remedy=remedy,
    )


def _wanted_by(undefined: Undefined, evidence: Evidence) -> Pulled | None:
    """The object that the linker named, or the first pulled one that asks for the symbol."""
    named = (one for one in evidence.link.pulled if one.place.archive.path.name == undefined.archive)
    asking = (one for one in evidence.link.pulled if undefined.symbol in one.object.undefined)
    exact = (one for one in named if one.object.name == undefined.member)
    return next(exact, None) or next(asking, None)


def _reason(symbol: str, wanted: Pulled | None, evidence: Evidence, *, own: bool) -> tuple[str, str, str]:
    """Why the symbol is not there, who would define it, what to do."""
    for code in evidence.codes:
        for archive in code.stubs:
            if symbol in archive.index:
                member = archive.members[archive.index[symbol]].name
                place = f"{archive.path.name}({member})"
                why = f"{place} of {code.library} has it, but was built for the host and is left out"
                return why, code.library, RECOMPILE
    if unit_of(symbol):
        return _unit_reason(symbol)
    judge = Judge(evidence.codes, evidence.libc, evidence.machine)
    by = wanted or _nobody(evidence)
    finding = next(iter(judge.want(Want(symbol, by), evidence.externals)), None) if by else None
    if finding is None:
        return "the toolchain has it, so its archive is not on the link line", "the toolchain", "mpy doctor"
    return finding.message, finding.definer, OWN.get(finding.rule, finding.remedy) if own else finding.remedy


def _unit_reason(symbol: str) -> tuple[str, str, str]:
    unit = unit_of(symbol)
    why = f"the OCaml unit {unit} is not linked: its library is missing, or another version was compiled against"
    return (
        why,
        f"the library with {unit}",
        "build from clean; if it stays, add the library to the packages in config.py",
    )


def _nobody(evidence: Evidence) -> Pulled | None:
    """A stand-in for the user's own code, which belongs to no library of the closure."""
    if not evidence.codes:
        return None
    first = evidence.link.pulled[0].place if evidence.link.pulled else None
    place = Place(evidence.codes[0].library, first.archive, first.number, "c") if first else None
    return Pulled(place=place, object=Object(name="", defined=(), undefined=())) if place else None
