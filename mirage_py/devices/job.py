"""Jobs: what a unikernel runs, and the initial ones that every unikernel runs before its own."""

from __future__ import annotations

from mirage_py.devices import boot
from mirage_py.dsl import key
from mirage_py.dsl.impl import Impl, impl, match_impl
from mirage_py.dsl.job import job
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.types import typ
from mirage_py.types import Argv, Job

argv = typ(Argv, signature="string array")


def _bootvar(sublib: str) -> Impl[Argv]:
    return impl(
        "Mirage_bootvar",
        argv,
        packages=[bounded("mirage-bootvar", "mirage-bootvar", f"mirage-bootvar.{sublib}")],
        connect="return (Mirage_bootvar.argv ())",
    )


_bootvar_solo5 = _bootvar("solo5")
_bootvar_xen = _bootvar("xen")

default_argv: Impl[Argv] = match_impl(
    key.target,
    dict.fromkeys(("hvt", "spt", "virtio", "muen", "genode"), _bootvar_solo5)
    | dict.fromkeys(("xen", "qubes"), _bootvar_xen),
    default=_bootvar("unix"),
)
"""The command line that the host, the tender or the hypervisor hands to the unikernel."""

no_argv = impl("Mirage_runtime", argv, connect='return [|""|]')
"""An empty command line: no boot-time argument can be given."""


def runtime_args(argv: Impl[Argv]) -> Impl[Job]:
    """The job that evaluates every boot-time argument; `register` puts it first."""
    return impl(
        "struct end",
        job,
        packages=[Package(name="mirage-runtime", libraries=("mirage-runtime",))],
        extra_deps=[argv],
        connect="return Mirage_runtime.(with_argv (runtime_args ()) {name} {dep0})",
    )


ocaml_runtime = impl(
    "Cmdliner_stdlib",
    job,
    packages=[bounded("cmdliner-stdlib")],
    runtime_args=[boot.ocaml_runtime],
    connect="return ({rt0})",
)
"""Settings of the OCaml runtime: backtraces, hash tables, the garbage collector."""

delay_startup = impl(
    "Mirage_runtime",
    job,
    packages=[bounded("duration")],
    runtime_args=[boot.delay],
    connect="Mirage_sleep.ns (Duration.of_sec {rt0})",
)
"""Waits as many seconds as `--delay` says."""

unikernel_name = impl("Mirage_runtime", job, connect="Mirage_runtime.set_name {name}; Lwt.return_unit")
"""Gives the running unikernel its name."""
