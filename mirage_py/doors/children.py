"""Programs started at once and waited for together, with next to nothing imported: what a build that was made before
does first.

`doors.processes` is the door for all the rest; it takes over here when a child has to be ended.
"""

from __future__ import annotations

import os

from mirage_py.doors import signals

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

__all__ = ["Children"]


class Children:
    """Programs that run at the same time, each the leader of its own process group; left early, they are ended.

    What they write is kept by number: standard error and output as they came.
    """

    def __init__(self) -> None:
        self._pipes: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self.output: list[bytes] = []
        self.codes: list[int | None] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        for descriptor in self._pipes:
            os.close(descriptor)
        if self._left:
            from mirage_py.doors.processes import end_group

            for pid in self._left:
                end_group(pid)
                os.waitpid(pid, 0)

    def start(self, argv: Sequence[str], folder: str, overlay: Mapping[str, str | None]) -> None:
        """Start a program in a folder, with this laid over the environment. Raises OSError where it does not start."""
        merged = {**os.environ, **overlay}
        environment = {name: value for name, value in merged.items() if value is not None}
        with signals.held():  # while it is being started nobody could end it
            ours, theirs = os.pipe()
            try:
                pid = _spawned(argv, folder, environment, theirs)
            except BaseException:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
            self._left[pid] = self._pipes[ours] = len(self.codes)
            self.codes.append(None)
            self.output.append(b"")

    def wait(self, patience: float | None = None, *, first: int | None = None) -> bool:
        """Until all have ended, or as many as were started first; or for so many seconds without a word from them.

        Whether they have ended.
        """
        import select

        awaited = len(self.codes) if first is None else first
        while any(number < awaited for number in self._pipes.values()):
            ready, _, _ = select.select(list(self._pipes), [], [], patience)
            if not ready:
                return False
            for descriptor in ready:
                self.read(descriptor)
        for number in range(awaited):
            self.code(number)
        return True

    def pipe(self, number: int) -> int | None:
        """Where one writes; None when it has written all."""
        return next((pipe for pipe, of in self._pipes.items() if of == number), None)

    def read(self, pipe: int) -> None:
        """Take what one has written."""
        chunk = os.read(pipe, 65536)
        if chunk:
            self.output[self._pipes[pipe]] += chunk
        else:
            del self._pipes[pipe]
            os.close(pipe)

    def code(self, number: int) -> int:
        """How one ended; that is waited for."""
        for pid in [pid for pid, of in self._left.items() if of == number]:
            _, status = os.waitpid(pid, 0)
            del self._left[pid]
            self.codes[number] = os.waitstatus_to_exitcode(status)
        code = self.codes[number]
        assert code is not None, "it was started"
        return code


def _spawned(argv: Sequence[str], folder: str, environment: Mapping[str, str], output: int) -> int:
    """The process id of a program that was started in a folder, and writes all to this descriptor."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        return os.posix_spawn(
            argv[0],
            list(argv),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setpgroup=0,
            setsigdef=_RESTORED,
        )
    finally:
        os.chdir(before)


def _restored() -> Sequence[int]:
    """The signals that Python ignores, and a program of another kind does not."""
    import _signal  # type: ignore[import-not-found]  # `signal` takes 3 ms

    return [number for name in ("SIGPIPE", "SIGXFSZ") if (number := getattr(_signal, name, None)) is not None]


_RESTORED = _restored()
