"""The schedulers of a unikernel, each a page: what main.ml opens, how promises are made, awaited in order and run.

Connect code is written against the names `io`, `return` and the page's bind, which every scheduler brings into scope.
"""

from __future__ import annotations

from dataclasses import dataclass

from mirage_py.dsl.check import shown
from mirage_py.dsl.package import Package
from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """How main.ml speaks to a scheduler, and which packages bring it.

    `opens` are modules opened first, `promise` is the type constructor behind `io`, `return_` makes a promise from a
    value, `bind` is the infix operator that awaits one, `run` the function that drives the last one to its end, in
    which `{os}` stands for the target's own runtime module.
    """

    name: str
    opens: tuple[str, ...]
    promise: str
    return_: str
    bind: str
    run: str
    packages: tuple[Package, ...]

    def run_on(self, os_module: str) -> str:
        """The function that runs the program on a target with this runtime module."""
        return self.run.replace("{os}", os_module)


lwt = Scheduler(
    name="lwt",
    opens=("Lwt.Infix",),
    promise="Lwt.t",
    return_="Lwt.return",
    bind=">>=",
    run="{os}.Main.run",
    packages=(Package(name="lwt", libraries=("lwt",)),),
)


def chosen(scheduler: object) -> Scheduler:
    """The page that `register(..., scheduler=...)` asks for, by value or by name; a `ConfigError` for anything else."""
    if isinstance(scheduler, Scheduler):
        return scheduler
    if scheduler == lwt.name:
        return lwt
    raise ConfigError(
        f"scheduler takes a Scheduler or the name of one that comes with mpy, got {shown(scheduler)}",
        location=here(),
        hint='"lwt" comes with mpy; any other is a value: Scheduler(name=..., opens=..., ...)',
    )
