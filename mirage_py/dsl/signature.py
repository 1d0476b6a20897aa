"""What a function of the language takes, held against what a config.py gives it: its own annotations are the rule.

Every function that a config.py gets is `checked` on its way there (`mirage_py.__getattr__`), so that a wrong argument
is refused at the user's line in the words of the function that was called, and not of those that it calls. Annotations
that say more than is understood here (packages, functor types) are left to the function itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import PurePath
from types import FunctionType
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar, get_args, get_origin

from mirage_py.dsl.check import shown
from mirage_py.dsl.place import here
from mirage_py.dsl.types import FunctorType, ModuleType
from mirage_py.dsl.value import Value
from mirage_py.errors import ConfigError, misspelt, suggestion

__all__ = ["checked"]

P = ParamSpec("P")
R = TypeVar("R")

Test = Callable[[Any], bool]  # any: whatever a user gives
Tests = tuple[tuple[str, Test], ...]
"""What is known of the parameters: name and whether a value will do."""


class Shape(NamedTuple):
    """How a function may be called."""

    name: str
    places: tuple[str, ...]
    order: tuple[str, ...]
    names: frozenset[str]
    required: frozenset[str]
    open_ended: bool


def checked(given: Callable[P, R]) -> Callable[P, R]:
    """The function, which refuses with a `ConfigError` what its signature does not allow."""
    function: Any = given  # any: its code and annotations are not in the type of what can be called
    shape = _shape(function)
    known: list[dict[str, Test]] = []

    @wraps(given)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not known:
            known.append(dict(_tests(function)))
        if (
            (len(args) > len(shape.places) and not shape.open_ended)
            or not shape.names >= kwargs.keys()
            or not kwargs.keys() >= shape.required.difference(shape.places[: len(args)])
            or not kwargs.keys().isdisjoint(shape.places[: len(args)])
        ):
            raise _miscalled(shape, len(args), kwargs)
        tests = known[0]
        for name, value in (*zip(shape.places, args, strict=False), *kwargs.items()):
            if name in tests and not tests[name](value):
                raise _unfit(shape, function, name, value)
        return given(*args, **kwargs)

    return call


def _shape(function: FunctionType) -> Shape:
    code = function.__code__
    places = code.co_varnames[: code.co_argcount]
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    optional = {*places[len(places) - len(function.__defaults__ or ()) :], *(function.__kwdefaults__ or {})}
    return Shape(
        name=function.__name__,
        places=places,
        order=(*places, *named),
        names=frozenset(places[code.co_posonlyargcount :]) | frozenset(named),
        required=frozenset((*places, *named)) - optional,
        open_ended=bool(code.co_flags & _VARARGS),
    )


_VARARGS = 0x04
"""CO_VARARGS: inspect, which names it, takes 10 ms to import."""


# ---------------------------------------------------------------------------------------------------------------------
# What an annotation says


def _tests(function: FunctionType) -> Iterator[tuple[str, Test]]:
    for name, annotation in function.__annotations__.items():
        test = _test(annotation, function.__globals__) if name != "return" else None
        if test is not None:
            yield name, test


def _test(annotation: str, scope: Mapping[str, Any]) -> Test | None:
    """Whether a value is one of what an annotation lists; None where it says what is not understood."""
    found = [_one(part, scope) for part in _alternatives(annotation)]
    if None in found:
        return None
    tests = tuple(test for test in found if test is not None)
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _alternatives(annotation: str, between: str = "|") -> list[str]:
    """`str | Impl[A | B]` has two."""
    parts, depth, start = list[str](), 0, 0
    for place, letter in enumerate(annotation):
        depth += (letter == "[") - (letter == "]")
        if letter == between and depth == 0:
            parts.append(annotation[start:place].strip())
            start = place + 1
    return [*parts, annotation[start:].strip()]


def _one(part: str, scope: Mapping[str, Any]) -> Test | None:
    name, _, inner = part.removesuffix("]").partition("[")
    if name in _PLAIN:
        return _PLAIN[name]
    match name:
        case "Impl":
            return _is_device(None if "[" in inner else module_type_name(inner))
        case "Iterable" | "Sequence":
            member = _one(inner, scope) if inner not in _TOLD else None
            return _is_list_of(member) if member else None
        case "tuple":
            return lambda value: isinstance(value, tuple) and len(value) == len(_alternatives(inner, ","))
        case "Value":
            return lambda value: isinstance(value, Value)
        case "Literal":
            return tuple(word.strip(" '\"") for word in inner.split(",")).__contains__
        case _:
            return _of_name(scope.get(name))


def _of_name(thing: Any) -> Test | None:  # any: what a name in a module stands for
    if thing is Any:
        return None
    if isinstance(thing, type):
        return lambda value: isinstance(value, thing)
    if get_origin(thing) is Literal:
        return get_args(thing).__contains__
    return callable if get_origin(thing) is Callable else None


def _is_device(name: str | None) -> Test:
    """A module of this type; the function that takes it tells apart two types of one name."""
    from mirage_py.dsl.impl import Impl  # which needs keys, whose functions are checked

    return lambda value: isinstance(value, Impl) and (name is None or value.type.name == name)


def _is_list_of(test: Test) -> Test:
    """Members are looked at where that uses nothing up."""

    def fits(value: Any) -> bool:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            return False
        return not isinstance(value, (list, tuple)) or all(map(test, value))

    return fits


_PLAIN: Mapping[str, Test] = {
    "None": lambda value: value is None,
    "str": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "type": lambda value: isinstance(value, type),
    "Mapping": lambda value: isinstance(value, Mapping),
}


_TOLD = frozenset(("AnyImpl", "Impl[Job]", "Key[Any]", "Package", "RuntimeArg"))
"""Members of lists that the functions refuse themselves, with an example of one."""


def module_type_name(tag: str) -> str:
    """The name of the module type that a tag class stands for: `HappyEyeballs` is `happy_eyeballs`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", tag).lower()


# ---------------------------------------------------------------------------------------------------------------------
# How it is told


def _miscalled(shape: Shape, places: int, kwargs: Mapping[str, object]) -> ConfigError:
    strange = next((name for name in kwargs if name not in shape.names), None)
    twice = next((name for name in shape.places[:places] if name in kwargs), None)
    hint = f"it is called {_call(shape)}"
    if strange is not None:
        said, hint = f"{shape.name} has no argument {strange}", _other_name(shape, strange)
    elif places > len(shape.places) and not shape.open_ended:
        count = f"{len(shape.places)} argument{'s' if len(shape.places) != 1 else ''}"
        said = f"{shape.name} takes {count} without a name, got {places}"
    elif twice is not None:
        said = f"{shape.name} is given {twice} twice: by its place and by its name"
    else:
        lacking = [name for name in shape.order if name in shape.required.difference(kwargs, shape.places[:places])]
        said = f"{shape.name} wants {' and '.join(map(_word, lacking))}"
    return ConfigError(said, location=here(), hint=hint)


def _other_name(shape: Shape, strange: str) -> str:
    near = misspelt(strange, shape.names)
    meant = near or _MEANT.get(strange.lower())
    if near or (meant is not None and meant.split("=")[0] in shape.names):
        return f"did you mean {meant}?"
    said = _ELSEWHERE.get((shape.name, strange))
    return said or f"its arguments are {', '.join(map(_word, shape.order))}"


_MEANT: Mapping[str, str] = {
    "args": "runtime_args",
    "c_stubs": "c_sources",
    "cflags": "c_flags",
    "dependencies": "deps",
    "description": "doc",
    "extra_deps": "deps",
    "help": "doc",
    "libraries": "libs",
    "options": "runtime_args",
    "version": "min=... and max=...",
}
"""Other words for an argument."""

_ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("flag", "default"): "a flag is false unless it is given; a choice that is true by itself is a no-... flag",
    ("main", "keys"): "keys are found where they decide something: if_impl(key, ...), packages=key.map(...)",
    ("register", "keys"): "keys are found where they decide something: if_impl(key, ...)",
    ("register", "packages"): "packages belong to the device that needs them: main(..., packages=[...])",
}


def _call(shape: Shape) -> str:
    """How it is called at least: `netif(device, ...)`."""
    must = [f"{_word(name)}=..." for name in shape.order if name in shape.required and name not in shape.places]
    first = [name for name in shape.places if name in shape.required]
    more = ["..."] if len(shape.order) > len(must) + len(first) else []
    return f"{shape.name}({', '.join([*map(_word, first), *must, *more])})"


def _word(name: str) -> str:
    return name.rstrip("_")


def _unfit(shape: Shape, function: FunctionType, name: str, value: object) -> ConfigError:
    parts = [part for part in _alternatives(function.__annotations__[name]) if part != "None"]
    choices = next(filter(None, (_choices(part, function.__globals__) for part in parts)), ())
    return ConfigError(
        f"{shape.name}: {_word(name)} is {' or '.join(choices or map(_in_words, parts))}, got {_told(value)}",
        location=here(),
        hint=(suggestion(value, choices) if isinstance(value, str) else None) or _hint(shape, name, parts[0], value),
    )


def _in_words(part: str) -> str:
    name, _, inner = part.removesuffix("]").partition("[")
    if name == "Impl":
        return f"a device of type {module_type_name(inner)}" if "[" not in inner else "a device"
    if name in {"Iterable", "Sequence"}:
        return "a list of texts" if inner == "str" else "a list"
    if name == "tuple":
        return f"a pair ({', '.join(map(_in_words, _alternatives(inner, ',')))})"
    return _WORDS.get(name, f"a {name}")


_WORDS: Mapping[str, str] = {
    "ConnectCode": "a function",
    "Dune": "a function",
    "Key": "a key",
    "Mapping": "a mapping",
    "Value": "a value of keys",
    "bool": "True or False",
    "int": "a whole number",
    "str": "text",
    "type": "a class",
}


def _choices(part: str, scope: Mapping[str, Any]) -> tuple[str, ...]:
    """The words that a literal type lists, which may have a name of its own."""
    thing = scope.get(part)
    return get_args(thing) if get_origin(thing) is Literal else ()


def _told(value: object) -> str:
    return f"the type {value!r}" if isinstance(value, (ModuleType, FunctorType)) else shown(value)


def _hint(shape: Shape, name: str, part: str, value: object) -> str:
    kind, _, inner = part.removesuffix("]").partition("[")
    if kind in {"Iterable", "Sequence"} and isinstance(value, str):
        return f'write {_word(name)}=["{value}"]'
    if kind == "str" and isinstance(value, (int, float, PurePath)):
        return f'write {_word(name)}="{value}"'
    if isinstance(value, Value):
        return "keys are chosen after config.py has run: decide between devices with if_impl or match_impl"
    return _hint_for_device(inner, value) if kind == "Impl" else f"it is called {_call(shape)}"


def _hint_for_device(tag: str, value: object) -> str:
    from mirage_py.dsl.impl import Functor

    if isinstance(value, FunctionType):
        return f"call it: {value.__name__}(...)"
    if isinstance(value, Functor):
        return "apply the functor to its arguments first"
    made = list(_makers(tag))
    return f"such as {', or '.join(made[:2])}" if made else f"a device of type {module_type_name(tag)}"


def _makers(tag: str) -> Iterator[str]:
    """The names of the language that are, or give, a device of this type."""
    import mirage_py
    from mirage_py.dsl.impl import Impl

    things = [(name, getattr(mirage_py, name)) for name in dir(mirage_py) if not name.startswith("no_")]
    yield from (name for name, one in things if isinstance(one, Impl) and one.type.name == module_type_name(tag))
    for name, one in things:
        if isinstance(one, FunctionType) and one.__annotations__.get("return") == f"Impl[{tag}]":
            yield f"{name}(...)"
