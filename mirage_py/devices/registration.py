"""`register`: declaring a unikernel, with the initial jobs that come before its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from mirage_py.devices import clock, job as boot_jobs, random as randomness, reporter as logs
from mirage_py.dsl.check import listed, shown
from mirage_py.dsl.config import Registry, Unikernel, check_unikernel_name, current
from mirage_py.dsl.impl import Functor, Impl, label
from mirage_py.dsl.job import job as job_type
from mirage_py.dsl.place import here
from mirage_py.dsl.scheduler import Scheduler, chosen, lwt
from mirage_py.dsl.term import Choice, Dev, Term, postorder
from mirage_py.errors import ConfigError
from mirage_py.types import Argv, Job, Mtime, Ptime, Random, Reporter, Sleep

REPLACEABLE: Final = {
    "mirage-crypto-rng-mirage": "random=no_random",
    "mirage-mtime": "mtime=no_mtime",
    "mirage-ptime": "ptime=no_ptime",
    "mirage-sleep": "sleep=no_sleep",
}
"""Packages of the initial jobs, with what leaves each out."""


def register(
    name: str,
    jobs: Iterable[Impl[Job]],
    *,
    argv: Impl[Argv] | None = None,
    reporter: Impl[Reporter] | None = None,
    sleep: Impl[Sleep] | None = None,
    ptime: Impl[Ptime] | None = None,
    mtime: Impl[Mtime] | None = None,
    random: Impl[Random] | None = None,
    src: str | Literal["auto"] | None = "auto",
    scheduler: Scheduler | Literal["lwt", "async"] = lwt,
) -> None:
    """Declare a unikernel of this name that runs these jobs together, after its initial jobs one by one.

    The initial jobs are: boot arguments, OCaml runtime settings, the start-up delay, the log reporter, sleep, wall
    clock, monotonic clock, randomness, the unikernel's name; `no_reporter`, `no_sleep` and their like replace one.
    `src` is the URL of the opam file's source; "auto" and None leave it out: the file is the same in every clone.
    `scheduler` is the page that main.ml follows. Devices are written for it, or let in over a bridge: the catalogue's
    are for lwt, `scheduler.async_.bridging(scheduler.lwt)` lets them in. Raises `ConfigError` for a name that cannot
    be a file name, one registered before, or a job whose start would run before anything is initialised.
    """
    registry = current()
    _check_name(name, registry)
    found = _jobs(name, jobs)
    registry.unikernels.append(
        Unikernel(
            name=name,
            init=_init(argv, reporter, sleep, ptime, mtime, random),
            jobs=tuple(job.term for job in found),
            src=src,
            location=here(),
            scheduler=chosen(scheduler),
        )
    )


def _check_name(name: str, registry: Registry) -> None:
    check_unikernel_name(name, here())
    twin = next((u for u in registry.unikernels if u.name == name), None)
    if twin:
        raise ConfigError(
            f"a unikernel named {name!r} is registered already",
            location=here(),
            details=(f"at {twin.location}",),
            hint="give one of them another name: it names the image, too",
        )


def _jobs(name: str, jobs: Any) -> tuple[Impl[Any], ...]:  # any: whatever a user gives
    given: Iterable[Any] = (jobs,) if isinstance(jobs, (Impl, Functor)) else jobs
    found = listed(given, object, what="jobs", example='main("Unikernel", job)')
    for job in found:
        if not isinstance(job, Impl) or job.type is not job_type:
            got = shown(getattr(job, "type", job))
            raise ConfigError(
                f"{name}: every job must be of type job, got {got}",
                location=here(),
                hint="apply the functor to its arguments first" if ">>" in got else "a job is made with main(..., job)",
            )
        _check_has_arguments(job.term)
    return tuple(job for job in found if isinstance(job, Impl))


def _check_has_arguments(job: Term) -> None:
    for term in postorder((job,), _alternatives):
        if isinstance(term, Dev) and _is_bare(term):
            raise ConfigError(
                f"the job {label(term)} has no argument: its start would run before anything is initialised",
                location=term.location or here(),
                hint=f'write main("{term.device.module}", job), whose start takes (), or give it extra_deps=[noop]',
            )


def _alternatives(term: Term) -> tuple[Term, ...]:
    return (*(branch for _, branch in term.branches), term.default) if isinstance(term, Choice) else ()


def _is_bare(term: Dev) -> bool:
    return not term.args and not term.deps and not term.device.runtime_args and term.device.module != "Unit"


def _init(
    argv: Impl[Any] | None,
    reporter: Impl[Any] | None,
    sleep: Impl[Any] | None,
    ptime: Impl[Any] | None,
    mtime: Impl[Any] | None,
    random: Impl[Any] | None,
) -> tuple[Term, ...]:
    chosen = [
        boot_jobs.runtime_args(argv or boot_jobs.default_argv),
        boot_jobs.ocaml_runtime,
        boot_jobs.delay_startup,
        reporter or logs.default_reporter(),
        sleep or clock.default_sleep,
        ptime or clock.default_ptime,
        mtime or clock.default_mtime,
        random or randomness.default_random,
        boot_jobs.unikernel_name,
    ]
    return tuple(impl.term for impl in chosen if impl != logs.no_reporter)
