"""The message about libraries that nobody serves: once for each package, for all targets, with the ways that work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.errors import LibraryNotFound, MpyError, PackageConflict, ToolFailed, UnsupportedTarget
from mirage_py.model.closure import Closure, Conflict, Missing
from mirage_py.model.toolchain import Finding

if TYPE_CHECKING:
    from mirage_py.packages.held import Held

__all__ = ["conflict_error", "doubted", "findings", "missing_error", "refusal"]

STUBS = (
    'package("{package}", stubs=Stubs(sources="DIR/*.c")) in config.py has mpy compile its C stubs',
    "or a build of it whose META file names archives for the target (freestanding_linkopts)",
)


def refusal(closures: Sequence[Closure], held: Held | None) -> MpyError | None:
    """Why these closures cannot be built: first what conflicts, whatever comes as sources, then what is missing.

    `held` is the lock, where there is one: what it names and nobody has pulled yet is told as that.
    """
    conflict = next((one for closure in closures for one in closure.standing), None)
    if conflict is not None:
        return conflict_error(conflict)
    return missing_error(closures, held) if any(closure.missing for closure in closures) else None


def conflict_error(conflict: Conflict) -> MpyError:
    """The error of a conflict."""
    kind = UnsupportedTarget if conflict.kind == "system" else PackageConflict
    return kind(conflict.message, details=conflict.details, hint=conflict.hint or None)


def doubted(failed: ToolFailed, closures: Iterable[Closure]) -> ToolFailed:
    """The failed build told by the bounds that a vendored package states, where the error is in its files."""
    if failed.location is None:
        return failed
    file = Path(failed.location.file).resolve()
    for closure in closures:
        told = [one for one in closure.unmet if _is_in(file, one, closure)]
        if told:
            first, *others = told
            return ToolFailed(
                first.message,
                output=failed.output,
                location=failed.location,
                details=(failed.message, *first.details, *(one.message for one in others)),
                hint=first.hint,
            )
    return failed


def _is_in(file: Path, unmet: Conflict, closure: Closure) -> bool:
    """Whether the file is one of the package that asks for what is not there."""
    package = unmet.libraries[0].split(".", 1)[0]
    folders = {library.directory for library in closure.of("vendored") if library.package == package}
    return any(file.is_relative_to(folder.resolve()) for folder in (*folders, unmet.folder) if folder)


def missing_error(closures: Sequence[Closure], held: Held | None) -> LibraryNotFound:
    """The error for all that several closures miss, each package told once."""
    merged = _merged(closures)
    targets = tuple(closure.target for closure in closures)
    lines = [line for missing, of in merged for line in _lines(missing, of, targets, held)]
    return LibraryNotFound(_summary([one for one, _ in merged]), details=tuple(lines), hint=_ways(merged, held))


def findings(closures: Sequence[Closure], held: Held | None) -> Iterator[Finding]:
    """What a build would be refused for, one finding a package or conflict; else who serves the libraries of each.

    What is in the lock and not pulled is one finding.
    """
    conflicts = dict.fromkeys(conflict for closure in closures for conflict in closure.conflicts)
    for one in conflicts:
        text = "; ".join((one.message, *one.details))
        yield Finding(
            subject=one.libraries[0] if one.libraries else "sources", status="problem", text=text, fix=one.hint
        )
    targets = tuple(closure.target for closure in closures)
    for one in dict.fromkeys(unmet for closure in closures for unmet in closure.unmet):
        text = "; ".join((one.message, *one.details))
        yield Finding(subject=one.libraries[0], status="warning", text=text, fix=one.hint)
    merged = _merged(closures)
    waiting = [one.package for one, _ in merged if held is not None and one.use == "image" and held.waits(one.package)]
    if waiting:
        shown = ", ".join(waiting[:MOST_WAITING])
        more = f" and {len(waiting) - MOST_WAITING} more" if len(waiting) > MOST_WAITING else ""
        text = f"{len(waiting)} packages are in mpy.lock, not pulled: {shown}{more}"
        yield Finding(subject="sources", status="problem", text=text, fix=PULL)
    for missing, of in merged:
        if missing.package not in waiting:
            first, *rest = _lines(missing, of, targets, held)
            text = "; ".join((f"missing{first.removeprefix(missing.package)}", *map(str.strip, rest)))
            yield Finding(subject=missing.package, status="problem", text=text, fix=_ways([(missing, of)], held))
    for closure in closures:
        if not closure.missing and not closure.conflicts:
            yield Finding(subject=f"libraries of {closure.label}", status="ok", text=_served(closure))


def _served(closure: Closure) -> str:
    origins = [one.library.origin for one in closure.image]
    parts = (f"{origins.count(origin)} {origin}" for origin in dict.fromkeys(origins))
    return f"{len(origins)} are here: {', '.join(parts)}"


def _merged(closures: Iterable[Closure]) -> list[tuple[Missing, tuple[str, ...]]]:
    """Each package with the targets that miss it; what is asked of it is added up."""
    found: dict[tuple[str, str], tuple[Missing, list[str]]] = {}
    for closure in closures:
        for one in closure.missing:
            before, targets = found.setdefault((one.package, one.kind), (one, []))
            targets.append(closure.target)
            found[one.package, one.kind] = (_sum(before, one), targets)
    return [(one, tuple(dict.fromkeys(targets))) for _, (one, targets) in sorted(found.items())]


def _sum(one: Missing, other: Missing) -> Missing:
    from mirage_py.dataclass import replace

    return replace(
        one,
        libraries=tuple(dict.fromkeys((*one.libraries, *other.libraries))),
        asked_by=tuple(dict.fromkeys((*one.asked_by, *other.asked_by))),
        askers=tuple(dict.fromkeys((*one.askers, *other.askers))),
        rejected=tuple(dict.fromkeys((*one.rejected, *other.rejected))),
        stubs=one.stubs or other.stubs,
    )


def _summary(missing: list[Missing]) -> str:
    if all(one.stubs for one in missing):
        names = ", ".join(name for one in missing for name in one.libraries)
        return f"C stubs that are built for this machine cannot go into the image: {names}"
    if len(missing) == 1:
        (one,) = missing
        if one.local:
            return f"no library of this project is named {one.libraries[0]}"
        what = f"the program {one.libraries[0]}" if one.kind == "program" else f"package {one.package}"
        return f"{what} is missing: nobody serves it here in a version that fits"
    return f"{len(missing)} packages are missing: nobody serves them here in a version that fits"


def _lines(missing: Missing, of: tuple[str, ...], targets: tuple[str, ...], held: Held | None) -> Iterator[str]:
    where = "" if set(of) == set(targets) else f" for {', '.join(of)}"
    names = "" if missing.libraries == (missing.package,) else f" ({', '.join(missing.libraries)})"
    use = {"host": ", to build with", "image": ""}[missing.use]
    who = (*missing.asked_by, *missing.askers)
    shown = ", ".join(who[:MOST_ASKERS]) + (f" and {len(who) - MOST_ASKERS} more" if len(who) > MOST_ASKERS else "")
    bounds = f" {missing.bounds}" if str(missing.bounds) else ""
    note = held.note(missing.package) if held is not None else ""
    yield f"{missing.package}{bounds}{names}{use}{where}: asked for by {shown or 'the configuration'}" + (
        f"; {note}" if note else ""
    )
    yield from (f"  {one}" for one in missing.rejected)
    if missing.names and not missing.asked_by:
        yield f"  names that are near: {', '.join(missing.names)}"


MOST_ASKERS = 3
MOST_WAITING = 6

LOCK: Final = "mpy lock && mpy pull"
PULL: Final = "mpy pull"


def _ways(merged: list[tuple[Missing, tuple[str, ...]]], held: Held | None) -> str:
    """What brings them: the lock, the system's packages, opam; never opam's host build of stubs for another target."""
    missing = [one for one, _ in merged]
    if all(one.local for one in missing):
        return "local_libs names libraries of this dune project: look at their dune files, or vendor them"
    vendor = [one.package for one in missing if one.kind == "library"]
    host = [one for one in missing if _may_be_installed(one)]
    meant = dict.fromkeys(f"did you mean {one.names[0]}?" for one in missing if one.names and one.asked_by)
    lines = [*meant, *(_of_lock(vendor, held) if vendor else ())]
    debian = _debian_packages(host)
    lines += [f"apt install {' '.join(debian)}"] if debian else []
    named = sorted({one.package for one in host})
    lines += [f"opam install {' '.join(named)}"] if named else []
    if vendor:
        lines.append("or put their sources below mirage/duniverse/ or duniverse/ (one folder a package)")
    stubs = next((one.package for one in missing if one.stubs), None)
    lines += [line.format(package=stubs) for line in STUBS] if stubs else []
    return "\n".join(lines)


def _of_lock(names: Sequence[str], held: Held | None) -> Iterator[str]:
    """What `lock` and `pull` would bring of these."""
    if held is None:
        yield LOCK
        yield "or mpy build --pull, which does both first"
    elif held.brings(names):
        yield PULL
        yield "or mpy build --pull, which does it first"
    elif any(held.lock.package(name) is None for name in names):
        yield LOCK
    elif any(held.waits(name) for name in names):
        yield PULL


def _may_be_installed(one: Missing) -> bool:
    """Whether installing it on this machine would serve: not where the target needs its C stubs, or its sources."""
    return not one.stubs and one.bounds.pin is None


def _debian_packages(missing: list[Missing]) -> list[str]:
    """Debian's names for these packages, where apt is on this machine and knows them."""
    from mirage_py.doors.processes import run, which
    from mirage_py.model.command import Command

    if which("apt-cache") is None:
        return []
    wanted = [name for one in missing if not one.rejected for name in _debian_names(one)]
    if not wanted:
        return []
    command = Command(argv=("apt-cache", "policy", *dict.fromkeys(wanted)), purpose="ask apt which packages exist")
    answer = run(command, check=False)
    known = [line.rstrip(":") for line in answer.stdout.splitlines() if line and not line.startswith(" ")]
    return [name for name in dict.fromkeys(wanted) if name in known]


OF_DEBIAN: Final = {
    "dune-configurator": "libdune-ocaml-dev",
    "dune-build-info": "libdune-ocaml-dev",
    "dune-site": "libdune-ocaml-dev",
    "menhirLib": "libmenhir-ocaml-dev",
    "menhirSdk": "libmenhir-ocaml-dev",
}
"""Debian's packages that are not called like what is in them."""


def _debian_names(one: Missing) -> Iterator[str]:
    plain = one.package.replace("_", "-")
    if one.kind == "program":
        yield one.libraries[0]
    yield OF_DEBIAN.get(one.package) or f"lib{plain.removeprefix('ocaml-')}-ocaml-dev"
