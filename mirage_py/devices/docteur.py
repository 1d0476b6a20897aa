"""docteur: a git repository or a folder as a read-only disk image, made when the unikernel is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal

from mirage_py.devices import boot
from mirage_py.devices.store import kv_ro
from mirage_py.dsl import key
from mirage_py.dsl.check import names
from mirage_py.dsl.device import ConfiguredUnikernel, ConnectCode, Resource, Sexp
from mirage_py.dsl.impl import Impl, impl, match_impl
from mirage_py.dsl.key import Key
from mirage_py.dsl.ocaml import ocaml_string
from mirage_py.dsl.package import bounded
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.types import KvRo

Mode = Literal["fast", "light"]

disk_name: Final[Key[str]] = key.string("disk-name", default="docteur", doc="name of the docteur disk")
"""What the disk is called in the manifest of a Solo5 image."""
disk_output: Final[Key[str]] = key.string("disk-output", default="disk.img", doc="file name of the docteur image")
"""The file that docteur.make writes."""

_UNIKRAFT = key.is_unikraft.map(lambda unikraft: "docteur has no library for Unikraft" if unikraft else None)


def docteur(
    remote: str,
    *,
    mode: Mode = "fast",
    name: Key[str] = disk_name,
    output: Key[str] = disk_output,
    analyze: RuntimeArg = boot.analyze,
    branch: str | None = None,
    extra_deps: Iterable[str] = (),
) -> Impl[KvRo]:
    """The files of a git repository on a disk image that docteur.make writes.

    `remote` is a git URL, `file://PATH` or `relativize://PATH` (relative to config.py). `fast` keeps the whole tree in
    memory, `light` reads it from the disk. `extra_deps` are files below config.py that make dune write the image again.
    """
    rule = _rule(remote, branch, names(extra_deps, what="extra_deps", example="data.txt"), output)

    def disk(library: str, file: Key[str]) -> Impl[KvRo]:
        return impl(
            f"{library.replace('-', '_').capitalize()}.{mode.capitalize()}",
            kv_ro,
            packages=[bounded(library)],
            keys=(output, file),
            runtime_args=[analyze],
            resources=file.map(lambda chosen: (Resource(kind="block", name=chosen),)),
            connect=_opened(file),
            dune=rule,
            refusal=_UNIKRAFT,
        )

    freestanding = ("xen", "qubes", "virtio", "hvt", "spt", "muen", "genode")
    return match_impl(
        key.target, dict.fromkeys(freestanding, disk("docteur-solo5", name)), default=disk("docteur-unix", output)
    )


def _opened(file: Key[str]) -> ConnectCode:
    return lambda c: (
        f"{c.module}.connect ~analyze:{c.runtime_args[0]} {ocaml_string(file.eval(c.unikernel.choices))}\n"
        f'>|= Result.map_error (Format.asprintf "%a" {c.module}.pp_error)\n'
        ">|= Result.fold ~ok:Fun.id ~error:failwith"
    )


def _rule(
    remote: str, branch: str | None, extra_deps: tuple[str, ...], output: Key[str]
) -> Callable[[ConfiguredUnikernel], tuple[Sexp, ...]]:
    scheme, _, path = remote.partition("://")

    def stanzas(unikernel: ConfiguredUnikernel) -> tuple[Sexp, ...]:
        image, up = output.eval(unikernel.choices), unikernel.source_dir
        folder = {"file": f"/{path.lstrip('/')}", "relativize": f"{up}/{path}"}.get(scheme)
        source = f"relativize://{folder}" if scheme == "relativize" else remote
        deps: list[Sexp] = [(":make", "%{bin:docteur.make}"), *(f"{up}/{dep}" for dep in extra_deps)]
        deps += [("source_tree", folder)] if folder else []
        run = ("run", "%{make}", source, *(("-b", branch) if branch else ()), image)
        enabled = ("enabled_if", ("=", "%{context_name}", "default"))
        return (("rule", enabled, ("targets", image), ("deps", *deps), ("action", run)),)

    return stanzas
