"""From symbols to findings: what an unresolved name, a stub of the libc, a sign of the host means for a target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mirage_py.audit.code import Code
from mirage_py.audit.elf import read_code
from mirage_py.audit.externals import External
from mirage_py.audit.fate import Fate
from mirage_py.audit.gaps import Gaps
from mirage_py.audit.hypervisors import at, of_hypervisor
from mirage_py.audit.libc import Libc
from mirage_py.audit.link import STDLIB, Absent, Link, Pulled, Stale, Want
from mirage_py.audit.names import (
    COMPILER_SUPPORT,
    CPLUSPLUS,
    UNIX_HELPERS,
    is_of_unix,
    is_startup,
    is_stdlib,
    ocaml_name,
    posix_names,
    source_names,
    unit_of,
)
from mirage_py.audit.startup import End, told
from mirage_py.dataclass import replace
from mirage_py.model.audit import Finding, Severity

UNIX_UNITS: Final = ("Unix", "UnixLabels", "Thread", "Mutex", "Condition", "Event", "ThreadUnix")
"""Units of libraries that a rule already speaks of; their symbols are its evidence, not findings of their own."""

FROM_LIBC: Final = "add it to the unikernel's c_sources, or ask the library's authors for a freestanding variant"


MADE_BY_DUNE: Final = frozenset(
    ("Build_info__Build_info_data", "Dune_site__Dune_site_data", "Dune_site_plugins__Dune_site_plugins_data")
)
"""What dune writes anew for each program that links a library of its own (`special_builtin_support`)."""


class Judge:
    """Judges the pulled objects of one link against one libc, for one machine."""

    def __init__(
        self,
        codes: Iterable[Code],
        libc: Libc,
        machine: str,
        *,
        unix: frozenset[str] = frozenset(),
        unbuilt: frozenset[str] = frozenset(),
        gaps: Gaps | None = None,
    ) -> None:
        """`unix` are the libraries that have the library unix behind them: then a rule speaks of it, not each use.

        `unbuilt` are the units of libraries in the closure that have no objects yet: they will be there.
        """
        self.codes = {code.library: code for code in codes}
        self.libc = libc
        self.machine = machine
        self.unix = unix
        self.unbuilt = unbuilt | MADE_BY_DUNE
        self.gaps = gaps or Gaps()
        self.there: dict[str, bool] = {}

    def findings(self, link: Link, externals: dict[str, External], fate: Fate) -> dict[str, tuple[Finding, ...]]:
        """All findings at object level, by library, each thing said once."""
        found: dict[str, dict[Finding, None]] = {
            name: dict.fromkeys((*code.findings, *(_of_system(code) if code.filled else ())))
            for name, code in self.codes.items()
        }
        for want in link.wants:
            found[want.by.place.library] |= dict.fromkeys(self.want(want, externals))
        for pulled in link.pulled:
            found[pulled.place.library] |= dict.fromkeys(self._object(pulled))
        for group in self._host_built(link):
            found[group[0].place.library] |= dict.fromkeys((self._host_finding(group), *_lock(group, self.libc)))
        for absent in link.absent:
            found[absent.library] |= dict.fromkeys(self._absent_unit(absent))
        for stale in link.stale:
            found[stale.library][_stale(stale)] = None
        for library, stub, finding in end_findings(fate.ending, externals):
            found[library] |= dict.fromkeys(fate.told(finding, stub))
        for library, stub, finding in end_findings(fate.saved, externals):
            found[library] |= dict.fromkeys(self.gaps.instead(finding, stub))
        for symbol, made, first in link.clashes:
            found[made.place.library][_clash(symbol, made, first.library)] = None
        return {name: _grouped(_without_echo(findings)) for name, findings in found.items()}

    def want(self, want: Want, externals: dict[str, External]) -> Iterator[Finding]:
        """What a name means that no library of the closure defines."""
        symbol, by = want
        if self._is_there(symbol):
            return
        if symbol in self.libc.noop:
            message = f"{symbol} is a stub that does nothing and reports failure"
            yield _finding(by, "libc-noop", "noop", symbol, message, "nolibc", "see that the caller can live with it")
        elif not self.libc.has(symbol):
            yield from self._absent(symbol, by, externals)

    def _is_there(self, symbol: str) -> bool:
        """Whether ocamlopt, the standard library or the runtime defines it; asked once for each name."""
        if symbol not in self.there:
            of_ocaml = is_stdlib(symbol) or self.libc.runs(symbol) or is_startup(symbol)
            self.there[symbol] = of_ocaml or is_of_unix(symbol)
        return self.there[symbol]

    def _absent(self, symbol: str, by: Pulled, externals: dict[str, External]) -> Iterator[Finding]:
        """What a name means that libc, libm and bindings do not define either."""
        names = source_names(symbol)
        unit = unit_of(symbol)
        if names is not None:
            yield from self._fingerprint(symbol, names, by)
        elif unit is not None:
            if not by.unit:  # else its imports tell
                yield from self._absent_unit(Absent(unit.split("__", maxsplit=1)[0], by.object.name, by.place.library))
        elif (foreign := of_hypervisor(symbol)) is not None:
            yield at(foreign, by.place.archive.path.name if by.object.name else "", by.object.name)
        elif symbol in externals and not by.object.name:
            yield _external(externals[symbol])
        elif symbol in UNIX_HELPERS and by.place.library in self.unix:
            return
        elif symbol in UNIX_HELPERS:
            message = f"its C stubs call {symbol}, which is of the library unix"
            yield _finding(by, "unix-stubs", "unix", symbol, message, "unix", "choose a library without Unix")
        elif self.gaps.offered(symbol):
            yield self.gaps.weighed(_finding(by, "libc-gap", "gaps", symbol, *self.gaps.words(symbol)))
        elif symbol in posix_names():
            message = f"the freestanding libc has no {symbol}"
            yield _finding(by, "libc-missing", "missing", symbol, message, "nolibc", FROM_LIBC)
        else:
            yield self._unknown(symbol, by)

    def _fingerprint(self, symbol: str, names: tuple[str, ...], by: Pulled) -> Iterator[Finding]:
        """A name that glibc's headers put there: judged by what the source says, for it has to be recompiled."""
        lacking = [name for name in names if not self.libc.has(name)]
        aborting = [name for name in names if name in self.libc.aborts]
        behind = " or ".join(lacking or aborting or names)
        message = f"{symbol} is what the host's headers make of {' '.join(names) or 'thread-local storage'}"
        if lacking and len(lacking) < len(names):
            text = f"{message}; the freestanding libc has {len(names) - len(lacking)} of these {len(names)}"
            yield _finding(
                by, "host-fingerprint", "unsure", symbol, text, "nolibc", "read the source for the one it uses"
            )
        elif lacking and all(map(self.gaps.offered, lacking)):
            yield self.gaps.weighed(_finding(by, "libc-gap", "gaps", lacking[0], *self.gaps.words(lacking[0])))
            yield _finding(by, "host-fingerprint", "recompile", symbol, message, "nolibc", RECOMPILE)
        elif lacking:
            text = f"{message}, and the freestanding libc has no {behind}"
            yield _finding(by, "libc-missing", "missing", symbol, text, "nolibc", FROM_LIBC)
        else:
            yield _finding(by, "host-fingerprint", "recompile", symbol, message, "nolibc", RECOMPILE)

    def _absent_unit(self, absent: Absent) -> Iterator[Finding]:
        """A unit of a library that is not in the closure; those of unix and threads have their rule."""
        if (absent.unit in UNIX_UNITS and absent.library in self.unix) or absent.unit in self.unbuilt:
            return
        unix = absent.unit in UNIX_UNITS
        library = "unix" if absent.unit.startswith("Unix") else "threads"
        where = f"of the library {library}, which its META does not name" if unix else "in no library that it requires"
        yield Finding(
            rule="unit-missing",
            severity="unix" if unix else "missing",
            message=f"its module {absent.by} uses {absent.unit}, {where}",
            symbol=absent.unit,
            definer=library if unix else "another library",
            remedy="choose a library without Unix" if unix else "add the library that has the unit",
        )

    def _unknown(self, symbol: str, by: Pulled) -> Finding:
        """A name of neither libc nor OCaml: of a system's C library, of the compiler, of nobody."""
        system = self.codes[by.place.library].system
        if COMPILER_SUPPORT.fullmatch(symbol):
            message = f"{symbol} is of the compiler's support library, which the link may not have"
            return _finding(by, "compiler-support", "unsure", symbol, message, "libgcc", "link with -lgcc, or avoid it")
        if CPLUSPLUS.fullmatch(symbol):
            message = f"{symbol} is C++, and there is no C++ runtime"
            return _finding(by, "c++", "missing", symbol, message, "libstdc++", "none: choose a library in C or OCaml")
        if system:
            named = ", ".join(f"-l{name}" for name in system)
            message = f"it needs the C library of the system behind {named}"
            return _finding(by, "system-library", "missing", symbol, message, f"lib{system[0]}", _build_it(system))
        message = f"nobody defines {symbol}"
        return _finding(
            by, "undefined", "missing", symbol, message, "the library's C stubs", "report it to its authors"
        )

    def _object(self, pulled: Pulled) -> Iterator[Finding]:
        """What a pulled object says of itself."""
        if pulled.object.machine != self.machine and not pulled.object.damaged:
            message = f"it was built for {pulled.object.machine}; the target is {self.machine}"
            yield _finding(pulled, "machine", "missing", "", message, "", "rebuild the library for this machine")
        elif pulled.object.damaged:
            message = "an object that cannot be read"
            yield _finding(pulled, "unreadable", "unsure", "", message, "", "reinstall the library")
        elif self._lacks_place(pulled):
            message = "it has thread-local variables, and this libc gives them no place: to use one ends the program"
            yield _finding(pulled, "thread-local", "unsure", "", message, "nolibc", "build it without __thread")

    def _lacks_place(self, pulled: Pulled) -> bool:
        """Whether C for the target has thread-local variables, which only the libc of OCaml 5 sets up."""
        of_target = pulled.place.kind == "c" and self.codes[pulled.place.library].target_built
        return (
            of_target
            and not self.libc.thread_local
            and read_code(pulled.place.archive, pulled.place.number).thread_local
        )

    def _host_built(self, link: Link) -> Iterable[list[Pulled]]:
        """The pulled C objects that the host's compiler made, archive by archive."""
        groups: dict[Path, list[Pulled]] = {}
        for pulled in link.pulled:
            if pulled.place.kind == "c" and not self.codes[pulled.place.library].target_built:
                groups.setdefault(pulled.place.archive.path, []).append(pulled)
        return groups.values()

    def _host_finding(self, group: list[Pulled]) -> Finding:
        """One finding for an archive: how many objects, and what the host's compiler left in them."""
        codes = [read_code(one.place.archive, one.place.number) for one in group if not one.object.damaged]
        canaries = sum(code.canaries for code in codes)
        signs = [f"{canaries} uses of the host's stack canary (%fs:0x28)"] if canaries else []
        signs += ["thread-local variables"] if any(code.thread_local for code in codes) else []
        signs += ["position-independent code"] if any(code.pic for code in codes) else []
        flags = dict.fromkeys(flag for code in codes for flag in code.flags)
        total = len(group[0].place.archive.members)
        text = f"its C stubs were built for the host ({len(group)} of {total} objects would be linked"
        message = "; ".join([text, *signs]) + ")"
        first = _finding(
            group[0], "host-built", "recompile", group[0].wanted, message, "the host's compiler", RECOMPILE
        )
        remedy = f"{RECOMPILE}; its own build used {' '.join(flags)}" if flags else RECOMPILE
        return replace(first, remedy=remedy, member=group[0].object.name if total == 1 else "")


def _without_echo(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; that a C library is named says nothing more where a symbol of it is asked for."""
    held = tuple(findings)
    asked = any(one.rule == "system-library" and one.archive for one in held)
    return (one for one in held if one.rule != "system-library" or one.archive or not asked)


def _of_system(code: Code) -> Iterator[Finding]:
    """The C libraries that a library names for the linker, whether or not it uses anything of them."""
    if code.system:
        named = ", ".join(f"-l{name}" for name in code.system)
        yield Finding(
            rule="system-library",
            severity="missing",
            message=f"it links the C library of the system behind {named}",
            symbol=named,
            definer=f"lib{code.system[0]}",
            remedy=_build_it(code.system),
        )


def _build_it(system: Iterable[str]) -> str:
    return f"build {' and '.join(system)} for the target (a *-freestanding package), or choose another library"


RECOMPILE: Final = "recompile the stubs with the target's flags: vendor the library, or name its C sources"


LOCK: Final = frozenset({"caml_enter_blocking_section", "caml_release_runtime_system"})


def _lock(group: list[Pulled], libc: Libc) -> Iterator[Finding]:
    """Stubs that release OCaml's lock mostly include a header that comes with system threads."""
    users = [pulled for pulled in group if not LOCK.isdisjoint(pulled.object.undefined)]
    if users and not libc.threads_header:
        message = (
            "it releases OCaml's runtime lock; a source that includes <caml/threads.h> does not compile for the target"
        )
        remedy = "include <caml/signals.h> instead, which the target has"
        symbol = next(iter(LOCK.intersection(users[0].object.undefined)))
        yield _finding(users[0], "runtime-lock", "unsure", symbol, message, "systhreads", remedy)


def end_findings(ending: Iterable[End], externals: dict[str, External]) -> Iterator[tuple[str, str, Finding]]:
    """What ends the program, with the library and the stub: at once, or when a function of the library is called."""
    later: dict[tuple[str, str], list[End]] = {}
    for end in ending:
        library = end.by.place.library
        if library == STDLIB:
            continue
        if end.at_start:
            yield library, end.stub, _raises_at_start(end) if end.raises else _at_start(end)
        elif _is_outermost(end) and not end.raises:
            later.setdefault((library, told(end)), []).append(end)
    for (library, what), several in later.items():
        yield library, several[0].stub, _later(what, several, externals)


def _is_outermost(end: End) -> bool:
    """Whether the function itself calls what is of another library: its callers in the same one add nothing."""
    return not end.chain or unit_of(end.chain[0]) is None or is_stdlib(end.chain[0])


def _at_start(end: End) -> Finding:
    unit = unit_of(end.function) or end.function
    through = [ocaml_name(name) for name in end.chain if unit_of(name) and not is_stdlib(name)]
    way = f" through {' -> '.join(through)}" if through else ""
    message = f"{unit.replace('__', '.')} calls {told(end)}, while it initialises{way}: no exception is raised"
    remedy = "the library needs a variant without it"
    return _finding(end.by, "boot-abort", "aborts", end.chain[-1] if end.chain else "", message, "nolibc", remedy)


def _raises_at_start(end: End) -> Finding:
    unit = unit_of(end.function) or end.function
    stub = next((name for name in reversed(end.chain[:-1]) if unit_of(name) is None), end.chain[-1])
    message = f"{unit.replace('__', '.')} calls {stub} while it initialises, which does nothing but raise"
    remedy = "build it and run it once: it starts where the exception is expected"
    return _finding(end.by, "boot-raise", "unsure", stub, message, "the library's C stubs", remedy)


def _later(what: str, several: list[End], externals: dict[str, External]) -> Finding:
    names = sorted({_called(end, externals) for end in several})
    message = f"aborts if {_some(names)} is called: {what}"
    first = several[0]
    symbol = first.chain[-1] if first.chain else first.function
    return _finding(first.by, "call-abort", "later", symbol, message, "nolibc", "do not call it in the unikernel")


def _called(end: End, externals: dict[str, External]) -> str:
    known = externals.get(end.function)
    return known.name if known else ocaml_name(end.function)


def _stale(stale: Stale) -> Finding:
    message = f"its module {stale.by} was compiled against another {stale.unit} than that of {stale.of}"
    return Finding(
        rule="inconsistent",
        severity="missing",
        message=message,
        symbol=stale.unit,
        definer=stale.of,
        remedy=f"rebuild or reinstall both: {stale.library} and {stale.of} are of different builds",
    )


def _some(names: list[str]) -> str:
    """Up to three names, and how many more there are."""
    more = f" or one of {len(names) - 3} more" if len(names) > 3 else ""
    return " or ".join(names[:3]) + more


def _external(external: External) -> Finding:
    return Finding(
        rule="external-undefined",
        severity="missing",
        message=f"external {external.name} ({external.file}:{external.line}) names a C function that nobody defines",
        symbol=external.symbol,
        definer="the library's C stubs",
        remedy="do not use it; the rest of the library is not affected, report it to its authors",
    )


def _clash(symbol: str, made: Pulled, first: str) -> Finding:
    message = f"{symbol} is also defined by {first}: the link has it twice"
    return _finding(made, "duplicate", "missing", symbol, message, first, "one of the two has to go")


def _finding(
    by: Pulled, rule: str, severity: Severity, symbol: str, message: str, definer: str, remedy: str
) -> Finding:
    archive = by.place.archive.path.name if by.object.name else ""
    return Finding(
        rule=rule,
        severity=severity,
        message=message,
        symbol=symbol,
        archive=archive,
        member=by.object.name,
        definer=definer,
        remedy=remedy,
    )


def _grouped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in a stable order, those of the same rule and message merged with a count."""
    first: dict[tuple[str, str], Finding] = {}
    more: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.rule, finding.message)
        more[key] = more.get(key, -1) + 1
        first.setdefault(key, finding)
    return tuple(_counted(finding, more[key]) for key, finding in first.items())


def _counted(finding: Finding, more: int) -> Finding:
    if not more:
        return finding
    what = "symbols" if finding.rule == "system-library" else "objects"
    return replace(finding, message=f"{finding.message}, and {more} more {what} like it")
