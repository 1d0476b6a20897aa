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
from types import CodeType, FrameType, ModuleType
from typing import Any, Final, TextIO

from mirage_py.doors import answers
from mirage_py.doors.telling import ASKS, DOES, HARMLESS, TELLING

__all__ = ["Watch"]

_STDLIB: Final = os.path.dirname(os.__file__) + os.sep
_FOREIGN: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ITS_OWN: Final = tuple(f"{place}{name}{os.sep}" for place in _FOREIGN for name in ("lazy_loader", "packaging"))
"""What mpy itself may import while a configuration runs."""
_GRAIN: Final = 20_000_000
"""Nanoseconds that the time of a file may lie before the change: kernels keep them in steps."""


class Watch:
    """What the process does from here on. One process has one."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.start = time.time_ns() - _GRAIN
        self.inputs: dict[tuple[str, str], object] = {}
        self.told: answers.Told = []
        self.doubt = ""
        self.on = True
        sys.stdout = _Heard(sys.stdout, lambda text: self.told.append((1, text)))
        sys.stderr = _Heard(sys.stderr, lambda text: self.told.append((2, text)))
        self._stand_in()
        _look_afresh()
        sys.addaudithook(self._event)
        for place in sys.path:
            self._input("state", os.path.abspath(place))

    def keep(self) -> None:
        """Remember the answer, if the process only read, and all that it read is still as it was then."""
        self.on = False
        if self.doubt or any("\r" in text for _, text in self.told):
            return
        for (kind, path), state in self.inputs.items():
            if self._is_young(kind, path) or answers.seen(kind, path) != state:
                return
        answers.keep(self.key, self.inputs, self.told)

    def _input(self, kind: str, path: str) -> None:
        """Keep in mind what an input is when it is first asked for."""
        if (kind, path) in self.inputs:
            return
        self.on = False  # looking is no asking
        try:
            if kind == "file" and _is_stream(path):
                self.doubt = f"reads from {path}"
            else:
                self.inputs[kind, path] = answers.seen(kind, path)
        except ValueError:
            self.doubt = "looks at a path that cannot be"
        finally:
            self.on = True

    def _is_young(self, kind: str, path: str) -> bool:
        try:
            found = os.stat(path)
        except OSError:
            return False
        is_folder = found.st_mode & 0o170000 == 0o040000 and kind != "whole"
        return not is_folder and max(found.st_mtime_ns, found.st_ctime_ns) >= self.start

    # -----------------------------------------------------------------------------------------------------------------
    # What is told of

    def _event(self, event: str, args: tuple[Any, ...]) -> None:  # any: what each event brings
        if not self.on or self.doubt:
            return
        try:
            self._told(event, args)
        except (OSError, ValueError, TypeError) as error:  # of an odd argument, which what was asked for refuses too
            self.doubt = f"{event}: {error}"

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
            case "os.mkdir" if self._is_folder(args[0], args[2]):
                pass  # is refused: it is there
            case "os.remove" | "os.rmdir" if not self._is_there(args[0], args[1]):
                pass  # is refused: it is not there
            case _:
                self.doubt = event if event.startswith(DOES) else ""

    def _is_folder(self, path: Any, dir_fd: int) -> bool:  # any: a path in any form
        where = _path_of(path, dir_fd if dir_fd >= 0 else None)
        return where is not None and os.path.isdir(where)

    def _is_there(self, path: Any, dir_fd: int) -> bool:  # any: a path in any form
        where = _path_of(path, dir_fd if dir_fd >= 0 else None)
        return where is None or os.path.lexists(where)

    def _opened(self, path: str, *, writes: bool) -> None:
        if path.endswith(os.path.join("mirage", ".lock")) or path == os.devnull:
            return
        source = _source_of(path)
        if source != path:
            path, writes = source, False  # the interpreter's own
        if writes:
            if not path.startswith(os.path.dirname(answers.folder()) + os.sep):  # what is found out about the machine
                self.doubt = f"writes {path}"
        elif _counts(path):
            self._input("state" if _is_installed(path) else "file", path)
            if path.endswith((".py", ".pyc", ".so")) and not _is_installed(path):
                head, _, name = path.rpartition(os.sep)
                self._input("folder", os.path.join(head, name.partition(".")[0]))  # a package would be taken first

    def _listed(self, path: Any) -> None:  # any: a path in any form, or a descriptor
        where = _path_of(path if path is not None else ".", None)
        if where is None:
            self.doubt = "lists a folder without a name"
        elif _counts(where + os.sep):
            self._input("folder", where)

    def _code(self, code: object) -> None:
        """Code of the configuration, and of what it imports."""
        if not isinstance(code, CodeType) or not _in_configuration():
            return
        file = code.co_filename
        if file == "<string>" and _is_for_mpy():
            return
        if file.startswith((_PACKAGE, "<frozen")) or not _counts(file) or any(part in file for part in _ITS_OWN):
            return
        found = next(_telling(code), None)
        if found is not None:
            self.doubt = f"{code.co_filename} uses {found}"

    # -----------------------------------------------------------------------------------------------------------------
    # What is asked without an event

    def _stand_in(self) -> None:
        for name, kind in (("stat", "state"), ("lstat", "link"), ("access", "state"), ("readlink", "link")):
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
        if _counts(where) and not where.endswith(os.path.join("mirage", ".lock")):
            whole = {"state": "whole", "link": "whole link"} if _in_configuration() else {}
            self._input(whole.get(kind, kind), where)

    def _opened_low(self, where: str, flags: int) -> None:
        if flags & os.O_DIRECTORY:
            self._looked("state", where)
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

    def __init__(self, stream: TextIO, hear: Callable[[str], None]) -> None:
        self._stream = stream
        self._hear = hear

    def write(self, text: str) -> int:
        self._hear(text)
        return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _path_of(path: Any, dir_fd: int | None) -> str | None:
    """The absolute path of what is named by a path, a descriptor, or a path from a descriptor."""
    try:
        if isinstance(path, int):
            return os.fsdecode(_readlink(f"/proc/self/fd/{path}"))
        text = os.fsdecode(path)
        if dir_fd is not None and not os.path.isabs(text):
            return _plain(os.path.join(_readlink(f"/proc/self/fd/{dir_fd}"), text))
        return _named_from_here(text)
    except (OSError, TypeError, ValueError):
        return None


def _named_from_here(path: str) -> str:
    return _plain(path if os.path.isabs(path) else os.path.join(os.getcwd(), path))


def _plain(path: str) -> str:
    """The path without its dots; what is above a link is known to the system only."""
    return path if ".." in path else os.path.normpath(path)


def _source_of(path: str) -> str:
    """The source whose compiled form is kept at a path; the path itself where it is no such place."""
    if not path.endswith(".pyc"):
        return path
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


_readlink = os.readlink


def _counts(path: str) -> bool:
    """Whether a path can change without Python's version: its own library does not."""
    return not path.startswith(_STDLIB) or any(part in path for part in _FOREIGN)


def _is_installed(path: str) -> bool:
    """Whether a file is one of mpy or of what it is installed with: there are many, and they change as a whole."""
    return path.startswith(_PACKAGE) or any(part in path for part in _FOREIGN)


def _telling(code: CodeType) -> Iterator[str]:
    """What in this code answers differently from one time to the next."""
    yield from TELLING.intersection(code.co_names)
    for module in _imports(code):
        if module.partition(".")[0] in sys.stdlib_module_names - HARMLESS:
            yield module
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _telling(one)


def _imports(code: CodeType) -> Iterator[str]:
    from dis import get_instructions

    return (one.argval for one in get_instructions(code) if one.opname == "IMPORT_NAME")
