"""The boot-time arguments of a unikernel: one for each piece of OCaml code, and no option defined twice.

Cmdliner finds two arguments that define one option when the unikernel boots, and ends it; here it is found before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mirage_py.dataclass import dataclass, replace
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.errors import ConfigError, Location, UnsupportedDevice
from mirage_py.resolve.graph import Graph

ALWAYS_OPTIONS = ("name", "help", "version")
"""Boot-time options that every unikernel has, whatever its devices."""


@dataclass(frozen=True, kw_only=True)
class BootArg:
    """A boot-time argument of the unikernel with the OCaml name it is bound to."""

    arg: RuntimeArg
    name: str


def boot_args(graph: Graph) -> tuple[BootArg, ...]:
    """The arguments of all devices, once each, in the order of main.ml.

    Raises `ConfigError` when two of them are known to define one option.
    """
    args: dict[str, RuntimeArg] = {}
    for device in graph.devices:
        for arg in device.runtime_args:
            twin = args.get(arg.code)
            args[arg.code] = arg if twin is None else replace(twin, options=_united(twin.options, arg.options))
    check_options(args.values())
    names: set[str] = set()
    return tuple(BootArg(arg=arg, name=_fresh(_stem(arg.code), names)) for arg in args.values())


def check_options(args: Iterable[RuntimeArg], found: Mapping[str, tuple[str, ...]] | None = None) -> None:
    """Refuse an option that two arguments define, or one and every unikernel; `found` adds options by code."""
    owners: dict[str, RuntimeArg | None] = dict.fromkeys(ALWAYS_OPTIONS)
    for arg in args:
        for option in _united(arg.options, (found or {}).get(arg.code, ())):
            if option in owners:
                raise _option_twice(option, arg, owners[option])
            owners[option] = arg


def _united(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*left, *right)))


def _option_twice(option: str, arg: RuntimeArg, other: RuntimeArg | None) -> ConfigError | UnsupportedDevice:
    """Refused as a device where the clash is the target's: another one may have no such option."""
    dashes = "-" if len(option) == 1 else "--"
    first = _told(other.code, other.location) if other else "every unikernel"
    kind = UnsupportedDevice if other and arg.of_target and other.of_target else ConfigError
    return kind(
        f"two boot-time arguments define the option {dashes}{option}",
        location=arg.location or (other.location if other else None),
        details=(_told(arg.code, arg.location), first, "the unikernel would die when it boots"),
        hint="give one of the devices a group (group=...), or rename the option",
    )


def _told(code: str, location: Location | None) -> str:
    return f"{code} ({location})" if location else code


def _stem(code: str) -> str:
    path = re.match(r"[A-Za-z0-9_.']+", code)
    words = re.sub(r"[^a-z0-9_]+", "_", (path.group() if path else "").lower()).strip("_")
    return words if words and not words[0].isdigit() else f"arg_{words}".rstrip("_")


def _fresh(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    taken.add(name)
    return name
