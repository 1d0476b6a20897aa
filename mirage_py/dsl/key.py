"""Configure-time keys: choices that decide which devices a unikernel is made of.

A key becomes an option of every command that reads config.py (`--NAME`) and an environment variable (`MPY_KEY_NAME`).
With a group it becomes `--GROUP-NAME`, so that two stacks of one unikernel can be chosen apart. `env="TLS"` names
another variable than `MPY_KEY_NAME`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar, overload

from mirage_py.dsl.place import here
from mirage_py.dsl.signature import checked
from mirage_py.dsl.value import Key, Kind, both, pure
from mirage_py.errors import ConfigError

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

UNIKERNEL: Final = "UNIKERNEL"


@checked
def flag(name: str, *, doc: str = "", group: str | None = None, env: str | None = None) -> Key[bool]:
    """A key that is false unless `--NAME` is given (`--NAME=false` takes a saved choice back)."""
    return Key(name, "flag", default=False, doc=doc, group=group, env=env)


@overload
def enum(
    name: str, values: Sequence[str], *, default: str, doc: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[str]: ...
@overload
def enum(
    name: str, values: Mapping[str, T], *, default: T, doc: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[T]: ...
@overload
def enum(
    name: str,
    values: Sequence[str],
    *,
    required: Literal[True],
    doc: str = ...,
    group: str | None = ...,
    env: str | None = ...,
) -> Key[str]: ...
@overload
def enum(
    name: str, values: Sequence[str], *, doc: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[str | None]: ...
@overload
def enum(
    name: str, values: Mapping[str, T], *, doc: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[T | None]: ...
@checked
def enum(
    name: str,
    values: Sequence[str] | Mapping[str, Any],
    *,
    default: Any = None,
    required: bool = False,
    doc: str = "",
    group: str | None = None,
    env: str | None = None,
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
        name,
        "enum",
        default=default,
        doc=doc,
        choices=choices,
        required=required,
        optional=optional,
        group=group,
        env=env,
    )


@overload
def string(
    name: str, *, default: str, doc: str = ..., docv: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[str]: ...
@overload
def string(
    name: str,
    *,
    required: Literal[True],
    doc: str = ...,
    docv: str = ...,
    group: str | None = ...,
    env: str | None = ...,
) -> Key[str]: ...
@overload
def string(
    name: str, *, doc: str = ..., docv: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[str | None]: ...
@checked
def string(
    name: str,
    *,
    default: str | None = None,
    required: bool = False,
    doc: str = "",
    docv: str = "",
    group: str | None = None,
    env: str | None = None,
) -> Key[Any]:
    """A key that takes any text; without a default its value is None when it is not given."""
    optional = default is None and not required
    return Key(
        name, "string", default=default, doc=doc, docv=docv, required=required, optional=optional, group=group, env=env
    )


@overload
def integer(
    name: str, *, default: int, doc: str = ..., docv: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[int]: ...
@overload
def integer(
    name: str,
    *,
    required: Literal[True],
    doc: str = ...,
    docv: str = ...,
    group: str | None = ...,
    env: str | None = ...,
) -> Key[int]: ...
@overload
def integer(
    name: str, *, doc: str = ..., docv: str = ..., group: str | None = ..., env: str | None = ...
) -> Key[int | None]: ...
@checked
def integer(
    name: str,
    *,
    default: int | None = None,
    required: bool = False,
    doc: str = "",
    docv: str = "",
    group: str | None = None,
    env: str | None = None,
) -> Key[Any]:
    """A key that takes a whole number; without a default its value is None when it is not given."""
    optional = default is None and not required
    return Key(
        name, "integer", default=default, doc=doc, docv=docv, required=required, optional=optional, group=group, env=env
    )


@checked
def strings(
    name: str, *, doc: str = "", docv: str = "", group: str | None = None, env: str | None = None
) -> Key[tuple[str, ...]]:
    """A key that may be given any number of times; its value is the tuple of what was given."""
    return Key(name, "strings", default=(), doc=doc, docv=docv, group=group, env=env)


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


@checked
def kv_ro(group: str | None = None, env: str | None = None) -> Key[str]:
    """How a read-only store is served: `crunch` (compiled in) or `direct` (the host's folder, on unix and macosx)."""
    return enum("kv-ro", ["crunch", "direct"], default="crunch", doc=_doc("store", group), group=group, env=env)


@checked
def block(group: str | None = None, env: str | None = None) -> Key[str]:
    """What backs a block device: `xenstore` (of Xen), `file` (or the tender's device of that name) or `ramdisk`."""
    doc = _doc("block device", group)
    return enum("block", ["xenstore", "file", "ramdisk"], default="ramdisk", doc=doc, group=group, env=env)


@checked
def net(group: str | None = None, env: str | None = None) -> Key[str | None]:
    """Whose network stack is used.

    `host` (or `socket`): the sockets of the host, on unix and macosx only. `ocaml` (or `direct`): the stack written in
    OCaml, over a network interface. Without a choice it is the one in OCaml, but for unix and macosx with `--no-dhcp`.
    """
    words = {"host": "host", "socket": "host", "ocaml": "ocaml", "direct": "ocaml"}
    return enum("net", words, doc=_doc("network stack", group), group=group, env=env)


@checked
def no_dhcp(group: str | None = None, env: str | None = None) -> Key[bool]:
    """Whether addresses are given at boot instead of asked by DHCP."""
    return flag("no-dhcp", doc=f"do without DHCP for {_whom(group)}", group=group, env=env)


@checked
def utcp(group: str | None = None, env: str | None = None) -> Key[bool]:
    """Whether TCP is served by the µTCP implementation."""
    return flag("utcp", doc=f"use the µTCP stack for {_whom(group)}", group=group, env=env)


def _doc(what: str, group: str | None) -> str:
    return f"implementation of the {what} of {_whom(group)}"


def _whom(group: str | None) -> str:
    return f"the {group} group" if group else "the unikernel"
