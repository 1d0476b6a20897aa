"""Devices: the records behind the nodes of a configuration.

A device names an OCaml module or functor, says what that needs (packages, keys, boot-time arguments, data dependencies)
and how a value of it is made (`connect`). It does not know targets: what depends on one is a `Value` on `key.target`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from mirage_py.dataclass import dataclass
from mirage_py.dsl.check import shown, text
from mirage_py.dsl.ocaml import ocaml_string
from mirage_py.dsl.place import guarded, here
from mirage_py.dsl.value import Choices
from mirage_py.errors import ConfigError, Location

Sexp = str | tuple["Sexp", ...]
"""A dune stanza as data: words and lists; the generator quotes and lays out."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Something of the outside that the unikernel is connected to, and that a manifest may have to declare.

    `net` and `block` have names that the target's tender, hypervisor or host knows; `xenstore` is a disk by the
    identifier that Xen gave it.
    """

    kind: Literal["net", "block", "xenstore"]
    """A network interface, a disk, or a disk of Xen by its identifier."""
    name: str
    """What `mpy run --net NAME=TAP` and `--block NAME=FILE` name, and the manifest of a Solo5 image."""

    def __post_init__(self) -> None:
        if self.kind not in _RESOURCES:
            raise ConfigError(
                f"a resource is of kind {', '.join(_RESOURCES)}, got {shown(self.kind)}",
                location=here(),
                hint='Resource(kind="net", name="service")',
            )
        text(self.name, what="name", example="service")


_RESOURCES = ("net", "block", "xenstore")


@dataclass(frozen=True, kw_only=True)
class CSources:
    """C stubs of the unikernel's own: globs relative to config.py, flags, and pkg-config packages of the target."""

    globs: tuple[str, ...]
    flags: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()


class ConfiguredUnikernel(Protocol):
    """What a device may ask about the unikernel it is part of."""

    @property
    def name(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def choices(self) -> Choices: ...
    @property
    def source_dir(self) -> str: ...
    def block_number(self, name: str) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Connect:
    """What connect code is written from: the module and the OCaml variables of its inputs, in order."""

    unikernel: ConfiguredUnikernel
    """What may be asked of it: `name`, `target`, `choices` (the keys), `source_dir`, `block_number(name)`."""
    module: str
    """The OCaml module; of a functor the applied one."""
    args: tuple[str, ...] = ()
    """Variables of the functor arguments."""
    deps: tuple[str, ...] = ()
    """Variables of the `extra_deps`."""
    runtime_args: tuple[str, ...] = ()
    """Variables of the boot-time arguments."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """All inputs: functor arguments, then data dependencies, then runtime arguments."""
        return (*self.args, *self.deps, *self.runtime_args)


ConnectCode = Callable[[Connect], str]
Refusal = str


def connect_code(code: str | ConnectCode | None, device: str, location: Location | None) -> ConnectCode:
    """Connect code from a template, a function, or nothing (which returns the inputs).

    In a template `{module}` is the applied module, `{arg0}`, `{dep0}`, `{rt0}` the inputs by position, `{inputs}`
    all of them separated by blanks, `{name}` the unikernel's name as an OCaml string; a brace is written twice.
    """
    if code is None:
        return lambda c: f"return ({', '.join(c.inputs)})"
    if callable(code):
        return guarded(code, f"the connect code of {device}", location)
    template = code
    return lambda c: _fill(template, c, device, location)


def _fill(template: str, c: Connect, device: str, location: Location | None) -> str:
    places = {"module": c.module, "inputs": " ".join(c.inputs), "name": ocaml_string(c.unikernel.name)}
    for prefix, names in (("arg", c.args), ("dep", c.deps), ("rt", c.runtime_args)):
        places |= {f"{prefix}{i}": name for i, name in enumerate(names)}
    try:
        return template.format_map(places)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"the connect code of {device} cannot be written: {error}",
            location=location,
            details=(
                f"it has {len(c.args)} arguments, {len(c.deps)} dependencies, {len(c.runtime_args)} runtime arguments",
            ),
            hint="{arg0}, {dep0} and {rt0} count from 0; a brace of OCaml is written twice: {{ and }}",
        ) from None
