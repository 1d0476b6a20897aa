"""Rows of programs: within a row one follows another, and the rows go on side by side.

One program more runs at once than there are processors: while Python does what it has to do itself, it does not see
that one has ended. What was wished for first is started first.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from mirage_py.doors.children import Children
from mirage_py.doors.processes import Result, answering
from mirage_py.errors import MpyError

if TYPE_CHECKING:
    from mirage_py.model.command import Command

__all__ = ["Begun", "Row", "Wish", "side_by_side"]

Made = TypeVar("Made")


def _nothing() -> None:
    """There is nothing else to do."""


class Begun(NamedTuple):
    """A command that runs already, as the child of this number; what it writes is one stream."""

    command: Command
    children: Children
    number: int


class Wish(NamedTuple):
    """What a row waits for: the results of these commands, in their order; `meanwhile` is called while they run."""

    commands: tuple[Command | Begun, ...]
    meanwhile: Callable[[], object] = _nothing


Row = Generator[Wish, tuple[Result, ...], Made]
"""Gives wishes, is sent what came of each, and returns what it made."""


def side_by_side(rows: Sequence[Row[Made]]) -> tuple[Made, ...]:
    """What each row made, in their order; where some failed, when all have come to an end, the error of the first.

    Commands have all the time that they need here.
    """
    with ExitStack() as children:
        return _Rows(rows, children).made()


class _Rows(Generic[Made]):
    def __init__(self, rows: Sequence[Row[Made]], children: ExitStack) -> None:
        self._rows = rows
        self._children = children
        self._made: dict[int, Made] = {}
        self._failed: dict[int, MpyError] = {}
        self._wishes: dict[int, _Granted] = {}
        self._meanwhile: deque[tuple[int, Callable[[], object]]] = deque()
        self._waiting: deque[tuple[int, int, Command]] = deque()
        self._running: list[_Running | _RunningAlready] = []

    def made(self) -> tuple[Made, ...]:
        """All that is made, when it is."""
        for number in range(len(self._rows)):
            self._go_on(number, _Granted(0))
        while self._waiting or self._running or self._meanwhile:
            self._start()
            if self._meanwhile:
                self._work()
            else:
                self._listen()
        if self._failed:
            raise self._failed[min(self._failed)]
        return tuple(self._made[number] for number in range(len(self._rows)))

    def _go_on(self, number: int, granted: _Granted) -> None:
        """Have a row take what it waited for, and say what it waits for next."""
        row = self._rows[number]
        try:
            if granted.failed:
                wish = row.throw(granted.failed)
            else:
                wish = row.send(granted.told()) if number in self._wishes else next(row)
        except StopIteration as end:
            self._made[number] = end.value
        except MpyError as failed:
            self._failed[number] = failed
        else:
            self._wishes[number] = _Granted(len(wish.commands))
            self._put(number, wish.commands)
            self._meanwhile.append((number, wish.meanwhile))

    def _put(self, number: int, commands: tuple[Command | Begun, ...]) -> None:
        places = list(enumerate(commands))
        self._running += [_RunningAlready(number, place, one) for place, one in places if isinstance(one, Begun)]
        self._waiting += [(number, place, one) for place, one in places if not isinstance(one, Begun)]

    def _start(self) -> None:
        while self._waiting and len(self._running) <= (os.cpu_count() or 1):
            number, place, command = self._waiting.popleft()
            try:
                self._running.append(_Running(number, place, command, self._children))
            except MpyError as failed:
                self._grant(number, failed=failed)

    def _work(self) -> None:
        number, call = self._meanwhile.popleft()
        try:
            call()
        except MpyError as failed:
            self._grant(number, failed=failed)
        else:
            self._grant(number)

    def _listen(self) -> None:
        """Take what running programs write, unless some have ended: those are done with first."""
        ended = [one for one in self._running if not one.open()]
        if not ended:
            heard = {descriptor: one for one in self._running for descriptor in one.open()}
            for descriptor in select.select([*heard], [], [])[0] if heard else ():
                heard[descriptor].read(descriptor)
        for one in ended:
            self._running.remove(one)
            self._grant(one.number, one.place, one.result())

    def _grant(
        self, number: int, place: int = 0, result: Result | None = None, *, failed: MpyError | None = None
    ) -> None:
        granted = self._wishes[number]
        granted.left -= 1
        granted.failed = granted.failed or failed
        if result is not None:
            granted.results[place] = result
        if not granted.left:
            self._go_on(number, granted)


class _Granted:
    """What has come of a wish so far; that what is done meanwhile has been done is a part of it."""

    def __init__(self, commands: int) -> None:
        self.left = commands + 1
        self.results: list[Result | None] = [None] * commands
        self.failed: MpyError | None = None

    def told(self) -> tuple[Result, ...]:
        return tuple(one for one in self.results if one is not None)


class _Running:
    """A program that runs, with what it has written until now by descriptor."""

    def __init__(self, number: int, place: int, command: Command, children: ExitStack) -> None:
        self.number = number
        self.place = place
        self._command = command
        self._own = children.enter_context(ExitStack())
        self._child = self._own.enter_context(answering(command))
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._streams = (self._child.stdout.fileno(), self._child.stderr.fileno())
        self._text = dict.fromkeys(self._streams, b"")
        self._open = {*self._streams}

    def open(self) -> set[int]:
        """Where it still may write."""
        return self._open

    def read(self, descriptor: int) -> None:
        chunk = os.read(descriptor, 65536)
        self._text[descriptor] += chunk
        if not chunk:
            self._open.discard(descriptor)

    def result(self) -> Result:
        """How it ended."""
        code = self._child.wait()
        self._own.close()
        out, err = (self._text[stream].decode("utf-8", errors="replace") for stream in self._streams)
        return Result(command=self._command, code=code, stdout=out, stderr=err)


class _RunningAlready:
    """One that somebody else has started, and ends where this is cut short."""

    def __init__(self, number: int, place: int, begun: Begun) -> None:
        self.number = number
        self.place = place
        self._begun = begun

    def open(self) -> set[int]:
        """Where it still may write."""
        pipe = self._begun.children.pipe(self._begun.number)
        return set() if pipe is None else {pipe}

    def read(self, descriptor: int) -> None:
        self._begun.children.read(descriptor)

    def result(self) -> Result:
        """How it ended."""
        command, children, number = self._begun
        text = children.output[number].decode("utf-8", errors="replace")
        return Result(command=command, code=children.code(number), stderr=text)
