"""`mpy build`, where it was made before: dune is asked at once, and what follows is done only where something changed.

This module imports next to nothing; what makes images is imported while dune runs, and only after an edit.
"""

from __future__ import annotations

import os
import time

from mirage_py.doors import alone, answers, signals
from mirage_py.doors.children import Children

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from typing import Any

    from mirage_py.build.finish import Built
    from mirage_py.workflow.again import Resumed

__all__ = ["build_again"]

PATIENCE = 1.0
"""Seconds that pass before anything moves on the screen."""

TICK = 0.005
"""Seconds after which it is looked again whether dune has made a program."""


def build_again(key: bytes, answer: answers.Answer) -> int | None:
    """The exit code of a build whose answer is remembered; None where it has to be made from the beginning."""
    rest = answer.rest
    assert rest is not None, "only a build has a rest"
    lock = alone.take(os.path.join(rest["folder"], "mirage", ".lock"))
    if lock is None:
        return None
    try:
        with signals.unwinding():
            return _built(key, answer, rest)
    except OSError:  # dune does not start: from the beginning it is told why
        return None
    finally:
        os.close(lock)


def _built(key: bytes, answer: answers.Answer, rest: dict[str, Any]) -> int | None:
    begun = time.time_ns()
    home = rest["folder"]
    if not answer.holds(lambda path: path.startswith(home)):
        return None
    trees = [one for one in rest["sources"] if one[0] == "tree"]
    sources = {one: answers.seen(*one) for one in rest["sources"] if one not in trees}
    started, commands = time.time_ns(), rest["commands"]
    with Children() as children:
        for argv, cwd, env, _ in commands:
            children.start(argv, cwd, env)
        # while dune runs: there may be thousands of files. Left before it has ended, it is ended
        if not answer.holds(lambda path: not path.startswith(home)):
            return None
        for one in trees:
            state = answers.seen(*one)
            sources[one] = state if state == rest["sources"][one] or answers.older(state, started) else None
        resumed = _resumed(key, answer, sources, begun) if sources != rest["sources"] else None
        _wait(children, resumed, rest)
        if any(children.codes[: len(commands)]):
            return _failed(resumed or _resumed(key, answer, sources, begun), children, rest)
        if resumed is None and answers.holds(rest["after"]):
            return answers.tell(answer.told)
        return _finished(resumed or _resumed(key, answer, sources, begun), rest)


def _resumed(key: bytes, answer: answers.Answer, sources: dict[tuple[str, str], object], since: int) -> Resumed:
    from mirage_py.workflow.again import Resumed

    return Resumed(key, answer, sources, since)


def _wait(children: Children, resumed: Resumed | None, rest: dict[str, Any]) -> None:
    """Until dune has ended; what can be done as soon as dune has made a program is begun."""
    since = time.monotonic()
    while not children.wait(TICK if resumed else PATIENCE, first=len(rest["commands"])):
        if resumed:
            resumed.go_ahead(children)
        if time.monotonic() - since > PATIENCE:
            _wait_on(children, resumed, rest)
            break


def _wait_on(children: Children, resumed: Resumed | None, rest: dict[str, Any]) -> None:
    from mirage_py.doors import terminal as console

    console.settings.verbosity, console.settings.color, console.settings.log_format = rest["terminal"]
    with console.working(rest["commands"][0][3], patience=0):
        while not children.wait(TICK if resumed else None, first=len(rest["commands"])):
            if resumed:
                resumed.go_ahead(children)


def _failed(resumed: Resumed, children: Children, rest: dict[str, Any]) -> int | None:
    from mirage_py.doors import terminal as console

    number, code = next((number, code) for number, code in enumerate(children.codes) if code)
    error = resumed.failed(number, code, children.output[number].decode("utf-8", errors="replace"))
    if error is None:
        return None
    answers.tell(rest["told"])
    console.error(error)
    return error.exit_code


def _finished(resumed: Resumed, rest: dict[str, Any]) -> int | None:
    from pathlib import Path

    from mirage_py.cli.images import tell_images, tell_root
    from mirage_py.doors import terminal as console

    def tell(images: tuple[Built, ...]) -> None:
        tell_root(Path(rest["folder"]))
        tell_images(images)

    try:
        done = resumed.finish()
    except Exception:  # noqa: BLE001  # from the beginning it is told why, in its place
        done = None
    if done is None or not done.built:
        resumed.end()
        return None
    answers.tell(rest["told"])
    tell(done.built)
    for failure in done.refused:
        console.error(failure)
    if not done.refused:
        resumed.keep(done.built, tell)
    return max((failure.exit_code for failure in done.refused), default=0)
