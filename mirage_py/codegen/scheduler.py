"""The scheduler of a generated main: what it opens, how promises are made, awaited in order and run.

One description; a second scheduler is another value here, not a change in the generator. Connect code of the catalogue
is written against the names `io`, `return`, `>>=` and `>|=` that every scheduler must bring into scope.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """How main.ml speaks to a scheduler.

    `opens` are modules opened first, `promise` is the type constructor behind `io`, `return_` makes a promise from a
    value, `bind` is the infix operator that awaits one, `run` the function of an `<Os>.Main` that drives the last one.
    """

    opens: tuple[str, ...]
    promise: str
    return_: str
    bind: str
    run: str


LWT = Scheduler(opens=("Lwt.Infix",), promise="Lwt.t", return_="Lwt.return", bind=">>=", run="run")
