"""Implementations: typed handles on terms, which a config.py passes around and applies.

An `Impl[T]` is a module of type T; a `Functor[A, B, T]` still wants modules of types A and B. The parameters exist for
editors and type checkers; what is checked while config.py runs are the module types themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import is_
from typing import Any, Generic, NoReturn, TypeVar, TypeVarTuple, overload

from mirage_py.dsl import check
from mirage_py.dsl.check import listed, shown
from mirage_py.dsl.device import ConfiguredUnikernel, ConnectCode, Refusal, Resource, Sexp, connect_code
from mirage_py.dsl.key import Key
from mirage_py.dsl.package import Package, check_library
from mirage_py.dsl.place import guarded, here, home, is_users_own
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.scheduler import Scheduler, chosen, lwt
from mirage_py.dsl.term import Dev, Device, Term, apply, choice, dev
from mirage_py.dsl.types import AnyType, FunctorType, ModuleType
from mirage_py.dsl.value import Value, as_value
from mirage_py.errors import ConfigError

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")
K = TypeVar("K")
Ts = TypeVarTuple("Ts")
Rest = TypeVarTuple("Rest")


class _Handle:
    """A term with the type it has; equal when the terms are the same node."""

    __slots__ = ("term",)

    def __init__(self, term: Term) -> None:
        self.term = term

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handle) and self.term is other.term

    def __hash__(self) -> int:
        return hash(self.term)

    def __rshift__(self, other: object) -> NoReturn:
        raise ConfigError(
            f"{_called(self.term)} is a device, and functor types are made of module types",
            location=here(),
            hint="write the type of the device: network >> job",
        )


class Impl(_Handle, Generic[T]):
    """A module of type `T`, ready to be a job, an argument or a dependency."""

    __slots__ = ("type",)

    def __init__(self, term: Term, type_: ModuleType[T]) -> None:
        super().__init__(term)
        self.type = type_

    def __repr__(self) -> str:
        return f"a device of type {self.type}"

    def __call__(self, *arguments: AnyImpl) -> None:
        raise ConfigError(
            f"{_called(self.term)} is a device of type {self.type}, not a functor: it takes no argument",
            location=here(),
            hint="give it a functor type such as network >> job where it is made"
            if arguments
            else "leave out the (): it is a device already, not a function that makes one",
        )


class Functor(_Handle, Generic[*Ts]):
    """A functor: call it with modules of its parameter types, all of them or the first few."""

    __slots__ = ("given", "type")

    def __init__(
        self, term: Term, type_: FunctorType[*Ts], given: tuple[tuple[ModuleType[Any], ModuleType[Any]], ...] = ()
    ) -> None:
        super().__init__(term)
        self.type = type_
        self.given = given

    def __repr__(self) -> str:
        return f"a functor of type {self.type}"

    # fmt: off
    @overload
    def __call__(self: Functor[A, T], a: Impl[A], /) -> Impl[T]: ...
    @overload
    def __call__(self: Functor[A, B, T], a: Impl[A], b: Impl[B], /) -> Impl[T]: ...
    @overload
    def __call__(self: Functor[A, B, C, T], a: Impl[A], b: Impl[B], c: Impl[C], /) -> Impl[T]: ...
    @overload
    def __call__(self: Functor[A, B, C, D, T], a: Impl[A], b: Impl[B], c: Impl[C], d: Impl[D], /) -> Impl[T]: ...
    @overload
    def __call__(
        self: Functor[A, B, C, D, E, T], a: Impl[A], b: Impl[B], c: Impl[C], d: Impl[D], e: Impl[E], /
    ) -> Impl[T]: ...
    @overload
    def __call__(
        self: Functor[A, B, C, D, E, F, T],
        a: Impl[A], b: Impl[B], c: Impl[C], d: Impl[D], e: Impl[E], f: Impl[F], /,
    ) -> Impl[T]: ...
    @overload
    def __call__(
        self: Functor[A, B, C, D, E, F, G, T],
        a: Impl[A], b: Impl[B], c: Impl[C], d: Impl[D], e: Impl[E], f: Impl[F], g: Impl[G], /,
    ) -> Impl[T]: ...
    @overload
    def __call__(
        self: Functor[A, B, C, D, E, F, G, H, T],
        a: Impl[A], b: Impl[B], c: Impl[C], d: Impl[D], e: Impl[E], f: Impl[F], g: Impl[G], h: Impl[H], /,
    ) -> Impl[T]: ...
    @overload
    def __call__(self: Functor[A, B, T, *Rest], a: Impl[A], /) -> Functor[B, T, *Rest]: ...
    @overload
    def __call__(self: Functor[A, B, C, T, *Rest], a: Impl[A], b: Impl[B], /) -> Functor[C, T, *Rest]: ...
    @overload
    def __call__(
        self: Functor[A, B, C, D, T, *Rest], a: Impl[A], b: Impl[B], c: Impl[C], /
    ) -> Functor[D, T, *Rest]: ...
    # fmt: on
    def __call__(self, *arguments: Any) -> Any:  # any: the overloads say what goes in and out
        """The functor applied; a `ConfigError` at the caller's line when an argument has the wrong type."""
        types = tuple([one.type if isinstance(one, Impl) else _Strange(one) for one in arguments])
        params, count = self.type.params, len(types)
        if not 0 < count <= len(params) or not all(map(is_, params, types)):
            raise self._mismatch(types)
        term = apply(self.term, tuple([one.term for one in arguments]))
        if count == len(params):
            return Impl(term, self.type.result)
        taken = tuple((want, want) for want in params[:count])
        return Functor(term, FunctorType(params[count:], self.type.result), (*self.given, *taken))

    def _mismatch(self, types: tuple[object, ...]) -> ConfigError:
        wanted = (*(want for want, _ in self.given), *self.type.params)
        got = (*(have for _, have in self.given), *types)
        return ConfigError(
            f"{label(self.term)} expects ({_names(wanted)}), got ({_names(got)})",
            location=here(),
            hint=_advice(wanted, got),
        )


AnyImpl = Impl[Any] | Functor[*tuple[Any, ...]]


def _names(types: Iterable[object]) -> str:
    return ", ".join(_type_name(type_) for type_ in types)


class _Strange:
    """What was given as an argument and is no device."""

    __slots__ = ("thing",)
    __match_args__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing


def _type_name(thing: object) -> str:
    match thing:
        case _Strange(Functor() as functor):
            return f"functor {functor.type}"
        case _Strange(ModuleType() | FunctorType() as type_):
            return f"the type {type_!r}"
        case _Strange(other):
            return shown(other)
        case _:
            return repr(thing)


def _advice(wanted: tuple[object, ...], types: tuple[object, ...]) -> str:
    given = [one.thing for one in types if isinstance(one, _Strange)]
    if any(isinstance(thing, Functor) for thing in given):
        return "apply the functor first: a functor is not a module"
    if any(isinstance(thing, (ModuleType, FunctorType)) for thing in given):
        return "a type is not a device: give a device of that type, such as default_network for network"
    if any(callable(thing) for thing in given):
        return "one of the arguments is a Python function: call it"
    differs = next((i for i, (want, got) in enumerate(zip(wanted, types, strict=False)) if want is not got), None)
    if differs is not None:
        return f"argument {differs + 1} has to be a {_type_name(wanted[differs])}"
    return f"leave out {len(types) - len(wanted)} of the arguments" if types else "give it an argument"


def label(term: Term) -> str:
    """What a term is called in a message: its module, or what makes an undecided one."""
    device = getattr(term, "device", None)
    return device.module if isinstance(device, Device) else "this choice of devices"


def _called(term: Term) -> str:
    return label(term) if isinstance(term, Dev) else "this"


def handle(term: Term, type_: AnyType) -> Any:  # any: Impl or Functor, as the type says
    """A typed handle on a term."""
    return Functor(term, type_) if isinstance(type_, FunctorType) else Impl(term, type_)


@overload
def of_device(device: Device, type_: ModuleType[T]) -> Impl[T]: ...
@overload
def of_device(device: Device, type_: FunctorType[*Ts]) -> Functor[*Ts]: ...
def of_device(device: Device, type_: AnyType) -> Any:
    """The implementation that stands for a device; the same device gives the same node."""
    if device.type != type_:
        raise ConfigError(f"{device.module} has type {device.type!r}, not {type_!r}", location=here())
    return handle(dev(device), type_)


Packages = Iterable[Package] | Value[Iterable[Package]]
Resources = Iterable[Resource] | Value[Iterable[Resource]]
Dune = Callable[[ConfiguredUnikernel], tuple[Sexp, ...]]


# fmt: off
@overload
def impl(
    module: str, type_: ModuleType[T], *, packages: Packages = ..., keys: Iterable[Key[Any]] = ...,
    runtime_args: Iterable[RuntimeArg] = ..., local_libs: Iterable[str] = ..., extra_deps: Iterable[AnyImpl] = ...,
    connect: str | ConnectCode | None = ..., resources: Resources = ...,
    refusal: Value[Refusal | None] | None = ..., dune: Dune | None = ..., scheduler: Scheduler | None = ...,
    sources: Iterable[str] | None = ...,
) -> Impl[T]: ...
@overload
def impl(
    module: str, type_: FunctorType[*Ts], *, packages: Packages = ..., keys: Iterable[Key[Any]] = ...,
    runtime_args: Iterable[RuntimeArg] = ..., local_libs: Iterable[str] = ..., extra_deps: Iterable[AnyImpl] = ...,
    connect: str | ConnectCode | None = ..., resources: Resources = ...,
    refusal: Value[Refusal | None] | None = ..., dune: Dune | None = ..., scheduler: Scheduler | None = ...,
    sources: Iterable[str] | None = ...,
) -> Functor[*Ts]: ...
# fmt: on
def impl(
    module: str,
    type_: AnyType,
    *,
    packages: Packages = (),
    keys: Iterable[Key[Any]] = (),
    runtime_args: Iterable[RuntimeArg] = (),
    local_libs: Iterable[str] = (),
    extra_deps: Iterable[AnyImpl] = (),
    connect: str | ConnectCode | None = None,
    resources: Resources = (),
    refusal: Value[Refusal | None] | None = None,
    dune: Dune | None = None,
    scheduler: Scheduler | None = None,
    sources: Iterable[str] | None = None,
) -> Any:
    """A new device: every call makes another one, even with the same arguments.

    `module` is an OCaml module path, or a functor path when `type_` is a functor type. `connect` is OCaml code of type
    `_ io`, as a template or a function (see `Connect`); without it the inputs are returned. `extra_deps` are awaited
    before `connect` and passed after the functor arguments. `refusal` gives the reason why the device cannot exist for
    some choices, None where it can. `scheduler` is the one whose promises `connect` makes; without it those of whatever
    the unikernel runs on. A device of a Python package brings the OCaml files that lie beside the Python file that
    calls `impl`, or those that the globs `sources` match from there. Raises `ConfigError` for what is no OCaml module
    path.
    """
    place, users_own = here(), is_users_own()
    catalogues = None if users_own or _is_for_any(connect) else lwt
    device = Device(
        module=module_path(module),
        type=checked_type(type_),
        connect=connect_code(connect, module, place),
        located=connect is not None and users_own,
        packages=checked_packages(packages),
        keys=listed(keys, Key, what="keys", example="tls"),
        runtime_args=checked_runtime_args(runtime_args),
        local_libs=checked_libs(local_libs),
        extra_deps=checked_deps(extra_deps, "extra_deps"),
        resources=checked_resources(resources),
        refusal=as_value(None) if refusal is None else as_value(refusal),
        dune=None if dune is None else _checked_stanzas(guarded(dune, f"the dune stanzas of {module}", place), module),
        scheduler=checked_scheduler(scheduler) or catalogues,
        home=home(),
        sources=None if sources is None else check.names(sources, what="sources", example="ocaml/*.ml"),
        location=place,
    )
    return handle(dev(device), type_)


def _is_for_any(connect: str | ConnectCode | None) -> bool:
    """Whether connect code says nothing of a scheduler but `return`; what else the catalogue has is written for lwt."""
    return connect is None or (isinstance(connect, str) and connect.startswith("return "))


_MODULE_PATH = re.compile(r"[A-Z][A-Za-z0-9_']*(\.[A-Z][A-Za-z0-9_']*)*")


def module_path(module: str) -> str:
    """The text, when it is an OCaml module path; a `ConfigError` else."""
    check.text(module, what="module", example="Unikernel.Main")
    if module != "struct end" and not _MODULE_PATH.fullmatch(module):
        raise ConfigError(
            f"{module!r} is not an OCaml module path", location=here(), hint="write for instance Unikernel.Main"
        )
    return module


def checked_scheduler(scheduler: object) -> Scheduler | None:
    """The scheduler that a device is written for, when it is one."""
    return None if scheduler is None else chosen(scheduler)


def checked_type(type_: object) -> AnyType:
    """The thing, when it is a module or functor type; a `ConfigError` else."""
    if isinstance(type_, (ModuleType, FunctorType)):
        return type_
    raise ConfigError(
        f"{shown(type_)} is not a module type", location=here(), hint="write for instance job, or network >> job"
    )


def checked_packages(packages: Packages) -> Value[tuple[Package, ...]]:
    """The packages as a value, when each is one: a plain name is taken for one easily."""
    return _listed_value(packages, Package, "packages", f'package("{_named(packages)}")')


def checked_resources(resources: Resources) -> Value[tuple[Resource, ...]]:
    """What a device is connected to as a value, when each is a resource."""
    return _listed_value(resources, Resource, "resources", 'Resource(kind="net", name="tap0")')


def _listed_value(things: object, kind: type[T], what: str, example: str) -> Value[tuple[T, ...]]:
    if isinstance(things, Value):
        place = here()
        return things.map(lambda chosen: listed(chosen, kind, what=what, example=example, place=lambda: place))
    return as_value(listed(things, kind, what=what, example=example))


def _named(packages: object) -> str:
    """A package to show as an example: the one that was meant, where its name was given instead."""
    first = next(iter(packages), None) if isinstance(packages, (list, tuple)) else packages
    return first if isinstance(first, str) else "duration"


def checked_runtime_args(args: Iterable[RuntimeArg]) -> tuple[RuntimeArg, ...]:
    """The boot-time arguments, when each is one."""
    return listed(args, RuntimeArg, what="runtime_args", example='runtime_arg("Unikernel.hello")')


def checked_deps(deps: Iterable[AnyImpl], what: str) -> tuple[Term, ...]:
    """The nodes of the devices that are waited for, when each is a device."""
    return tuple(one.term for one in listed(deps, (Impl, Functor), what=what, example="default_network"))


def _checked_stanzas(dune: Dune, module: str) -> Dune:
    place = here()

    def stanzas(unikernel: ConfiguredUnikernel) -> tuple[Sexp, ...]:
        found: object = dune(unikernel)
        if isinstance(found, (tuple, list)) and all(isinstance(one, (tuple, list)) for one in found):
            return tuple(found)
        raise ConfigError(
            f"dune of {module} gives stanzas, got {shown(found)}",
            location=place,
            hint='a stanza is a tuple, and they come as a tuple: (("rule", ("target", "x.ml"), ...),)',
        )

    return stanzas


def checked_libs(names: Iterable[str]) -> tuple[str, ...]:
    """The names, when each can be a library of the same tree."""
    found = check.names(names, what="local_libs", example="my_library")
    for name in found:
        check_library(name)
    return found


@overload
def if_impl(condition: Value[bool], then: Impl[T], otherwise: Impl[T]) -> Impl[T]: ...
@overload
def if_impl(condition: Value[bool], then: Functor[*Ts], otherwise: Functor[*Ts]) -> Functor[*Ts]: ...
def if_impl(condition: Value[bool], then: AnyImpl, otherwise: AnyImpl) -> Any:
    """`then` where the condition holds, else `otherwise`; the other one leaves no trace once the keys are chosen."""
    _same_type("if_impl", then, otherwise)
    term = choice(_checked_value(condition), ((True, then.term), (False, otherwise.term)), then.term)
    return handle(term, then.type)


@overload
def match_impl(value: Value[K], cases: Mapping[K, Impl[T]], *, default: Impl[T]) -> Impl[T]: ...
@overload
def match_impl(value: Value[K], cases: Mapping[K, Functor[*Ts]], *, default: Functor[*Ts]) -> Functor[*Ts]: ...
def match_impl(value: Value[Any], cases: Mapping[Any, Any], *, default: Any) -> Any:
    """The implementation under the value of a key, else `default`."""
    _same_type("match_impl", default, *cases.values())
    if isinstance(value, Key):
        value.check_values(cases)
    branches = tuple((case, branch.term) for case, branch in cases.items())
    return handle(choice(_checked_value(value), branches, default.term), default.type)


def _checked_value(value: object) -> Value[Any]:
    if isinstance(value, Value):
        return value
    raise ConfigError(
        f"{shown(value)} is not a value of keys",
        location=here(),
        hint="write for instance key.is_unix, or a key of your own",
    )


def _same_type(what: str, *branches: object) -> None:
    for branch in branches:
        if not isinstance(branch, (Impl, Functor)):
            raise ConfigError(
                f"{what} decides between devices, got {shown(branch)}", location=here(), hint="such as default_network"
            )
    types = [branch.type for branch in branches if isinstance(branch, (Impl, Functor))]
    if any(type_ != types[0] for type_ in types):
        raise ConfigError(f"the branches of {what} have different types: {_shown(types)}", location=here())


def _shown(types: Iterable[AnyType]) -> str:
    return ", ".join(dict.fromkeys(repr(type_) for type_ in types))
