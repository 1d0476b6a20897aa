"""Ask once: what a command answered, remembered by everything that the answer came of.

A line that was answered before is answered again without asking, as long as all is as it was: the words, the folder,
the environment, the form of the terminal, every file and folder that was read, every path that was looked at, mpy
itself. All of it is compared before anything else of mpy is imported: this module imports next to nothing.

An answer is kept only if its process did no more than read (`doors.watch` tells), and ended with 0. The answer of a
build has a rest, which is still to be done each time: the run of dune, and what follows of it.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from mirage_py._version import __version__

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TextIO

    from mirage_py.doors.watch import Watch

    Inputs = dict[tuple[str, str], object]
    """What an answer came of: a kind of input and its path, with what it was."""

    Known = dict[tuple[str, str], tuple[object, tuple[int, ...]]]
    """Inputs with what they were, and the whole states that tell of that."""

__all__ = [
    "Answer",
    "Told",
    "aside",
    "capabilities",
    "exact",
    "folder",
    "holds",
    "inside",
    "is_of_content",
    "keep",
    "key_of",
    "kinds",
    "memorable",
    "moved",
    "never",
    "note",
    "older",
    "recall",
    "room",
    "same",
    "seen",
    "settled",
    "settled_state",
    "tell",
    "unheard",
    "whole_now",
    "whole_state",
]

FORMAT = 5
"""Raised when the meaning of what is stored changes: older answers are not recalled then."""

MOST = 2000
LARGEST = 4_000_000
"""Bytes of a file whose content is compared; of a larger one, what the file system says of it."""

READS = frozenset({"completion", "configure", "describe", "doctor", "help", "query"})
OTHERS = frozenset({"audit", "clean", "init", "run", "toolchain", "verify"})
BUILDS = frozenset({"build"})

GRAIN = 20_000_000
"""Nanoseconds that the time of a file may lie before the change: kernels keep them in steps."""

COARSE = 3_000_000_000
"""The same, where times are kept in whole seconds, as on disks of other systems."""

ROOMY = 10 << 30
"""Bytes from which on it does not matter what is free to the MiB."""

WHOLE = 6
"""How much is known of a path whose whole state is; the last two are the times of its content and of all the rest."""

Told = list[tuple[int, str]]
"""What was written, in order: 1 for standard output, 2 for standard error, with the text."""


_stat, _lstat, _access = os.stat, os.lstat, os.access
"""As they are before what watches stands in for them."""

watching: Watch | None = None
"""What watches this process, where its answer may be remembered."""

kinds: dict[str, Callable[[bytes], object]] = {}
"""Kinds of files of which a part counts: by name, what gives that part of a content."""


class Answer:
    """What was told, what it came of, and what is still to be done before it holds (of a build)."""

    def __init__(self, inputs: Inputs, told: Told, rest: dict[str, Any] | None, known: Known) -> None:
        self._inputs = inputs
        self._known = known
        self.told = told
        self.rest = rest

    @property
    def inputs(self) -> Inputs:
        """All that it came of."""
        return self._inputs | {one: state for one, (state, _) in self._known.items()}

    def renewed(self, is_own: Callable[[str], bool], since: int) -> tuple[Inputs, Known]:
        """All that it came of, as `keep` takes it, with what is at paths of this process's own as that is now.

        `since` is a moment from which on the others have been what they are.
        """
        inputs = {one: seen(*one) if is_own(one[1]) else state for one, state in self._inputs.items()}
        known: Known = {}
        unsettled: Inputs = {}
        for one, (state, whole) in self._known.items():
            if is_own(one[1]):
                inputs[one] = seen(*one)
            elif whole_now(one[1]) == whole:
                known[one] = state, whole
            else:
                unsettled[one] = state
        if unsettled:  # who wrote the same again is no reason to look into files for ever
            from mirage_py.doors.shortcuts import shortened  # 3 ms, which an edit has no use for

            left, found = shortened(unsettled, since)
            inputs, known = inputs | left, known | found
        return inputs, known

    def holds(self, where: Callable[[str], bool] = lambda _: True) -> bool:
        """Whether all that it came of is as it was, as far as that is at paths of this kind."""
        inputs = ((one, state) for one, state in self._inputs.items() if where(one[1]))
        known = ((one, states) for one, states in self._known.items() if where(one[1]))
        return all(_is(*one, state) for one, state in inputs) and all(
            whole_now(path) == whole or _is(kind, path, state) for (kind, path), (state, whole) in known
        )


class aside:  # noqa: N801  # used as a function is
    """Within the block nothing counts: what is done is of no consequence for the answer."""

    def __enter__(self) -> None:
        self._before = watching is not None and watching.on
        if watching is not None:
            watching.on = False

    def __exit__(self, *_failure: object) -> None:
        if watching is not None:
            watching.on = self._before


def moved(*places: str) -> None:
    """Folders have taken other places, in a way that nothing tells of."""
    if watching is not None:
        watching.moves(*places)


def note(kind: str, *paths: str) -> None:
    """These are inputs, which were looked at aside."""
    if watching is not None:
        for path in paths:
            watching.note(kind, path)


def never() -> None:
    """The answer of this process is not to be remembered: it depends on more than can be looked at."""
    if watching is not None:
        watching.never = True


def unheard(stream: TextIO) -> TextIO:
    """A stream for what is no part of the answer: what moves on the screen."""
    return getattr(stream, "unheard", stream)


def memorable(line: list[str]) -> bool:
    """Whether the answer to a line may be remembered."""
    if os.environ.get("MPY_REMEMBER") == "no":
        return False
    words = {*line}
    asks_help = words & {"-h", "--help"} and "--" not in words
    return bool("_MPY_COMPLETE" in os.environ or asks_help or (words & (READS | BUILDS) and not words & OTHERS))


def key_of(line: list[str]) -> bytes:
    """All that has to be known before the first file is read."""
    here = [_form(descriptor) for descriptor in (1, 2)]
    place = _here()
    environment = sorted(os.environ.items())
    return exact((FORMAT, __version__, sys.version, tuple(sys.flags), sys.executable, line, place, here, environment))


def exact(value: Any) -> bytes:  # any: what marshal takes
    """A value as bytes that are the same each time; of later formats they depend on who else refers to its parts."""
    return marshal.dumps(value, 2)


def recall(key: bytes) -> Answer | None:
    """What is remembered for this key, whether or not it still holds; None where that is nothing."""
    try:
        with open(_file(key), "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            checksum, body = int.from_bytes(file.read(4), "big"), file.read()
        if zlib.crc32(body) != checksum:
            return None
        stored, inputs, told, rest, known = marshal.loads(body)  # noqa: S302  # a file of this user's, with its checksum
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return Answer(inputs, told, rest, known) if stored == key else None


def keep(
    key: bytes, inputs: Inputs, told: Told, rest: dict[str, Any] | None = None, known: Known | None = None
) -> None:
    """Remember what was told to this key, for as long as the inputs, and those `known` in short, are as they are."""
    body = marshal.dumps((key, inputs, told, rest, known or {}))
    target = _file(key)
    half = f"{target}.{os.getpid()}"
    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
        with open(half, "wb") as file:
            file.write(zlib.crc32(body).to_bytes(4, "big") + body)
        os.replace(half, target)
        _prune()
    except OSError:
        return


def holds(inputs: Mapping[tuple[str, str], object]) -> bool:
    """Whether inputs are what they were."""
    return all(_is(kind, path, state) for (kind, path), state in inputs.items())


def whole_now(path: str) -> tuple[int, ...] | None:
    """The whole state of a path, without being an input; None where nothing is."""
    try:
        return whole_state(_stat(path))
    except (OSError, ValueError):
        return None


def is_of_content(kind: str) -> bool:
    """Whether an input of a kind is what a file or folder holds, which takes longer to see than its state."""
    return kind in _CONTENTS or kind in kinds


def settled_state(path: str, moment: int) -> tuple[int, ...] | None:
    """The whole state of a path, if it was so before a moment and would be another one after any change since."""
    try:
        return settled(_stat(path), moment)
    except (OSError, ValueError):
        return None


def settled(found: os.stat_result, moment: int) -> tuple[int, ...] | None:
    """The same of what is known already."""
    state = whole_state(found)
    fine = any(at % 1_000_000_000 for at in state[-2:])
    return state if max(state[-2:]) < moment - (GRAIN if fine else COARSE) else None


def seen(kind: str, path: str) -> object:
    """What can be known of an input: the content of a file, what is in a folder, the state of a path.

    A folder's state changes whenever something is written below it; what mpy asks of one is whether it is there, and
    of many a file no more. What a configuration asks is not known: that is the whole state. Of some files a part of
    the content is all that counts; such an input is the whole content with that part, and either may stay the same.
    What dune has made has several names, which come and go with other folders: a state without the time of that.
    """
    try:
        return _SEEN[kind](path) if kind in _SEEN else (_content(path), _part(kind, path))
    except OSError as refused:
        return refused.errno


def folder() -> str:
    """Where the answers are."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), "Library/Caches" if sys.platform == "darwin" else ".cache")
    return os.path.join(base, "mpy", "answers")


def _content(path: str) -> object:
    state = _stat(path)
    if state.st_size > LARGEST or state.st_mode & 0o170000 != 0o100000:  # a pipe would be waited for
        return whole_state(state)
    with open(path, "rb", buffering=0) as file:
        text = file.read()
    return len(text), zlib.crc32(text), zlib.adler32(text)


def same(kind: str, before: object, now: object) -> bool:
    """Whether an input of a kind is the same by what was seen of it twice."""
    if kind in kinds and isinstance(before, tuple) and isinstance(now, tuple):
        return bool(before[0] == now[0] or before[1] == now[1])
    return before == now


def _is(kind: str, path: str, state: object) -> bool:
    if kind in kinds and isinstance(state, tuple):
        try:
            return _content(path) == state[0] or bool(_part(kind, path) == state[1])
        except OSError:
            return False
    return seen(kind, path) == state


def _part(kind: str, path: str) -> object:
    with open(path, "rb") as file:
        return kinds[kind](file.read())


def _below(path: str) -> object:
    """Names, sizes and times of all that is below a folder, in short; at last the latest of the times."""
    found: list[tuple[str, object]] = []
    waiting, latest = [path], _latest(_stat(path))
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for one in entries:
                state = one.stat(follow_symlinks=False)
                latest = max(latest, _latest(state))
                found.append((one.path, _state(state)))
                if one.is_dir(follow_symlinks=False):
                    waiting.append(one.path)
    whole = exact(sorted(found))
    return len(whole), zlib.crc32(whole), zlib.adler32(whole), latest


def _latest(state: os.stat_result) -> int:
    return max(state.st_mtime_ns, state.st_ctime_ns)


def older(state: object, moment: int) -> bool:
    """Whether all that a state of a whole tree tells of was so before a moment, in nanoseconds."""
    return isinstance(state, tuple) and isinstance(state[-1], int) and state[-1] < moment - GRAIN


def _ways_out(path: str) -> list[str]:
    """The links below a folder that lead out of it."""
    found, waiting, home = [], [path], os.path.realpath(path) + os.sep
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for one in entries:
                    if one.is_symlink():
                        found += [] if os.path.realpath(one.path).startswith(home) else [one.path]
                    elif one.is_dir(follow_symlinks=False):
                        waiting.append(one.path)
        except FileNotFoundError:
            continue
    return sorted(found)


def _names(path: str) -> list[tuple[str, bool, bool, bool]]:
    """Each name in a folder with what it is of: a file may become a folder of the same name."""
    with os.scandir(path) as entries:
        return sorted((one.name, one.is_symlink(), one.is_dir(), one.is_file()) for one in entries)


def inside(path: str, names: list[tuple[str, bool, bool, bool]]) -> object:
    """What is in a folder in short, and who may look at it."""
    state, whole = _stat(path), exact(names)
    return state.st_mode, state.st_uid, state.st_gid, len(whole), zlib.crc32(whole), zlib.adler32(whole)


def room(path: str) -> int:
    """Bytes that are free on a disk, in whole GiB, or MiB where it is less than ten of those."""
    disk = os.statvfs(path)
    free = disk.f_bavail * disk.f_frsize
    return free & -(1 << (30 if free >= ROOMY else 20))


def capabilities() -> int | None:
    """What the kernel lets this process do, by bit; None where it does not tell."""
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1], 16) for line in lines if line.startswith(b"CapEff:")), None)


def _is_of_module(name: str) -> bool:
    """Whether what has this name may be imported; compiled forms come and go with whoever imports."""
    return name != "__pycache__" and name.partition(".")[0].isidentifier()


def whole_state(found: os.stat_result) -> tuple[int, ...]:
    """All that changes whenever a file does, at last the times of its content and of all the rest.

    The latter tells of rights, names, extended attributes, and of a time that was set.
    """
    return found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _state(found: os.stat_result) -> tuple[int, ...]:
    if found.st_mode & 0o170000 == 0o040000:
        return found.st_mode, found.st_ino
    return whole_state(found)


_SEEN: dict[str, Callable[[str], object]] = {
    "file": _content,
    "folder": _names,
    "inside": lambda path: inside(path, _names(path)),
    "modules": lambda path: [one for one in _names(path) if _is_of_module(one[0])],
    "tree": _below,
    "state": lambda path: _state(_stat(path)),
    "whole": lambda path: whole_state(_stat(path)),
    "link": lambda path: _state(_lstat(path)),
    "whole link": lambda path: whole_state(_lstat(path)),
    "there": lambda path: _stat(path).st_mode & 0o170000,
    "link there": lambda path: _lstat(path).st_mode & 0o170000,
    "ways out": _ways_out,
    "made": lambda path: _state(_stat(path))[:5],
    "access": lambda path: (_state(_stat(path)), [_access(path, how) for how in (os.R_OK, os.W_OK, os.X_OK)]),
    "room": room,
    "capabilities": lambda _: capabilities(),
}
"""What is known of an input of each kind."""

_CONTENTS = frozenset(("file", "folder", "inside", "modules"))


def _form(descriptor: int) -> object:
    """A terminal with its size, or none."""
    try:
        return tuple(os.get_terminal_size(descriptor)) if os.isatty(descriptor) else None
    except OSError:
        return None


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def tell(told: Told) -> int:
    """Write what was told again; the exit code."""
    streams = {1: sys.stdout, 2: sys.stderr}
    try:
        for number, text in told:
            streams[number].write(text)
            streams[number].flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    return 0


def _file(key: bytes) -> str:
    return os.path.join(folder(), f"{zlib.crc32(key):08x}{zlib.adler32(key):08x}")


def _prune() -> None:
    """Forget the older half when there are too many."""
    names = os.listdir(folder())
    if len(names) > MOST:
        paths = [os.path.join(folder(), name) for name in names]
        for path in sorted(paths, key=lambda one: os.lstat(one).st_mtime_ns)[: MOST // 2]:
            os.unlink(path)
