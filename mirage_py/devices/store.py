"""Key/value stores: read-only and read-write, compiled in, on a disk, or in a folder of the host."""

from __future__ import annotations

import re
from typing import TypeVar

from mirage_py.devices.block import block
from mirage_py.dsl import key
from mirage_py.dsl.device import ConfiguredUnikernel, Connect, Sexp
from mirage_py.dsl.impl import Impl, if_impl, impl, match_impl
from mirage_py.dsl.ocaml import ocaml_string
from mirage_py.dsl.package import bounded
from mirage_py.dsl.place import here
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import ModuleType, typ
from mirage_py.dsl.value import Value
from mirage_py.errors import ConfigError
from mirage_py.types import Block, KvRo, KvRw

T = TypeVar("T")

kv_ro = typ(KvRo, signature="Mirage_kv.RO")
kv_rw = typ(KvRw, signature="Mirage_kv.RW")

_HOST_ONLY = "it serves a folder of the host, and there is none"


def crunch(directory: str) -> Impl[KvRo]:
    """The files below `directory` (relative to config.py), compiled into the unikernel by ocaml-crunch."""
    if directory.startswith("/") or "%{" in directory:
        raise ConfigError(
            f"{directory!r} cannot be compiled in", location=here(), hint="name a folder relative to config.py"
        )
    module = "Static_" + re.sub(r"[^0-9a-zA-Z]", "_", directory.lower())

    def rule(unikernel: ConfiguredUnikernel) -> tuple[Sexp, ...]:
        tree = f"{unikernel.source_dir}/{directory}"
        outputs = (f"{module}.ml", f"{module}.mli")
        action: Sexp = ("run", "ocaml-crunch", "-o", outputs[0], tree)
        return (("rule", ("targets", *outputs), ("deps", ("source_tree", tree)), ("action", action)),)

    return impl(
        module,
        kv_ro,
        packages=[bounded("mirage-kv-mem", entry="mirage-kv-mem for crunch"), bounded("crunch", build=True)],
        connect="{module}.connect ()",
        dune=rule,
    )


def direct_kv_ro(directory: str) -> Impl[KvRo]:
    """The files below `directory`, read from the host where there is one, else compiled in."""
    return if_impl(key.is_unix, _folder(directory, kv_ro), crunch(directory))


def _folder(directory: str, type_: ModuleType[T], refusal: Value[str | None] | None = None) -> Impl[T]:
    return impl(
        "Mirage_kv_unix",
        type_,
        packages=[bounded("mirage-kv-unix")],
        connect=lambda c: f"{c.module}.connect {ocaml_string(directory)}",
        refusal=refusal,
    )


def generic_kv_ro(directory: str, *, group: str | None = None, key: Value[str] | None = None) -> Impl[KvRo]:
    """The files below `directory`, compiled in or read from the host, as the key `--kv-ro` (or `key`) chooses."""
    direct = direct_kv_ro(directory)
    return match_impl(
        _kv_ro_key(group) if key is None else key, {"crunch": crunch(directory), "direct": direct}, default=direct
    )


def _kv_ro_key(group: str | None) -> Value[str]:
    return key.kv_ro(group)


def direct_kv_rw(directory: str) -> Impl[KvRw]:
    """The files below `directory` of the host, for reading and writing; unix only."""
    return _folder(directory, kv_rw, key.is_unix.map(lambda unix: None if unix else _HOST_ONLY))


def kv_rw_mem() -> Impl[KvRw]:
    """A store in memory, empty at boot."""
    return impl(
        "Mirage_kv_mem",
        kv_rw,
        packages=[bounded("mirage-kv-mem", entry="mirage-kv-mem for kv_rw_mem")],
        connect="{module}.connect ()",
    )


_tar_ro = impl(
    "Tar_mirage.Make_KV_RO",
    block >> kv_ro,
    packages=[bounded("tar-mirage", entry="tar-mirage for tar_kv_ro")],
    connect="{module}.connect {arg0}",
)
_tar_rw = impl(
    "Tar_mirage.Make_KV_RW",
    block >> kv_rw,
    packages=[bounded("tar-mirage", entry="tar-mirage for tar_kv_rw")],
    connect="{module}.connect {arg0}",
)
_fat = impl("Fat.KV_RO", block >> kv_ro, packages=[bounded("fat-filesystem")], connect="{module}.connect {arg0}")


def tar_kv_ro(disk: Impl[Block]) -> Impl[KvRo]:
    """The tar archive on a disk, for reading."""
    return _tar_ro(disk)


def tar_kv_rw(disk: Impl[Block]) -> Impl[KvRw]:
    """The tar archive on a disk, for reading and appending."""
    return _tar_rw(disk)


def fat_ro(disk: Impl[Block]) -> Impl[KvRo]:
    """The FAT file system on a disk, for reading."""
    return _fat(disk)


def chamelon(disk: Impl[Block], *, program_block_size: RuntimeArg) -> Impl[KvRw]:
    """The LittleFS file system on a disk; `program_block_size` is a boot-time argument, in bytes."""

    def connect(c: Connect) -> str:
        return (
            f"{c.module}.connect ~program_block_size:{c.runtime_args[0]} {c.args[0]}\n"
            f'>|= Result.map_error (Format.asprintf "%a" {c.module}.pp_error)\n'
            ">|= Result.fold ~ok:Fun.id ~error:failwith"
        )

    functor = impl(
        "Kv.Make",
        block >> kv_rw,
        packages=[bounded("chamelon", "chamelon.kv")],
        runtime_args=[program_block_size],
        connect=connect,
    )
    return functor(disk)
