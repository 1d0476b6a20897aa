"""What would end the program: at once, because a module does it while it initialises, or when a function is called.

From the functions that end in a stub (of the runtime, of the C library) the callers are followed backwards through the
objects that are linked, those of OCaml's own standard library too. An object is opened only when it asks for a name
that is reached already, so most never are. What is reached through a closure is not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mirage_py.audit.elf import deciding, references
from mirage_py.audit.libc import Libc
from mirage_py.audit.link import Pulled
from mirage_py.audit.names import is_entry, is_stdlib, ocaml_name, source_names
from mirage_py.dataclass import dataclass
from mirage_py.libraries.archives import Unreadable

RAISING: Final = frozenset({"caml_failwith", "caml_raise_sys_error", "caml_invalid_argument"})
"""What raises an exception, which ends a program only where nobody expects it."""
ENDS: Final = frozenset({"exit", "_exit", "abort", "raise", "caml_fatal_error", "caml_fatal_error_arg", *RAISING})
"""What C calls to end the program: mostly where something is wrong, so only who does nothing else counts."""
SAYS: Final = frozenset(
    {
        *("printf", "fprintf", "puts", "fputs", "fputc", "putc", "fwrite", "fflush", "stderr", "stdout", "perror"),
        "caml_copy_string",
    }
)
"""What a C function may do besides, that is only there to say that it is not implemented."""


class Read:
    """What was read of the objects of a link: who refers to whom, by archive and number, and who asks for a symbol.

    `of_c` are the symbols that objects of C ask for, `only_ending` functions of C that do nothing but end the program,
    each with its object and what it calls for that.
    """

    def __init__(self) -> None:
        self.calls: dict[tuple[int, int], Mapping[str, tuple[str, ...]]] = {}  # a set of each takes six times the room
        self.users: dict[str, list[Pulled]] = {}
        self.of_c: dict[str, None] = {}
        self.only_ending: list[tuple[Pulled, str, str]] = []

    def note(self, pulled: Iterable[Pulled]) -> None:
        """Note what these objects ask for."""
        for one in pulled:
            for symbol in one.object.undefined:
                self.users.setdefault(symbol, []).append(one)
            if one.place.kind == "c":
                self.of_c |= dict.fromkeys(one.object.undefined)
        enders = {
            _place(one): one for symbol in sorted(ENDS) for one in self.users.get(symbol, ()) if one.place.kind == "c"
        }
        self.only_ending = [(one, *found) for one in enders.values() for found in self._ends_only(one)]

    def references(self, one: Pulled) -> Mapping[str, tuple[str, ...]]:
        """The names that each function of an object refers to."""
        key = _place(one)
        if key not in self.calls:
            try:
                found = references(one.place.archive, one.place.number) if one.object.name else {}
            except Unreadable:  # said where the object was linked
                found = {}
            self.calls[key] = {name: tuple(called) for name, called in found.items()}
        return self.calls[key]

    def _ends_only(self, one: Pulled) -> Iterator[tuple[str, str]]:
        """C functions that do nothing but end the program, whatever they are given; each with what it calls for that.

        One that has two ways to go is none; what a compiler put aside as seldom (`.cold`) is one of two.
        """
        found = {
            name: min(ENDS.intersection(called))
            for name, called in self.references(one).items()
            if not ENDS.isdisjoint(called)
            and all(symbol.startswith((".", "_GLOBAL_")) for symbol in set(called) - ENDS - SAYS)
            and not name.startswith("caml_startup")
            and ".cold" not in name
        }
        two_ways = deciding(one.place.archive, one.place.number) if found else ()
        return ((name, ending) for name, ending in found.items() if name not in two_ways)


@dataclass(frozen=True, kw_only=True)
class End:
    """A function that ends the program, by what it calls: `chain` leads from it to the stub that aborts."""

    function: str
    by: Pulled
    chain: tuple[str, ...]

    @property
    def stub(self) -> str:
        """The function that it comes to: a stub of the C library, or what C calls to end a program."""
        return self.chain[-1] if self.chain else self.function

    @property
    def at_start(self) -> bool:
        """Whether it runs when the program starts, whatever the program calls."""
        return is_entry(self.function)

    @property
    def raises(self) -> bool:
        """Whether it is by an exception that nobody may expect, which `try` helps against."""
        return bool(self.chain) and self.chain[-1] in RAISING


def ends(
    pulled: Iterable[Pulled], primitives: Mapping[str, str], libc: Libc, read: Read | None = None
) -> tuple[End, ...]:
    """The functions of these objects that end the program; what is read of objects is kept in `read` for the next."""
    held = Read() if read is None else read
    if not held.users:
        held.note(pulled)
    return tuple(_Walk(held, primitives, libc).run())


class _Walk:
    """The state of the walk: why each reached name ends the program."""

    def __init__(self, read: Read, primitives: Mapping[str, str], libc: Libc) -> None:
        self.read = read
        self.reached: dict[tuple[int, int, str], End] = {}
        ends = (symbol for symbol in read.of_c if symbol not in primitives and symbol not in ENDS)
        self.why = {**primitives, **{symbol: "" for symbol in ends if _aborts(symbol, libc)}}

    def run(self) -> Iterator[End]:
        """Everything that is reached, in the order in which it was."""
        for one, name, ending in self.read.only_ending:
            self.why.setdefault(name, ending)
            self._note(one, name)
        queue = list(self.why)
        for symbol in queue:  # grows while it is walked
            for one in self.read.users.get(symbol, ()):
                queue += self._spread(one)
        return iter(self.reached.values())

    def _spread(self, one: Pulled) -> list[str]:
        """The functions of one object that call what is reached; their names, for other objects' sake."""
        calls = self.read.references(one)
        fresh: list[str] = []
        known = self.why.keys()
        more = True
        while more:
            more = False
            for function, called in calls.items():
                if function not in known and not known.isdisjoint(called):
                    self.why[function] = min(known & set(called), key=self._rank)
                    self._note(one, function)
                    fresh.append(function)
                    more = True
        return fresh

    def _rank(self, name: str) -> tuple[int, int, str]:
        """Nearest to a stub first; to open a file says more than to read what could not be opened."""
        return sum(1 for _ in self._chain(name)), self.why.get(name) != "strerror", name

    def _note(self, one: Pulled, function: str) -> None:
        self.reached.setdefault(
            (*_place(one), function), End(function=function, by=one, chain=tuple(self._chain(function)))
        )

    def _chain(self, function: str) -> Iterator[str]:
        here = self.why.get(function, "")
        while here:
            yield here
            here = self.why.get(here, "")


def _place(one: Pulled) -> tuple[int, int]:
    """Which object it is: its archive and its number there."""
    return id(one.place.archive), one.place.number


def _aborts(symbol: str, libc: Libc) -> bool:
    """Whether a libc function aborts, under the name that the target's headers would give it."""
    names = source_names(symbol)
    return any(name in libc.aborts for name in names) if names else symbol in libc.aborts


def told(end: End) -> str:
    """What a function comes to: `open_in (strerror is a stub that aborts)`."""
    through = [name for name in end.chain if is_stdlib(name)]
    first = OCAML.get(_first(end.chain), "") or _name(through[0] if through else end.chain[0])
    return f"{first}, which ends in {end.stub}"


def _first(chain: tuple[str, ...]) -> str:
    return next((name for name in chain if name in OCAML), "")


def _name(symbol: str) -> str:
    return ocaml_name(symbol).removeprefix("Stdlib.")


OCAML: Final[Mapping[str, str]] = {
    "caml_sys_chdir": "Sys.chdir",
    "caml_sys_is_directory": "Sys.is_directory",
    "caml_sys_read_directory": "Sys.readdir",
    "caml_sys_getcwd": "Sys.getcwd",
    "caml_sys_mkdir": "Sys.mkdir",
    "caml_sys_remove": "Sys.remove",
    "caml_sys_rename": "Sys.rename",
    "caml_sys_rmdir": "Sys.rmdir",
    "caml_sys_system_command": "Sys.command",
    "caml_install_signal_handler": "Sys.signal",
    "caml_domain_spawn": "Domain.spawn",
    "caml_ml_condition_wait": "Condition.wait",
    "caml_ml_condition_signal": "Condition.signal",
}
"""Primitives that programs call under a name of the standard library's interface, not through a function of it."""
