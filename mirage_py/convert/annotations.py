"""OCaml's types as Python annotates them."""

from __future__ import annotations

from mirage_py.convert.catalogue import PYTHON_TYPES
from mirage_py.convert.ocaml_types import Arrow, Con, Type, resolved
from mirage_py.convert.python import Annotation

ANY = Annotation("Any", (("typing", "Any"),))

_PLAIN = {"string": "str", "int": "int", "bool": "bool", "float": "float", "unit": "None"}
_WORDS = {"target": "str", "kv_kind": "str", "block_kind": "str", "code": "str"}
_CLASSES = {
    "package": "Package",
    "abstract_runtime_arg": "RuntimeArg",
    "runtime_arg": "RuntimeArg",
    "dhcp_requests": "DhcpRequests",
}


NOTHING: frozenset[str] = frozenset()


def annotation(type_: Type, gone: frozenset[str] = NOTHING) -> Annotation:  # noqa: C901  # one case for each type
    """How Python writes a type; what is not known is Any, and module types that are gone are no parameters."""
    type_ = resolved(type_)
    match type_:
        case Con(name) if name in _PLAIN:
            return Annotation(_PLAIN[name])
        case Con(name) if name in _WORDS or name.startswith("variant "):
            return Annotation("str")
        case Con(name) if name in _CLASSES:
            return Annotation(_CLASSES[name], (("mirage_py", _CLASSES[name]),))
        case Con(name) if name.startswith("tagged "):
            return Annotation("tuple[Any, ...]", ANY.needs)
        case Con(name) if name.startswith("record "):
            return Annotation(class_name(name.removeprefix("record ")))
        case Con("ref", (inner,)):
            return annotation(Con("list", (inner,)), gone)
        case Con("net"):
            return Annotation("str | None")
        case Con("option", (inner,)):
            found = annotation(inner, gone)
            return found if found == ANY else Annotation(f"{found.text} | None", found.needs)
        case Con("list", (inner,)):
            found = annotation(inner, gone)
            return Annotation(f"list[{found.text}]", found.needs)
        case Con("*", items):
            return _generic("tuple", tuple(annotation(one, gone) for one in items))
        case Con("impl", (inner,)):
            return _impl(inner, gone)
        case Con("dep"):
            return Annotation("Impl[Any]", (("mirage_py", "Impl"), *ANY.needs))
        case Con("typ", (inner,)):
            return _typ(inner, gone)
        case Con("key", (inner,)):
            return _generic("Key", (annotation(inner, gone),), ("mirage_py.dsl.key", "Key"))
        case Con("value", (inner,)):
            return _generic("Value", (annotation(inner, gone),), ("mirage_py", "Value"))
        case _:
            return ANY


def of_function(type_: Arrow, gone: frozenset[str] = NOTHING) -> Annotation:
    """How Python writes the type of a function that a function gives."""
    params: list[Annotation] = []
    result: Type = type_
    while isinstance(result, Arrow):
        if result.label is not None:
            return ANY
        params.append(annotation(result.param, gone))
        result = resolved(result.result)
    given = annotation(result, gone)
    text = f"Callable[[{', '.join(one.text for one in params)}], {given.text}]"
    needs = (need for one in (*params, given) for need in one.needs)
    return Annotation(text, (("collections.abc", "Callable"), *needs))


def class_name(name: str) -> str:
    """The class for a record of the file's own."""
    plain = "".join(part[:1].upper() + part[1:] for part in name.replace("'", "_prime").split("_"))
    return f"{plain}Record" if plain in _TAKEN else plain


_TAKEN = {*PYTHON_TYPES.values(), *_CLASSES.values(), "Any", "Connect", "Functor", "Impl", "Key", "NamedTuple", "Path"}
_TAKEN |= {"Value", "ModuleType", "FunctorType", "T"}


def _generic(name: str, args: tuple[Annotation, ...], *needs: tuple[str, str]) -> Annotation:
    inner = ", ".join(arg.text for arg in args)
    return Annotation(f"{name}[{inner}]", (*needs, *(need for arg in args for need in arg.needs)))


def _impl(type_: Type, gone: frozenset[str]) -> Annotation:
    tags = [tag(one) for one in _flat(type_, gone)]
    name = "Functor" if len(tags) > 1 else "Impl"
    return _generic(name, tuple(tags), ("mirage_py", name))


def _typ(type_: Type, gone: frozenset[str]) -> Annotation:
    if not isinstance(resolved(type_), (Con, Arrow)):
        needs = (("mirage_py", "ModuleType"), ("mirage_py", "FunctorType"), *ANY.needs)
        return Annotation("ModuleType[Any] | FunctorType[*tuple[Any, ...]]", needs)
    tags = [tag(one) for one in _flat(type_, gone)]
    name = "FunctorType" if len(tags) > 1 else "ModuleType"
    return _generic(name, tuple(tags), ("mirage_py", name))


def _flat(type_: Type, gone: frozenset[str]) -> list[Type]:
    found = []
    type_ = resolved(type_)
    while isinstance(type_, Arrow):
        param = resolved(type_.param)
        if not (isinstance(param, Con) and param.name in gone and not param.args):
            found.append(param)
        type_ = resolved(type_.result)
    return [*found, type_]


def tag(type_: Type) -> Annotation:
    """The tag class of a module type."""
    type_ = resolved(type_)
    if not isinstance(type_, Con) or type_.name not in PYTHON_TYPES:
        return ANY
    name = PYTHON_TYPES[type_.name]
    need = ("mirage_py.types", name)
    return _generic(name, tuple(map(tag, type_.args)), need) if type_.args else Annotation(name, (need,))
