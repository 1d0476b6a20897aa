"""Log reporters: where a unikernel's log lines go."""

from __future__ import annotations

from typing import Literal

from mirage_py.devices import boot
from mirage_py.dsl.device import Connect
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.package import bounded
from mirage_py.dsl.types import typ
from mirage_py.types import Reporter

reporter = typ(Reporter, signature="a log reporter")

Level = Literal["app", "error", "warning", "info", "debug"]


def default_reporter(*, level: Level | None = "info") -> Impl[Reporter]:
    """Log lines on the console. `level` holds where `--logs` does not set another; None is quiet."""
    threshold = "None" if level is None else f"(Some Logs.{level.capitalize()})"

    def connect(c: Connect) -> str:
        return (
            f"let reporter = {c.module}.create () in\n"
            f"Mirage_runtime.set_level ~default:{threshold} {c.runtime_args[0]};\n"
            "Logs.set_reporter reporter;\n"
            "Lwt.return reporter"
        )

    return impl("Mirage_logs", reporter, packages=[bounded("mirage-logs")], runtime_args=[boot.logs], connect=connect)


no_reporter = impl("Mirage_runtime", reporter, connect="assert false")
"""No reporter: nothing is logged and the unikernel has no `--logs` option."""
