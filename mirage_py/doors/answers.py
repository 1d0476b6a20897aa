"""Ask once: what a command that only reads answered, remembered by everything that the answer came of.

A line that was answered before is answered again without asking, as long as all is as it was: the words, the folder,
the environment, the form of the terminal, every file and folder that was read, every path that was looked at, mpy
itself. All of it is compared before anything else of mpy is imported: this module imports next to nothing.

An answer is kept only if its process did no more than read (`doors.watch` tells), and ended with 0.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from mirage_py._version import __version__

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Told", "folder", "keep", "key_of", "memorable", "recall", "seen"]

FORMAT = 2
"""Raised when the meaning of what is stored changes: older answers are not recalled then."""

MOST = 2000
LARGEST = 4_000_000
"""Bytes of a file whose content is compared; of a larger one, what the file system says of it."""

READS = frozenset({"completion", "configure", "describe", "help", "query"})
OTHERS = frozenset({"audit", "build", "clean", "doctor", "init", "run", "toolchain", "verify"})

Told = list[tuple[int, str]]
"""What was written, in order: 1 for standard output, 2 for standard error, with the text."""


def memorable(line: list[str]) -> bool:
    """Whether a line may be of a command that only reads."""
    if os.environ.get("MPY_REMEMBER") == "no":
        return False
    words = {*line}
    asks_help = words & {"-h", "--help"} and "--" not in words
    return bool("_MPY_COMPLETE" in os.environ or asks_help or (words & READS and not words & OTHERS))


def key_of(line: list[str]) -> bytes:
    """All that has to be known before the first file is read."""
    here = [_form(descriptor) for descriptor in (1, 2)]
    place = _here()
    environment = sorted(os.environ.items())
    return marshal.dumps(
        (FORMAT, __version__, sys.version, tuple(sys.flags), sys.executable, line, place, here, environment)
    )


def recall(key: bytes) -> int | None:
    """Tell again what was told to this key, and give the exit code; None when nothing that holds is remembered."""
    try:
        with open(_file(key), "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            checksum, body = int.from_bytes(file.read(4), "big"), file.read()
        if zlib.crc32(body) != checksum:
            return None
        stored, inputs, told = marshal.loads(body)  # noqa: S302  # a file of this user's, with its checksum
    except (OSError, ValueError, EOFError, TypeError):
        return None
    if stored != key or any(seen(kind, path) != state for (kind, path), state in inputs.items()):
        return None
    return _tell(told)


def keep(key: bytes, inputs: Mapping[tuple[str, str], object], told: Told) -> None:
    """Remember what was told to this key, for as long as the inputs are as they are."""
    body = marshal.dumps((key, dict(inputs), told))
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


def seen(kind: str, path: str) -> object:
    """What can be known of an input: the content of a file, what is in a folder, the state of a path.

    A folder's state changes whenever something is written below it; what mpy asks of one is whether it is there. What
    a configuration asks of it is not known: that is its whole state.
    """
    try:
        match kind:
            case "file":
                return _content(path)
            case "folder":
                return _names(path)
            case "link" | "whole link":
                return _state(os.lstat(path), whole=kind == "whole link")
            case _:
                return _state(os.stat(path), whole=kind == "whole")
    except OSError as refused:
        return refused.errno


def folder() -> str:
    """Where the answers are."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), "Library/Caches" if sys.platform == "darwin" else ".cache")
    return os.path.join(base, "mpy", "answers")


def _content(path: str) -> object:
    state = os.stat(path)
    if state.st_size > LARGEST or state.st_mode & 0o170000 != 0o100000:  # a pipe would be waited for
        return _state(state, whole=True)
    with open(path, "rb", buffering=0) as file:
        text = file.read()
    return len(text), zlib.crc32(text), zlib.adler32(text)


def _names(path: str) -> object:
    """Each name in a folder with what it is of: a file may become a folder of the same name."""
    with os.scandir(path) as entries:
        return sorted((one.name, one.is_symlink(), one.is_dir(), one.is_file()) for one in entries)


def _state(found: os.stat_result, *, whole: bool) -> object:
    """The time of the last change tells of all the rest: rights, names, extended attributes, a time that was set."""
    if not whole and found.st_mode & 0o170000 == 0o040000:
        return found.st_mode, found.st_ino
    return found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


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


def _tell(told: Told) -> int:
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
