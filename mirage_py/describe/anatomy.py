"""What a device of the catalogue is made of, target by target and choice by choice.

Functions are called with stand-ins for what they want, as their annotations say; of the graph that comes of it, all but
the stand-ins is the device's own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from mirage_py.dataclass import dataclass
from mirage_py.describe.catalogue import Entry, entries, gives_devices
from mirage_py.dsl.device import Resource
from mirage_py.dsl.impl import Functor, Impl, of_device
from mirage_py.dsl.key import TARGETS, Key, target as target_key
from mirage_py.dsl.runtime_arg import RuntimeArg, runtime_arg
from mirage_py.dsl.term import Device, Term
from mirage_py.dsl.types import ModuleType, params_of
from mirage_py.resolve.context import keys_of
from mirage_py.resolve.graph import build_graph
from mirage_py.resolve.info import asked_by
from mirage_py.resolve.packages import Requirement, merge

SAMPLES: Final[Mapping[str, str]] = {
    "device": "0",  # Xen takes numbers only
    "directory": "htdocs",
    "id": "51712",
    "remote": "relativize://docs",
}
"""Texts that a device takes for the parameters of these names; any other takes a name."""

ABOVE: Final[ModuleType[Any]] = ModuleType("above")


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a device is where these keys have these words: on which targets, or why it cannot be there."""

    choices: tuple[tuple[str, str], ...]
    targets: tuple[str, ...]
    modules: tuple[str, ...] = ()
    packages: tuple[Requirement, ...] = ()
    boot: tuple[RuntimeArg, ...] = ()
    connected: tuple[Resource, ...] = ()
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """An entry of the catalogue taken apart: the names of the types it takes and gives, its keys, what makes it up."""

    entry: Entry
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    keys: tuple[Key[Any], ...] = ()
    made: tuple[Made, ...] = ()

    @property
    def type(self) -> str:
        """Its type, as a config.py writes it; empty for what is no device."""
        return " >> ".join([*self.takes, ", ".join(self.gives)]) if self.gives else ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that can have it, with some choice; all that were asked for, where it is no device."""
        there = {target for one in self.made if one.refusal is None for target in one.targets}
        return tuple(target for target in TARGETS if target in there or not self.made)


def anatomies(targets: Iterable[str] = TARGETS) -> tuple[Anatomy, ...]:
    """The whole catalogue taken apart, for these targets."""
    found = entries()
    types = {one.thing.name: one.thing for one in found if isinstance(one.thing, ModuleType)}
    return tuple(anatomy(one, types, tuple(targets)) for one in found)


def anatomy(entry: Entry, types: Mapping[str, ModuleType[Any]], targets: tuple[str, ...]) -> Anatomy:
    """One entry taken apart; `types` are the module types by their names."""
    if isinstance(entry.thing, ModuleType):
        return Anatomy(entry=entry)
    stand_ins = _StandIns(types)
    devices = tuple(_devices(entry.thing, stand_ins))
    if not devices:
        return Anatomy(entry=entry)
    roots = tuple(one.term for one in devices)
    keys = tuple(key for key in keys_of(roots).values() if key is not target_key)
    return Anatomy(
        entry=entry,
        takes=tuple(stand_ins.types),
        gives=tuple(one.type.name for one in devices),
        keys=keys,
        made=tuple(_grouped(_each(roots, keys, targets, stand_ins))),
    )


# ---------------------------------------------------------------------------------------------------------------------
# A device, with stand-ins for what it is applied to


class _StandIns:
    """Makes arguments of the right type, and knows them again."""

    def __init__(self, types: Mapping[str, ModuleType[Any]]) -> None:
        self.known = types
        self.types: list[str] = []
        self.made: set[object] = set()

    def module(self, type_: ModuleType[Any]) -> Impl[Any]:
        device = Device(module="Argument", type=type_, connect=lambda _: "")
        self.types.append(type_.name)
        self.made.add(device)
        return of_device(device, type_)

    def argument(self, name: str, annotation: Any) -> Any:  # any: an annotation, and a value of what it says
        if get_origin(annotation) is Impl:
            return self.module(self.known[_type_name(get_args(annotation)[0])])
        if annotation is RuntimeArg:
            made = runtime_arg(f"Unikernel.{name}")
            self.made.add(made)
            return made
        return SAMPLES.get(name, "name") if annotation is str else annotation()

    def are(self, thing: Any) -> bool:  # any: a device or an argument
        return thing in self.made


def _type_name(tag: Any) -> str:  # any: a class, or one with a parameter
    """The name of the module type that a tag stands for: `KvRo` is kv_ro, `Ip[V4V6]` is ipv4v6."""
    of = get_args(tag)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", (get_origin(tag) or tag).__name__).lower()
    return name + "".join("v4v6" if isinstance(one, TypeVar) else one.__name__.lower() for one in of)


def _devices(thing: Any, stand_ins: _StandIns) -> Iterator[Impl[Any]]:  # any: see Entry
    if isinstance(thing, Impl):
        yield thing
    elif isinstance(thing, Functor):
        yield thing(*map(stand_ins.module, params_of(thing.type)))
    elif gives_devices(thing):
        hints = get_type_hints(thing)
        needed = [one for one in inspect.signature(thing).parameters.values() if one.default is inspect.Parameter.empty]
        given = {one.name: stand_ins.argument(one.name, hints[one.name]) for one in needed}
        made = thing(**given)
        yield from (one for one in (made if isinstance(made, tuple) else (made,)) if isinstance(one, Impl))


# ---------------------------------------------------------------------------------------------------------------------
# What it is made of


def _each(
    roots: tuple[Term, ...], keys: tuple[Key[Any], ...], targets: tuple[str, ...], stand_ins: _StandIns
) -> Iterator[Made]:
    """What it is on each target, first with the defaults of the keys, then with each other word of one key."""
    variants = [(), *(((key.name, word),) for key in keys for word in _words(key))]
    by_name = {key.name: key for key in keys}
    plain: dict[str, Made] = {}
    for variant in variants:
        chosen = {name: by_name[name].parse((word,)) for name, word in variant}
        for target in targets:
            one = _made(roots, variant, {**chosen, "target": target}, stand_ins)
            if _substance(plain.setdefault(target, one)) != _substance(one) or not variant:
                yield one


def _words(key: Key[Any]) -> Iterator[str]:
    """A word for each value of a key that has but a few."""
    if key.kind == "flag":
        yield "true"
    seen = {key.default}
    for word, value in key.choices.items():
        if value not in seen:
            seen.add(value)
            yield word


def _made(
    roots: tuple[Term, ...], variant: tuple[tuple[str, str], ...], choices: Mapping[str, Any], stand_ins: _StandIns
) -> Made:
    top = Device(module="Above", type=ABOVE, connect=lambda _: "", extra_deps=roots)
    graph = build_graph(top, (), choices)
    own = [node for node in graph.nodes if node is not graph.root and not stand_ins.are(node.device)]
    refusal = next((reason for node in own if (reason := node.device.refusal.eval(choices))), None)
    target = (choices["target"],)
    if refusal is not None:
        return Made(choices=variant, targets=target, refusal=refusal)
    asked = (one for node in own for one in asked_by(node, node.device.module, choices))
    boot = (arg for node in own for arg in node.device.runtime_args if not stand_ins.are(arg))
    return Made(
        choices=variant,
        targets=target,
        modules=tuple(node.device.module for node in own),
        packages=merge(asked, ()),
        boot=tuple(dict.fromkeys(boot)),
        connected=tuple(dict.fromkeys(one for node in own for one in node.device.resources.eval(choices))),
    )


def _substance(one: Made) -> tuple[object, ...]:
    packages = tuple((each.name, each.min, each.max, each.libraries, each.build, each.scope) for each in one.packages)
    return one.modules, packages, tuple(arg.code for arg in one.boot), one.connected, one.refusal


def _grouped(those: Iterable[Made]) -> Iterator[Made]:
    """Targets with the same answer together, in the order in which they come first."""
    from mirage_py.dataclass import replace

    groups: dict[tuple[object, ...], list[Made]] = {}
    for one in those:
        groups.setdefault((one.choices, *_substance(one)), []).append(one)
    for group in groups.values():
        yield replace(group[0], targets=tuple(target for one in group for target in one.targets))
