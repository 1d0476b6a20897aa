"""The schedulers of a unikernel, each a page: what main.ml opens, how promises are made, awaited in order and run.

Connect code is written against the names `io`, `return` and the page's bind, which every scheduler brings into scope.
What is written for another scheduler is awaited over a bridge, which a page knows and a configuration asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from mirage_py.dataclass import dataclass, replace
from mirage_py.dsl.check import listed, names, shown
from mirage_py.dsl.package import Package, bounded, brought
from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class MainLoop:
    """The function that drives the last promise on targets with this runtime module (`Solo5_os`), and its packages."""

    os: str
    run: str
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """How a page awaits what is written for the scheduler of this name.

    `function` is OCaml, of type `(unit -> 'a theirs) -> 'a ours`: it starts what it is given and gives a promise of
    the page's own. `packages` bring it.
    """

    of: str
    function: str
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """How main.ml speaks to a scheduler, and which packages bring it.

    `opens` are modules opened first, `promise` is the type constructor behind `io`, `return_` makes a promise from a
    value, `bind` is the infix operator that awaits one, `run` the function that drives the last one to its end, in
    which `{os}` stands for the target's own runtime module. A page whose main loops are libraries of their own gives
    `loops` instead of `run`. `bridges` are those that it knows, `bridged` the names of the schedulers whose devices it
    lets in over them.
    """

    name: str
    opens: tuple[str, ...]
    promise: str
    return_: str
    bind: str
    run: str = ""
    loops: tuple[MainLoop, ...] = ()
    packages: tuple[Package, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    bridged: tuple[str, ...] = ()

    def bridging(self, *others: Scheduler) -> Scheduler:
        """This page with devices of the other schedulers let in; a `ConfigError` where it knows no bridge to one."""
        for other in listed(others, Scheduler, what="bridging", example="scheduler.lwt"):
            if self.bridge_to(other) is None:
                raise ConfigError(
                    f"scheduler {self.name} knows no bridge to {other.name}",
                    location=here(),
                    hint=f"give it one: .adding(bridges=[Bridge(of={other.name!r}, function=...)])",
                )
        return replace(self, bridged=_once(self.bridged, (other.name for other in others)))

    def adding(
        self, *, opens: Iterable[str] = (), packages: Iterable[Package] = (), bridges: Iterable[Bridge] = ()
    ) -> Scheduler:
        """This page with further modules opened, packages and bridges; a bridge replaces one to the same scheduler."""
        more = listed(bridges, Bridge, what="bridges", example='Bridge(of="lwt", function="Mine.of_lwt")')
        replaced = {bridge.of for bridge in more}
        return replace(
            self,
            opens=_once(self.opens, names(opens, what="opens", example="Core")),
            packages=_once(self.packages, listed(packages, Package, what="packages", example='package("core")')),
            bridges=(*(one for one in self.bridges if one.of not in replaced), *more),
        )

    def understands(self, other: Scheduler | None) -> bool:
        """Whether promises of the other one are promises of this one; None is whatever a unikernel runs on."""
        return other is None or other.promise == self.promise

    def bridge_to(self, other: Scheduler) -> Bridge | None:
        """How to await what is written for the other one, where the page knows."""
        return next((bridge for bridge in self.bridges if bridge.of == other.name), None)

    def loop_on(self, os_module: str) -> MainLoop | None:
        """The main loop on a target with this runtime module, where there is one."""
        own_loop = next((loop for loop in self.loops if loop.os == os_module), None)
        if own_loop is not None or not self.run:
            return own_loop
        return MainLoop(os=os_module, run=self.run.replace("{os}", os_module))

    def run_on(self, os_module: str) -> str:
        """The function that runs the program on a target with this runtime module; empty where there is none."""
        loop = self.loop_on(os_module)
        return loop.run if loop else ""

    def packages_on(self, os_module: str) -> tuple[Package, ...]:
        """What brings the scheduler, and its main loop, to a target with this runtime module."""
        loop = self.loop_on(os_module)
        return _once(self.packages, loop.packages if loop else ())


def _once(first: Iterable[T], more: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *more)))


lwt = Scheduler(
    name="lwt",
    opens=("Lwt.Infix",),
    promise="Lwt.t",
    return_="Lwt.return",
    bind=">>=",
    run="{os}.Main.run",
    packages=(Package(name="lwt", libraries=("lwt",)),),
    bridges=(Bridge(of="async", function="Mpy_async.to_lwt", packages=(brought("mpy_async"),)),),
)
"""Lwt, driven by the main loop that each target's own runtime library has."""

async_ = Scheduler(
    name="async",
    opens=("Async_kernel.Deferred.Infix",),
    promise="Async_kernel.Deferred.t",
    return_="Async_kernel.return",
    bind=">>=",
    loops=tuple(
        MainLoop(
            os=f"{family.capitalize()}_os", run=f"Mpy_async_{family}.run", packages=(brought(f"mpy_async_{family}"),)
        )
        for family in ("unix", "solo5", "xen")
    ),
    packages=(bounded("async_kernel"),),
    bridges=(Bridge(of="lwt", function="Mpy_async.of_lwt", packages=(brought("mpy_async"),)),),
)
"""Jane Street's Async (`async_kernel`), a guest in the main loop that each target's own runtime library has."""

PAGES: Final = {page.name: page for page in (lwt, async_)}


def chosen(scheduler: object) -> Scheduler:
    """The page that `register(..., scheduler=...)` asks for, by value or by name; a `ConfigError` for anything else."""
    if isinstance(scheduler, Scheduler):
        return scheduler
    if isinstance(scheduler, str) and scheduler in PAGES:
        return PAGES[scheduler]
    raise ConfigError(
        f"scheduler takes a Scheduler or the name of one that comes with mpy, got {shown(scheduler)}",
        location=here(),
        hint=f"{' and '.join(PAGES)} come with mpy; any other is a value: Scheduler(name=..., opens=..., ...)",
    )
