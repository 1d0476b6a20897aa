"""The catalogue, read from its own code: which names a config.py can import, in which family, with which words."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

import mirage_py
from mirage_py.dataclass import dataclass
from mirage_py.dsl.impl import Functor, Impl
from mirage_py.dsl.types import FunctorType, ModuleType

Kind = Literal["type", "device", "functor", "function", "class"]
"""What a name stands for: a module type, a device, a functor to apply, a function to call, a class of plain values."""

CODE_WIDTH = 80
"""Columns that a signature may take in one line."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a class, with its type and default as they are written, and what is said below it."""

    name: str
    type: str
    default: str | None
    doc: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One name that can be imported from `mirage_py`: `family` is the title of its module, `doc` what is said of it."""

    name: str
    family: str
    kind: Kind
    thing: Any  # any: whatever the name stands for
    signature: str
    doc: str
    fields: tuple[Field, ...] = ()

    @property
    def summary(self) -> str:
        """The first sentence, as far as it says what this is."""
        return re.split(r"[.;](?: |$)", self.doc.partition("\n\n")[0].replace("\n", " "))[0]


def entries() -> tuple[Entry, ...]:
    """All devices, functors and types, family by family; `job` first, of which a unikernel is made."""
    families = {"dsl.job": ("job", "noop")} | {
        module: names
        for module, names in homes().items()
        if module.startswith("devices.") and module != "devices.registration"
    }
    return tuple(entry(module, name) for module, names in families.items() for name in names)


def homes() -> Mapping[str, tuple[str, ...]]:
    """Module below mirage_py to the public names that live there, in the order of the stub file."""
    stub = ast.parse(Path(mirage_py.__file__).with_suffix(".pyi").read_text("utf-8"))
    return {
        one.module: tuple(name.name for name in one.names)
        for one in stub.body
        if isinstance(one, ast.ImportFrom) and one.module and "." in one.module
    }


def entry(module_name: str, name: str) -> Entry:
    """What the module `mirage_py.<module_name>` says of one of its names."""
    module = importlib.import_module(f"mirage_py.{module_name}")
    node = definitions(module_name).get(name)
    thing = getattr(module, name)
    own = inspect.getdoc(thing) if callable(thing) and node is not None and not _is_handle(thing) else None
    return Entry(
        name=name,
        family=title(module_name),
        kind=kind_of(thing),
        thing=thing,
        signature=(_signature(node) if isinstance(node, ast.FunctionDef) else name) + _type_of(thing),
        doc=said_below(module_name).get(name) or own or "",
        fields=tuple(_fields(node)) if isinstance(node, ast.ClassDef) else (),
    )


def title(module_name: str) -> str:
    """The first line of a module's docstring, as a heading."""
    module = importlib.import_module(f"mirage_py.{module_name}")
    return (inspect.getdoc(module) or module_name).partition("\n")[0].rstrip(".")


def kind_of(thing: object) -> Kind:
    """What a name stands for."""
    match thing:
        case ModuleType() | FunctorType():
            return "type"
        case Impl():
            return "device"
        case Functor():
            return "functor"
        case _:
            return "class" if inspect.isclass(thing) else "function"


def gives_devices(thing: object) -> bool:
    """Whether a function returns a device, or a tuple of some."""
    returned = get_type_hints(thing).get("return") if inspect.isfunction(thing) else None
    return get_origin(returned) is Impl or hasattr(returned, "_fields")


def _is_handle(thing: object) -> bool:
    return isinstance(thing, (Impl, Functor, ModuleType))


def _type_of(thing: object) -> str:
    match thing:
        case Impl() | Functor():
            return f": {thing.type!r}"
        case ModuleType():
            return f"  # module type {thing.signature}" if thing.signature else "  # a module type"
        case FunctorType():
            return f" = {thing!r}"
        case _:
            return ""


# ---------------------------------------------------------------------------------------------------------------------
# Reading a module


@cache
def _statements(module_name: str) -> tuple[ast.stmt, ...]:
    return tuple(ast.parse(inspect.getsource(importlib.import_module(f"mirage_py.{module_name}"))).body)


def definitions(module_name: str) -> Mapping[str, ast.stmt]:
    """The statement that makes each name of a module."""
    found: dict[str, ast.stmt] = {}
    for statement in _statements(module_name):
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = statement
            case _:
                pass
    return found


def said_below(module_name: str) -> Mapping[str, str]:
    """What the string below a module-level assignment says of it."""
    return _below(_statements(module_name))


def _below(statements: Iterable[ast.stmt]) -> dict[str, str]:
    found: dict[str, str] = {}
    for before, after in pairwise(statements):
        match before, after:
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
            case _:
                pass
    return found


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    """The fields of a class that anybody may read, then what it computes of them."""
    said = _below(node.body)
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            yield Field(
                name=one.target.id,
                type=ast.unparse(one.annotation),
                default=None if one.value is None else _default(one.value),
                doc=said.get(one.target.id, ""),
            )
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and [ast.unparse(mark) for mark in one.decorator_list] == ["property"]:
            type_ = ast.unparse(one.returns) if one.returns else ""
            yield Field(name=one.name, type=type_, default=None, doc=ast.get_docstring(one) or "")


def _default(value: ast.expr) -> str:
    """What a field is without being given: a factory says it in a roundabout way."""
    match value:
        case ast.Call(func=ast.Name(id="field"), keywords=given):
            made = next((ast.unparse(one.value) for one in given if one.arg in ("default", "default_factory")), "")
            return made.removeprefix("lambda: ")
        case _:
            return ast.unparse(value)


def _signature(node: ast.FunctionDef) -> str:
    arguments = list(_arguments(node.args))
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    one_line = f"{node.name}({', '.join(arguments)}){result}"
    if len(one_line) <= CODE_WIDTH:
        return one_line
    return f"{node.name}(\n    " + ",\n    ".join(arguments) + f",\n){result}"


def _arguments(given: ast.arguments) -> Iterator[str]:
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults
    for index, (one, default) in enumerate(zip(positional, defaults, strict=True), start=1):
        yield _argument(one, default)
        if index == len(given.posonlyargs):
            yield "/"
    if given.vararg:
        yield "*" + _argument(given.vararg, None)
    elif given.kwonlyargs:
        yield "*"
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(one, default)


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    named = f"{one.arg}: {ast.unparse(one.annotation)}" if one.annotation else one.arg
    return named if default is None else f"{named} = {ast.unparse(default)}"
