"""Configure-time keys: choices that decide which devices a unikernel is made of.

A key becomes an option of every command that reads config.py (`--NAME`) and an environment variable (`MPY_KEY_NAME`).
With a group it becomes `--GROUP-NAME`, so that two stacks of one unikernel can be chosen apart.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar, overload

from mirage_py.dsl.place import here
from mirage_py.dsl.value import Choices, Value, both, pure
from mirage_py.errors import ConfigError, UsageError

__all__ = [
    "Key",
    "Kind",
    "both",
    "enum",
    "flag",
    "integer",
    "is_solo5",
    "is_unikraft",
    "is_unix",
    "is_xen",
    "pure",
    "string",
    "strings",
    "target",
]

T = TypeVar("T")

Kind = Literal["flag", "enum", "string", "integer", "strings"]

RESERVED: Final = frozenset(
    (
        *(
            "color",
            "dev",
            "dry-run",
            "explain",
            "fail-on",
            "file",
            "format",
            "help",
            "jobs",
            "json",
            "link",
            "log-format",
        ),
        *("opam", "output", "quiet", "release", "reset", "solo5-prefix", "switch", "target", "toolchain", "unikernel"),
        *("verbose", "version"),
    )
)
"""Names of mpy's own options: a key of this name could not be given."""

UNIKERNEL: Final = "UNIKERNEL"


class Key(Value[T]):
    """A choice made when configuring; as a `Value` it stands for what was chosen.

    Two keys with the same name and the same declaration are one key; with different ones they are an error.
    """

    __slots__ = ("choices", "default", "doc", "docv", "kind", "location", "name", "optional", "required")

    def __init__(
        self,
        name: str,
        kind: Kind,
        *,
        default: Any,  # any: what the kind says
        doc: str = "",
        docv: str = "",
        choices: Mapping[str, Any] | None = None,
        required: bool = False,
        optional: bool = False,
        group: str | None = None,
        reserved: bool = False,
    ) -> None:
        self.name = _checked_name(f"{group}-{name}" if group else name, reserved=reserved)
        self.kind = kind
        self.default = default
        self.doc = doc
        self.docv = docv or name.upper().replace("-", "_")
        self.choices = dict(choices or {})
        self.required = required
        self.optional = optional
        self.location = here()
        super().__init__((self,), self._choice)

    def _choice(self, choices: Choices) -> T:
        if self.name in choices:
            return choices[self.name]  # type: ignore[no-any-return]  # parsed by this key
        if self.required:
            raise UsageError(
                f"the key --{self.name} has no default and was not given",
                location=self.location,
                details=(self.doc,) if self.doc else (),
                hint=f"give --{self.name} {self.docv}, or set {self.environment}",
            )
        return self.default  # type: ignore[no-any-return]  # checked by the constructor functions

    @property
    def environment(self) -> str:
        """The environment variable that sets the key."""
        return "MPY_KEY_" + self.name.upper().replace("-", "_")

    @property
    def declaration(self) -> tuple[object, ...]:
        """What makes two keys of one name the same key."""
        return (self.name, self.kind, self.default, self.doc, tuple(self.choices.items()), self.required, self.optional)

    def parse(self, texts: Sequence[str]) -> T:
        """The value of the key from what was written, once or (for `strings`) several times.

        Raises `UsageError` when the text is not a value of this key.
        """
        if self.kind == "strings":
            return tuple(texts)  # type: ignore[return-value]  # a strings key has T = tuple[str, ...]
        if len(texts) > 1:
            raise UsageError(f"--{self.name} was given {len(texts)} times", hint="give it once")
        return self._parse_one(texts[0])  # type: ignore[no-any-return]

    def _parse_one(self, text: str) -> Any:  # any: what the kind says
        match self.kind:
            case "flag":
                return _parse_flag(self.name, text)
            case "enum":
                return self._parse_enum(text)
            case "integer":
                return _parse_integer(self.name, text)
            case _:
                return text

    def _parse_enum(self, text: str) -> Any:  # any: the values of the enumeration
        if text in self.choices:
            return self.choices[text]
        raise UsageError(
            f"--{self.name}: {text!r} is not one of {', '.join(self.choices)}",
            hint=suggestion(text, self.choices) or "choose one of these",
        )

    def show(self, value: object) -> str:
        """The value as a person would write it on the command line."""
        for word, meant in self.choices.items():
            if meant == value:
                return word
        match value:
            case None:
                return ""
            case bool():
                return "true" if value else "false"
            case tuple():
                return ",".join(map(str, value))
            case _:
                return str(value)

    def __str__(self) -> str:
        return f"key {self.name}"


def flag(name: str, *, doc: str = "", group: str | None = None) -> Key[bool]:
    """A key that is false unless `--NAME` is given (`--NAME=false` takes a saved choice back)."""
    return Key(name, "flag", default=False, doc=doc, group=group)


@overload
def enum(name: str, values: Sequence[str], *, default: str, doc: str = ..., group: str | None = ...) -> Key[str]: ...
@overload
def enum(name: str, values: Mapping[str, T], *, default: T, doc: str = ..., group: str | None = ...) -> Key[T]: ...
@overload
def enum(
    name: str, values: Sequence[str], *, required: Literal[True], doc: str = ..., group: str | None = ...
) -> Key[str]: ...
@overload
def enum(name: str, values: Sequence[str], *, doc: str = ..., group: str | None = ...) -> Key[str | None]: ...
@overload
def enum(name: str, values: Mapping[str, T], *, doc: str = ..., group: str | None = ...) -> Key[T | None]: ...
def enum(
    name: str,
    values: Sequence[str] | Mapping[str, Any],
    *,
    default: Any = None,
    required: bool = False,
    doc: str = "",
    group: str | None = None,
) -> Key[Any]:
    """A key that takes one of `values`: a list of words, or a mapping from words to what they mean.

    Without a default the value is None when the key is not given; with `required=True` it must be given.
    """
    choices = dict(values) if isinstance(values, Mapping) else {word: word for word in values}
    if not all(word and isinstance(word, str) for word in choices):
        raise ConfigError(f"key {name}: its values are words, got {', '.join(map(repr, choices))}", location=here())
    if not choices or (default is not None and default not in choices.values()):
        raise ConfigError(
            f"key {name}: default {default!r} is not one of its values ({', '.join(choices) or 'none'})",
            location=here(),
        )
    optional = default is None and not required
    return Key(
        name, "enum", default=default, doc=doc, choices=choices, required=required, optional=optional, group=group
    )


@overload
def string(name: str, *, default: str, doc: str = ..., docv: str = ..., group: str | None = ...) -> Key[str]: ...
@overload
def string(
    name: str, *, required: Literal[True], doc: str = ..., docv: str = ..., group: str | None = ...
) -> Key[str]: ...
@overload
def string(name: str, *, doc: str = ..., docv: str = ..., group: str | None = ...) -> Key[str | None]: ...
def string(
    name: str,
    *,
    default: str | None = None,
    required: bool = False,
    doc: str = "",
    docv: str = "",
    group: str | None = None,
) -> Key[Any]:
    """A key that takes any text; without a default its value is None when it is not given."""
    optional = default is None and not required
    return Key(name, "string", default=default, doc=doc, docv=docv, required=required, optional=optional, group=group)


@overload
def integer(name: str, *, default: int, doc: str = ..., docv: str = ..., group: str | None = ...) -> Key[int]: ...
@overload
def integer(
    name: str, *, required: Literal[True], doc: str = ..., docv: str = ..., group: str | None = ...
) -> Key[int]: ...
@overload
def integer(name: str, *, doc: str = ..., docv: str = ..., group: str | None = ...) -> Key[int | None]: ...
def integer(
    name: str,
    *,
    default: int | None = None,
    required: bool = False,
    doc: str = "",
    docv: str = "",
    group: str | None = None,
) -> Key[Any]:
    """A key that takes a whole number; without a default its value is None when it is not given."""
    optional = default is None and not required
    return Key(name, "integer", default=default, doc=doc, docv=docv, required=required, optional=optional, group=group)


def strings(name: str, *, doc: str = "", docv: str = "", group: str | None = None) -> Key[tuple[str, ...]]:
    """A key that may be given any number of times; its value is the tuple of what was given."""
    return Key(name, "strings", default=(), doc=doc, docv=docv, group=group)


def suggestion(word: str, known: Sequence[str] | Mapping[str, object]) -> str | None:
    """A hint that names the known word nearest to a mistyped one, or None when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None


def _checked_name(name: str, *, reserved: bool) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigError(
            f"key name {name!r} is not a word for the command line",
            location=here(),
            hint="use lower-case letters and digits, with single dashes between words",
        )
    if name in RESERVED and not reserved:
        raise ConfigError(
            f"key name {name!r} is an option of mpy itself", location=here(), hint="choose another name, or a group"
        )
    return name


def _parse_flag(name: str, text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "": True, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise UsageError(f"--{name}: {text!r} is neither true nor false", hint=f"give --{name}, or --{name}=false")
    return words[text.lower()]


def _parse_integer(name: str, text: str) -> int:
    try:
        return int(text, 10)
    except ValueError:
        raise UsageError(f"--{name}: {text!r} is not a whole number", hint=f"for instance --{name} 4") from None


TARGETS: Final = (
    "unix",
    "macosx",
    "xen",
    "virtio",
    "hvt",
    "muen",
    "qubes",
    "genode",
    "spt",
    "unikraft-firecracker",
    "unikraft-qemu",
)

target: Final[Key[str]] = Key(
    "target",
    "enum",
    default="macosx" if sys.platform == "darwin" else "unix",
    doc="what the unikernel runs on",
    choices={name: name for name in TARGETS},
    reserved=True,
)
"""The target being configured, a key like any other."""

is_unix: Final = target.is_("unix", "macosx")
is_xen: Final = target.is_("xen", "qubes")
is_solo5: Final = target.is_("hvt", "spt", "virtio", "muen", "genode")
"""hvt, spt, virtio, muen and genode; not xen and qubes, though the Solo5 toolchain builds them."""
is_unikraft: Final = target.is_("unikraft-firecracker", "unikraft-qemu")


def kv_ro(group: str | None = None) -> Key[str]:
    """How a read-only store is served: `crunch` (compiled in) or `direct` (the host's folder)."""
    return enum("kv-ro", ["crunch", "direct"], default="crunch", doc=_doc("store", group), group=group)


def block(group: str | None = None) -> Key[str]:
    """What backs a block device: `xenstore`, `file` or `ramdisk`."""
    doc = _doc("block device", group)
    return enum("block", ["xenstore", "file", "ramdisk"], default="ramdisk", doc=doc, group=group)


def net(group: str | None = None) -> Key[str | None]:
    """Whose network stack is used: `host` (or `socket`) or `ocaml` (or `direct`)."""
    words = {"host": "host", "socket": "host", "ocaml": "ocaml", "direct": "ocaml"}
    return enum("net", words, doc=_doc("network stack", group), group=group)


def no_dhcp(group: str | None = None) -> Key[bool]:
    """Whether addresses are given at boot instead of asked by DHCP."""
    return flag("no-dhcp", doc=f"do without DHCP for {_whom(group)}", group=group)


def utcp(group: str | None = None) -> Key[bool]:
    """Whether TCP is served by the µTCP implementation."""
    return flag("utcp", doc=f"use the µTCP stack for {_whom(group)}", group=group)


def _doc(what: str, group: str | None) -> str:
    return f"implementation of the {what} of {_whom(group)}"


def _whom(group: str | None) -> str:
    return f"the {group} group" if group else "the unikernel"
