"""What somebody meant who wrote a word of another release, of OCaml, or nearly the right one."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Final

from mirage_py.errors import suggestion

OLD_NAMES: Final = {
    "console": "there are no console devices any more: write to Logs",
    "crunch_kv_ro": "it is crunch now",
    "default_console": "there are no console devices any more: write to Logs",
    "default_monotonic_clock": "it is default_mtime now",
    "default_posix_clock": "it is default_ptime now",
    "default_time": "it is default_sleep now",
    "dep": "devices that start waits for are listed: main(..., deps=[...])",
    "foreign": "it is main now",
    "impl_of_device": "it is of_device",
    "mclock": "it is mtime now",
    "monotonic_clock": "it is mtime now",
    "nocrypto": "it is default_random now, which register starts by itself",
    "pclock": "it is ptime now",
    "posix_clock": "it is ptime now",
    "default_pclock": "it is default_ptime now",
    "default_mclock": "it is default_mtime now",
    "runtime_key": "it is runtime_arg now",
    "stackv4": "it is stackv4v6 now",
    "generic_stackv4": "it is generic_stackv4v6 now",
    "static_ipv4_stack": "it is generic_stackv4v6 now, with --no-dhcp",
    "dhcp_ipv4_stack": "it is generic_stackv4v6 now",
    "tcpv4": "it is tcpv4v6 now",
    "udpv4": "it is udpv4v6 now",
}
"""Names of earlier releases of the configuration language, and of its OCaml form, with what serves now."""

_SYNTAX: Final = (
    (r"@->|->", "functor types are written with >>: network >> job"),
    (r"\$", "a functor is applied by calling it: main(...)(default_network)"),
    (r"^let\b|\bin$|;;", "this is OCaml: call the file config.ml, and mpy reads it as such"),
)


def hint_for_name(name: str) -> str:
    """What to write instead of a name that config.py used and that is not there."""
    import mirage_py

    if name in mirage_py.__all__:
        return f"import it: from mirage_py import {name}"
    old = OLD_NAMES.get(name)
    return old or suggestion(name, mirage_py.__all__) or "`dir(mirage_py)` lists the names that there are"


def hint_for_syntax(line: str) -> str | None:
    """What to write instead of a line that Python cannot read; None where nothing tells."""
    return next((hint for pattern, hint in _SYNTAX if re.search(pattern, line)), None)


KEY_NAMES: Final = {
    "bool": "key.flag",
    "boolean": "key.flag",
    "choice": "key.enum",
    "create": "key.flag, key.string, key.integer, key.enum or key.strings",
    "float": "key.string",
    "int": "key.integer",
    "list": "key.strings",
    "number": "key.integer",
    "str": "key.string",
    "text": "key.string",
    "value": "key.pure",
}
"""What makes a key, in other words."""


def hint_for_attribute(owner: object, name: str) -> str | None:
    """What to write instead of a name that a thing of the language does not have; None for what is not ours."""
    if owner is ...:
        return LEFT
    kind = owner if isinstance(owner, (ModuleType, type)) else type(owner)
    home = kind.__name__ if isinstance(kind, ModuleType) else kind.__module__
    if not home.startswith("mirage_py"):
        return None
    there = getattr(owner, "__all__", None) or [one for one in dir(owner) if not one.startswith("_")]
    if getattr(owner, "__name__", None) == "mirage_py":
        return hint_for_name(name)
    if getattr(owner, "__name__", "") == "mirage_py.dsl.key" and name in KEY_NAMES:
        return f"did you mean {KEY_NAMES[name]}?"
    return suggestion(name, there) or f"there is {', '.join(there)}"


LEFT = "`...` is no value: mpy convert leaves it where something is to be written by hand, below the OCaml in a comment"
"""What `...` in the place of a value means."""

_OPERATIONS: Final = (
    (r"'ellipsis' object", LEFT),
    (r"['\"](?:Key|Value)['\"]", "keys are chosen after config.py has run: compute with value.map(lambda value: ...)"),
    (r"'ModuleType'|'FunctorType'", "types are combined with >>: network >> job"),
    (r"'Impl'|'Functor'", "devices are given to functors: main(...)(default_network)"),
)


def hint_for_operation(message: str) -> str | None:
    """What to write instead of something that Python cannot do with the things of the language."""
    made = re.match(r"(\w+)\.__init__\(\) ", message)
    if made:
        return _hint_for_record(made[1])
    return next((hint for pattern, hint in _OPERATIONS if re.search(pattern, message)), None)


def _hint_for_record(name: str) -> str | None:
    """How a record of the language is written, where it is one."""
    import mirage_py

    fields = getattr(getattr(mirage_py, name, None), "__dataclass_fields__", None)
    return None if fields is None else f"its fields have names: {name}({', '.join(f'{one}=...' for one in fields)})"
