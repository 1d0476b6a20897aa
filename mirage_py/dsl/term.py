"""Terms: the configuration as a directed acyclic graph of devices, applications and choices.

A term is interned when it is made: equal terms are one object, so comparing and hashing are O(1) whatever hangs below.
Every walk over terms keeps this sharing and none recurses; a ladder of diamonds costs as much as a chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from mirage_py.dataclass import dataclass, field
from mirage_py.dsl.device import ConfiguredUnikernel, ConnectCode, CSources, Refusal, Resource, Sexp
from mirage_py.dsl.package import Package
from mirage_py.dsl.place import here
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.scheduler import Scheduler
from mirage_py.dsl.types import AnyType
from mirage_py.dsl.value import Key, Value, pure
from mirage_py.errors import Location

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, eq=False)
class Device:
    """A device, known by its identity: two records with the same content are two devices.

    What depends on the target or on another key is a `Value`.
    """

    module: str
    """An OCaml module path, of a functor without its arguments."""
    type: AnyType
    """The module type, or functor type."""
    connect: ConnectCode
    """OCaml code that makes a value of it, written from a `Connect`."""
    packages: Value[tuple[Package, ...]] = field(default_factory=lambda: pure(()))
    """What its OCaml code needs."""
    keys: tuple[Key[Any], ...] = ()
    """Keys that it declares, beside those that it reads."""
    runtime_args: tuple[RuntimeArg, ...] = ()
    """Boot-time arguments that `connect` gets."""
    local_libs: tuple[str, ...] = ()
    """Libraries of the same tree that are linked."""
    extra_deps: tuple[Term, ...] = ()
    """Devices that are awaited first, and that `connect` gets."""
    resources: Value[tuple[Resource, ...]] = field(default_factory=lambda: pure(()))
    """What of the outside it is connected to."""
    refusal: Value[Refusal | None] = field(default_factory=lambda: pure(None))
    """Why it cannot exist, or None where it can."""
    dune: Callable[[ConfiguredUnikernel], tuple[Sexp, ...]] | None = None
    """Stanzas for the target's folder."""
    c_sources: tuple[CSources, ...] = ()
    """C stubs of a unikernel's own code."""
    modules: tuple[str, ...] | None = None
    """OCaml modules beside config.py that belong to it; None: all."""
    libc_gaps: tuple[str, ...] = ()
    """Functions that a target's C library lacks and that mpy is to bring."""
    scheduler: Scheduler | None = None
    """Whose promise `connect` makes; None: that of the unikernel."""
    is_main: bool = False
    """Whether it is a unikernel's own code."""
    located: bool = False
    """Whether its `connect` is the user's, so that an error in it is told there."""
    home: str | None = None
    """The folder of the Python file that declares it, where that is not config.py's."""
    sources: tuple[str, ...] | None = None
    """Globs for the OCaml files that it brings from there; None: those of its module's folder."""
    location: Location | None = None
    """Where it was declared."""


class Dev:
    """A device with the functor arguments it has so far and its data dependencies."""

    __slots__ = ("__weakref__", "args", "deps", "device", "location")

    def __init__(self, device: Device, args: tuple[Term, ...], location: Location | None) -> None:
        self.device = device
        self.args = args
        self.deps = device.extra_deps
        self.location = location


class App:
    """A functor that is not decided yet, applied."""

    __slots__ = ("__weakref__", "args", "function")

    def __init__(self, function: Choice, args: tuple[Term, ...]) -> None:
        self.function = function
        self.args = args


class Choice:
    """Alternatives decided by a value: the first branch whose case equals it, else the default."""

    __slots__ = ("__weakref__", "branches", "condition", "default")

    def __init__(self, condition: Value[Any], branches: tuple[tuple[object, Term], ...], default: Term) -> None:
        self.condition = condition
        self.branches = branches
        self.default = default


Term = Dev | App | Choice

_interned: WeakValueDictionary[tuple[object, ...], Any] = WeakValueDictionary()


def dev(device: Device, args: tuple[Term, ...] = ()) -> Dev:
    """The one node for this device with these arguments."""
    key = ("dev", device, args)
    found = _interned.get(key)
    if found is None:
        found = _interned[key] = Dev(device, args, here() or device.location)
    return found


def choice(condition: Value[Any], branches: Iterable[tuple[object, Term]], default: Term) -> Choice:
    """The one node for this choice; conditions are told apart by identity."""
    cases = tuple(branches)
    return _intern(("choice", condition, cases, default), lambda: Choice(condition, cases, default))


def apply(function: Term, args: tuple[Term, ...]) -> Term:
    """`function` applied to further arguments; applying a device extends it, whatever it was applied to before."""
    if isinstance(function, Dev):
        return dev(function.device, function.args + args)
    if isinstance(function, App):
        return _app(function.function, function.args + args)
    return _app(function, args)


def _app(function: Choice, args: tuple[Term, ...]) -> App:
    return _intern(("app", function, args), lambda: App(function, args))


def _intern(key: tuple[object, ...], make: Callable[[], R]) -> R:
    found: R | None = _interned.get(key)
    if found is None:
        found = make()
        _interned[key] = found
    return found


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly below, in the order in which they are numbered: arguments, then dependencies."""
    if isinstance(term, Dev):
        return term.args + term.deps  # for most one of them is empty, and the other taken as it is
    if isinstance(term, App):
        return (term.function, *term.args)
    return (*(branch for _, branch in term.branches), term.default)


N = TypeVar("N")


def postorder(roots: Iterable[N], below: Callable[[N], Sequence[N]]) -> list[N]:
    """Every node reachable from the roots, once, after all that is below it; without recursion.

    A node waits twice: until what is below it is known, and until all of that has its place.
    """
    order: list[N] = []
    placed: dict[N, bool] = {}
    waiting = [*roots][::-1]
    while waiting:
        node = waiting[-1]
        before = placed.get(node)
        if before is None:
            placed[node] = False
            waiting += [one for one in reversed(below(node)) if one not in placed]
            continue
        waiting.pop()
        if not before:
            placed[node] = True
            order.append(node)
    return order
