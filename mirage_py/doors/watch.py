"""Watch a process that answers a command: what it reads and looks at, what it tells, and whether it does anything else.

Python's audit events tell of files that are opened, folders that are listed, processes, sockets and changes; questions
that raise no event (`os.stat` and its like) are asked through stand-ins. What a config.py could learn in other ways
(the clock, chance, its own process) is known by the names in its code: such a configuration is never remembered.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, ModuleType
from typing import Any, Final, TextIO

from mirage_py.doors import answers
from mirage_py.doors.telling import ASKS, DOES, telling

__all__ = ["Watch"]

_STDLIB: Final = os.path.dirname(os.__file__) + os.sep
_FOREIGN: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ITS_OWN: Final = tuple(f"{place}packaging{os.sep}" for place in _FOREIGN)
"""What mpy itself may import while a configuration runs."""
_COMPILED: Final = f".{sys.implementation.cache_tag}.pyc"
_LOCK: Final = os.path.join("mirage", ".lock")
_OF_TOOLS: Final = frozenset(("duniverse", "machine"))
_WRITES: Final = {
    "os.chmod": ((0, 2),),
    "os.link": ((1, 3),),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.utime": ((0, 3),),
}
"""Events that tell of something that is written: which of their arguments are paths, and which the folders of those."""


class Watch:
    """What the process does from here on. One process has one."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.start = time.time_ns() - answers.GRAIN
        """From when on nothing can have changed that this process looks at and finds as it was."""
        self.inputs: dict[tuple[str, str], object] = {}
        self.told: answers.Told = []
        self.doubt = ""
        self.on = True
        self.doubts = True
        self.never = False
        self.building = False
        self._names = False
        self.nothing: set[str] = set()
        """Events that were told of, and are of no account."""
        self.written: set[str] = set()
        self.moved: set[str] = set()
        answers.watching = self
        self.muted = False
        sys.stdout = _Heard(sys.stdout, 1, self)
        sys.stderr = _Heard(sys.stderr, 2, self)
        self._stand_in()
        _look_afresh()
        sys.addaudithook(self._event)
        for place in sys.path:
            self._input("state", os.path.abspath(place))

    def keep(self) -> None:
        """Remember the answer, if the process only read, and all that it read is still as it was then."""
        self.on = False
        inputs = None if self.building or self.never or self.doubt else self.settled(self.inputs)
        if inputs is not None:
            left, known = inputs
            answers.keep(self.key, left, self.told, None, known)

    def turn(self, *, names: bool = False) -> dict[tuple[str, str], object]:
        """The inputs up to now; from here on others are noted, or their `names` alone, and no doubt holds any more."""
        inputs, self.inputs = self.inputs, {}
        self.doubt, self.doubts, self._names = "", False, names
        return inputs

    def left(self) -> dict[tuple[str, str], object]:
        """What was written up to now, as inputs: who begins where it is there already looks at it first."""
        self.on = False
        found: dict[tuple[str, str], object] = {}
        of_tools = {place for place in self.moved if _is_of_tools(place)}
        moved = {path for place in self.moved - of_tools for path in _all_below(place)}
        for path in (self.written | moved) - of_tools:
            if os.path.lexists(path) and not path.endswith(_LOCK):
                kind = "folder" if os.path.isdir(path) else "file"
                found[kind, path] = answers.seen(kind, path)
        self.on = True
        return found

    def note(self, kind: str, path: str) -> None:
        """Keep an input in mind that is looked at in a way that nothing tells of."""
        self._input(kind, path)

    @contextmanager
    def unseen(self, told: answers.Told) -> Iterator[None]:
        """Within the block what is told goes there, and nowhere else."""
        before, self.told, self.muted = self.told, told, True
        try:
            yield
        finally:
            self.told, self.muted = before, False

    def settled(self, inputs: answers.Inputs) -> tuple[answers.Inputs, answers.Known] | None:
        """The inputs as they are now, in short; None if one has changed that mpy itself has not written."""
        from mirage_py.doors.shortcuts import shortened  # who answers again has no use for it

        now: dict[tuple[str, str], object] = {}
        moved = self._moved()
        for (kind, path), state in inputs.items():
            found = now[kind, path] = answers.seen(kind, path)
            if (self._is_young(kind, found) or not answers.same(kind, state, found)) and not self._is_own(path, moved):
                return None
        return shortened(now, self.start)

    def renewed(self, answer: answers.Answer) -> tuple[answers.Inputs, answers.Known]:
        """What an answer that held came of, with what this process has written since; all else is as it was noted."""
        moved = self._moved()
        return answer.renewed(lambda path: self._is_own(path, moved), self.start)

    def _input(self, kind: str, path: str) -> None:
        """Keep in mind what an input is when it is first asked for."""
        if (kind, path) in self.inputs:
            return
        self.on = False  # looking is no asking
        try:
            if (kind == "file" or kind in answers.kinds) and _is_stream(path):
                self.doubt = f"reads from {path}"
            else:
                self.inputs[kind, path] = None if self._names else answers.seen(kind, path)
        except ValueError:
            self.doubt = "looks at a path that cannot be"
        finally:
            self.on = True

    def _is_young(self, kind: str, found: object) -> bool:
        """Whether it may have changed again without another time; what was looked into tells by itself."""
        whole = found[0] if kind in answers.kinds and isinstance(found, tuple) else found
        return isinstance(whole, tuple) and len(whole) == answers.WHOLE and max(whole[-2:]) >= self.start

    # -----------------------------------------------------------------------------------------------------------------
    # What is told of

    def _event(self, event: str, args: tuple[Any, ...]) -> None:  # any: what each event brings
        if event in self.nothing or not self.on or self.doubt:
            return
        try:
            self._told(event, args)
        except (OSError, ValueError, TypeError) as error:  # of an odd argument, which what was asked for refuses too
            self.doubt = f"{event}: {error}"
        if not self.doubts:
            self.doubt = ""

    def _told(self, event: str, args: tuple[Any, ...]) -> None:  # any: what each event brings
        match event:
            case "open":
                path, mode, _flags = args
                if isinstance(path, int):
                    self.doubt = "reads from a descriptor" if _in_configuration() else ""
                elif mode is not None:  # os.open is asked through its stand-in
                    self._opened(_named_from_here(os.fsdecode(path)), writes=not {*mode} <= {*"rbtU"})
            case "os.listdir" | "os.scandir":
                self._listed(args[0])
            case "exec":
                self._code(args[0])
            case _ if event in _WRITES:
                self._written(event, args)
            case _ if self.building and event.startswith("shutil.") and not _in_configuration():
                pass  # what it is made of is told too
            case _ if event.startswith(DOES):
                self.doubt = event
            case _:
                self.nothing.add(event)

    def _written(self, event: str, args: tuple[Any, ...]) -> None:  # any: what each event brings
        paths = [self._where(args[path], args[dir_fd]) for path, dir_fd in _WRITES[event]]
        if event == "os.mkdir" and _is_folder(paths[0]):
            self._input("state", paths[0])  # is refused: it is there
        elif event in {"os.remove", "os.rmdir"} and not _is_there(paths[0]):
            self._input("link", paths[0])  # is refused: it is not there
        elif not self.building or _in_configuration():
            self.doubt = event
        elif event == "os.rename":
            self.wrote(*paths)
            self.moves(paths[1])
        else:
            self.wrote(*paths)

    def moves(self, *places: str) -> None:
        """What is at these places was put there from elsewhere; by what is no build, that is more than reading."""
        if self.building:
            self.moved |= {*places}
            self.wrote(*places)
        else:
            self.doubt = "moves something"

    def _moved(self) -> tuple[str, ...]:
        """How the paths begin of what is in folders that were put in their places."""
        return tuple(f"{place}{os.sep}" for place in self.moved)

    def _is_own(self, path: str, moved: tuple[str, ...]) -> bool:
        """Whether a build has written what is there, or put a folder there that it is in."""
        return path in self.written or path.startswith(moved)

    def wrote(self, *paths: str) -> None:
        """Keep in mind what a build writes: it is as it was left afterwards."""
        self.written |= {place for path in paths for place in (path, os.path.dirname(path))}

    def _where(self, path: Any, dir_fd: int) -> str:  # any: a path in any form
        return _path_of(path, dir_fd if dir_fd >= 0 else None) or ""

    def _opened(self, path: str, *, writes: bool) -> None:
        if path.endswith(_LOCK) or path == os.devnull:
            return
        source = _source_of(path)
        if source != path:
            path, writes = source, False  # the interpreter's own
        if writes:
            if self.building and not _in_configuration():
                self.wrote(path)
            elif not path.startswith(os.path.dirname(answers.folder()) + os.sep):  # what was found out of the machine
                self.doubt = f"writes {path}"
        elif _counts(path):
            self._input("state" if _is_installed(path) else _kind_of_content(), path)
            if path.endswith((".py", ".pyc", ".so")) and not _is_installed(path):
                head, _, name = path.rpartition(os.sep)
                self._input("folder", os.path.join(head, name.partition(".")[0]))  # a package would be taken first

    def _listed(self, path: Any) -> None:  # any: a path in any form, or a descriptor
        where = _path_of(path if path is not None else ".", None)
        if where is None:
            self.doubt = "lists a folder without a name"
        elif _counts(where + os.sep):
            self._input("modules" if _is_import() else "folder", where)

    def _code(self, code: object) -> None:
        """Code of the configuration, and of what it imports."""
        if not isinstance(code, CodeType) or not _in_configuration():
            return
        file = code.co_filename
        if file == "<string>" and _is_for_mpy():
            return
        if file.startswith((_PACKAGE, "<frozen")) or not _counts(file) or any(part in file for part in _ITS_OWN):
            return
        found = next(telling(code), None)
        if found is not None:
            self.doubt = f"{code.co_filename} uses {found}"

    # -----------------------------------------------------------------------------------------------------------------
    # What is asked without an event

    def _stand_in(self) -> None:
        for name, kind in (("stat", "state"), ("lstat", "link"), ("access", "access"), ("readlink", "link")):
            _put(name, self._asked(getattr(os, name), kind))
        real = os.open

        def opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            self._named(path, dir_fd, lambda where: self._opened_low(where, flags))
            return real(path, flags, mode, dir_fd=dir_fd)

        _put("open", opened)
        for module, names in ASKS.items():
            for name in names:
                if hasattr(sys.modules[module], name):
                    _put(name, self._doubted(getattr(sys.modules[module], name)), sys.modules[module])
        for name in ("fstat", "isatty", "read"):
            _put(name, self._doubted(getattr(os, name), first=0))

    def _asked(self, real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def asked(path: Any, *args: Any, dir_fd: int | None = None, **kwargs: Any) -> Any:
            if self.on and not isinstance(path, int):
                one = "link" if kwargs.get("follow_symlinks") is False else kind
                if kind in _THERE and not _in_configuration() and _is_whether_there():
                    one = _THERE[one]
                self._named(path, dir_fd, lambda where: self._looked(one, where))
            return real(path, *args, dir_fd=dir_fd, **kwargs)

        return asked

    def _doubted(self, real: Callable[..., Any], first: int | None = None) -> Callable[..., Any]:
        """Stands in for a function that answers differently each time (with this first argument, if one is given)."""

        def doubted(*args: Any, **kwargs: Any) -> Any:
            if self.on and (first is None or args[:1] == (first,)) and _in_configuration():
                self.doubt = f"asks {real.__name__}"
            return real(*args, **kwargs)

        return doubted

    def _looked(self, kind: str, where: str) -> None:
        if _counts(where) and not where.endswith(_LOCK):
            whole = {"state": "whole", "link": "whole link"} if _in_configuration() else {}
            self._input(whole.get(kind, kind), where)

    def _opened_low(self, where: str, flags: int) -> None:
        if flags & os.O_DIRECTORY or _is_folder(where):  # what is in it is asked for in other ways
            if _counts(where):
                self._input("state", where)
        else:
            self._opened(where, writes=bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))

    def _named(self, path: Any, dir_fd: int | None, use: Callable[[str], None]) -> None:
        if not self.on or self.doubt:
            return
        where = _path_of(path, dir_fd)
        if where is None:
            self.doubt = "looks at a path that has no name"
        else:
            use(where)


def _all_below(path: str) -> Iterator[str]:
    """What is at a place and below it, without what is there for tools."""
    yield path
    for here, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not _is_of_tools(name)]
        yield from (os.path.join(here, name) for name in (*folders, *names))


def _is_of_tools(path: str) -> bool:
    """Whether what is at a place is there for tools, by its name: they write below it at any time."""
    name = os.path.basename(path)
    return name.startswith((".", "_")) or name in _OF_TOOLS


def _in_configuration() -> bool:
    """Whether a config.py runs: `dsl.place` knows."""
    folder: Any = getattr(sys.modules.get("mirage_py.dsl.place"), "folder", None)
    return folder is not None and folder.get(None) is not None


def _is_for_mpy() -> bool:
    """Whether Python's library makes code for mpy now: the constructors of its dataclasses."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # inspect takes 10 ms to import
    while frame is not None and (frame.f_code.co_filename == __file__ or frame.f_code.co_filename.startswith(_STDLIB)):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(_PACKAGE)


def _is_import() -> bool:
    """Whether a folder is listed to find a module in it: other names are of no interest then."""
    frame = sys._getframe(4)  # noqa: SLF001  # inspect takes 10 ms to import
    return frame.f_code.co_name == "_fill_cache" and frame.f_code.co_filename.startswith("<frozen")


_THERE: Final = {"state": "there", "link": "link there"}
_WHETHER_THERE: Final = frozenset(
    ("exists", "is_dir", "is_file", "is_symlink", "isdir", "isfile", "islink", "lexists", "is_junction")
)


def _is_whether_there() -> bool:
    """Whether a state is asked for by a function of Python's own that tells no more than what is there."""
    frame = sys._getframe(2)  # noqa: SLF001  # inspect takes 10 ms to import
    for _ in range(3):
        code = frame.f_code
        if not code.co_filename.startswith((_STDLIB, "<frozen")) or frame.f_back is None:
            return False
        if code.co_name in _WHETHER_THERE:
            return True
        frame = frame.f_back
    return False


def _kind_of_content() -> str:
    """What of a file counts for who reads it now."""
    options = sys.modules.get("mirage_py.project.boot_options")
    return "options" if options is not None and options.reading and not _in_configuration() else "file"


def _is_stream(path: str) -> bool:
    """Whether what was read is no file with a content, but a device or a pipe."""
    try:
        return os.stat(path).st_mode & 0o170000 not in {0o100000, 0o040000}
    except OSError:
        return False


def _put(name: str, stand_in: Callable[..., Any], module: ModuleType = os) -> None:
    """Put a function in the place of one of os (or of another module), also where os says what that one is able to."""
    real = getattr(module, name)
    stand_in.__name__ = stand_in.__qualname__ = name
    setattr(module, name, stand_in)
    for able in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if real in able:
            able.add(stand_in)


class _Heard:
    """A stream whose text is heard as it is written."""

    def __init__(self, stream: TextIO, number: int, watch: Watch) -> None:
        self.unheard = stream
        self._number = number
        self._watch = watch

    def write(self, text: str) -> int:
        self._watch.told.append((self._number, text))
        return len(text) if self._watch.muted else self.unheard.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unheard, name)


def _path_of(path: Any, dir_fd: int | None) -> str | None:
    """The absolute path of what is named by a path, a descriptor, or a path from a descriptor."""
    try:
        if isinstance(path, int):
            return os.fsdecode(_readlink(f"/proc/self/fd/{path}"))
        text = path if isinstance(path, str) else os.fsdecode(path)
        if dir_fd is not None and not text.startswith(os.sep):
            return _plain(f"{_readlink(f'/proc/self/fd/{dir_fd}')}{os.sep}{text}")
        return _named_from_here(text)
    except (OSError, TypeError, ValueError):
        return None


def _named_from_here(path: str) -> str:
    return _plain(path if path.startswith(os.sep) else f"{os.getcwd()}{os.sep}{path}")


def _plain(path: str) -> str:
    """The path without its dots; what is above a link is known to the system only."""
    if "/." not in path and "//" not in path and path[-1:] != "/":  # as nearly all are
        return path
    return path if ".." in path else os.path.normpath(path)


def _source_of(path: str) -> str:
    """The source whose compiled form is kept at a path; the path itself where it is no such place."""
    if not path.endswith(".pyc"):
        return path
    if path.startswith(_PACKAGE) and path.endswith(_COMPILED) and sys.pycache_prefix is None:  # of most there are
        head, _, name = path.rpartition(f"__pycache__{os.sep}")
        return f"{head}{name.removesuffix(_COMPILED)}.py"
    finders: Any = sys.modules["_frozen_importlib_external"]  # any: importlib.util has it, at 3 ms
    try:
        return str(finders.source_from_cache(path))
    except ValueError:
        return path


def _look_afresh() -> None:
    """Have Python list the folders that it imports from again, so that their names are known as inputs."""
    for finder in sys.path_importer_cache.values():
        forget = getattr(finder, "invalidate_caches", None)
        if forget is not None:
            forget()


_readlink, _stat, _lstat = os.readlink, os.stat, os.lstat
"""As they are before anything stands in for them."""


def _is_folder(path: str) -> bool:
    try:
        return _stat(path).st_mode & 0o170000 == 0o040000
    except (OSError, ValueError):
        return False


def _is_there(path: str) -> bool:
    try:
        return bool(_lstat(path))
    except (OSError, ValueError):
        return False


def _counts(path: str) -> bool:
    """Whether a path can change without Python's version: its own library does not."""
    return not path.startswith(_STDLIB) or any(part in path for part in _FOREIGN)


def _is_installed(path: str) -> bool:
    """Whether a file is one of mpy or of what it is installed with: there are many, and they change as a whole."""
    return path.startswith(_PACKAGE) or any(part in path for part in _FOREIGN)
