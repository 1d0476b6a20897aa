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


def annotation(type_: Type) -> Annotation:  # noqa: C901  # one case for each type
    """How Python writes a type; what is not known is Any."""
    type_ = resolved(type_)
    match type_:
        case Con(name) if name in _PLAIN:
            return Annotation(_PLAIN[name])
        case Con(name) if name in _WORDS or name.startswith("variant "):
            return Annotation("str")
        case Con(name) if name in _CLASSES:
            return Annotation(_CLASSES[name], (("mirage_py", _CLASSES[name]),))
        case Con("net"):
            return Annotation("str | None")
        case Con("option", (inner,)):
            found = annotation(inner)
            return found if found == ANY else Annotation(f"{found.text} | None", found.needs)
        case Con("list", (inner,)):
            found = annotation(inner)
            return Annotation(f"list[{found.text}]", found.needs)
        case Con("*", items):
            return _generic("tuple", tuple(map(annotation, items)))
        case Con("impl", (inner,)):
            return _impl(inner)
        case Con("dep"):
            return Annotation("Impl[Any]", (("mirage_py", "Impl"), *ANY.needs))
        case Con("typ", (inner,)):
            return _typ(inner)
        case Con("key", (inner,)):
            return _generic("Key", (annotation(inner),), ("mirage_py.dsl.key", "Key"))
        case Con("value", (inner,)):
            return _generic("Value", (annotation(inner),), ("mirage_py", "Value"))
        case _:
            return ANY


def _generic(name: str, args: tuple[Annotation, ...], *needs: tuple[str, str]) -> Annotation:
    inner = ", ".join(arg.text for arg in args)
    return Annotation(f"{name}[{inner}]", (*needs, *(need for arg in args for need in arg.needs)))


def _impl(type_: Type) -> Annotation:
    tags = [tag(one) for one in _flat(type_)]
    name = "Functor" if len(tags) > 1 else "Impl"
    return _generic(name, tuple(tags), ("mirage_py", name))


def _typ(type_: Type) -> Annotation:
    tags = [tag(one) for one in _flat(type_)]
    name = "FunctorType" if len(tags) > 1 else "ModuleType"
    return _generic(name, tuple(tags), ("mirage_py", name))


def _flat(type_: Type) -> list[Type]:
    found = []
    type_ = resolved(type_)
    while isinstance(type_, Arrow):
        found.append(type_.param)
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
