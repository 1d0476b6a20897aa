"""Execute a config.py against a fresh registry: the one place where a user's Python runs.

A `config.ml` of the OCaml tool is converted and executed in the same way, each statement at its line of that file.

The file runs with its own folder in front of the import path, so that it finds modules of devices beside it; whatever
it does wrong is told at its own line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import CodeType

from mirage_py.dsl import place
from mirage_py.dsl.config import Config, collecting
from mirage_py.errors import ConfigError, Location, MpyError
from mirage_py.project.reading import bytes_of
from mirage_py.project.words import hint_for_attribute, hint_for_name, hint_for_operation, hint_for_syntax

_MPY = Path(__file__).parent

UNREADABLE = "Python cannot read on here: mend this line, or the one above"


def load(file: Path) -> Config:
    """The configuration that a config.py declares.

    Raises `ConfigError` when there is no such file, when it does not run, or when it registers nothing.
    """
    code, notes = _compiled(file)
    return declared(code, file, notes)


def declared(code: CodeType, file: Path, notes: tuple[str, ...] = ()) -> Config:
    """What the code of a configuration file declares; `ConfigError` as `load` raises it."""
    file = file.absolute()  # as imported modules know theirs: places in them are told relative to its folder
    name = file.name
    with collecting() as registry, _importing_from(file.parent) as imported:
        _execute(code, file)
    if not registry.unikernels:
        raise ConfigError(
            "no unikernel is registered", location=Location(name), hint='end the file with register("NAME", [JOB])'
        )
    return Config(
        file=name,
        unikernels=tuple(registry.unikernels),
        overrides=tuple(registry.overrides),
        allowed=tuple(registry.allowed),
        imported=tuple(sorted(imported)),
        notes=notes,
    )


def read(file: Path) -> bytes:
    """What a configuration file holds; a `ConfigError` when there is none, or nothing that can be read."""
    try:
        return bytes_of(file)
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {file.name} here",
            location=Location.of(file.parent),
            hint="name it with -f, or run: mpy init .",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"this cannot be read as a configuration: {error.strerror}",
            location=Location.of(file),
            hint="name the file itself with -f",
        ) from None


def _compiled(file: Path) -> tuple[CodeType, tuple[str, ...]]:
    """The code of a configuration, with what there is to know about an OCaml one."""
    source = read(file)
    if file.suffix == ".ml":
        from mirage_py import convert

        program = convert.read(source, file.name)
        return program.code(), tuple(program.remarks())
    return _compiled_python(source, file), ()


def _compiled_python(source: bytes, file: Path) -> CodeType:
    _check_memory(source, file)
    try:
        return compile(source, file.name, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = (error.text or "").strip()
        raise ConfigError(
            f"{error.msg}",
            location=Location(file.name, error.lineno or 0),
            details=(text,) if text else (),
            hint=hint_for_syntax(text) or UNREADABLE,
        ) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ConfigError(f"{file.name} is not Python: {error}", location=Location(file.name)) from None


BYTES_A_LINE = 1500
"""What Python's own compiler takes for a line of a configuration, at most."""

LARGE = 100_000
"""Lines from which it is worth a look whether there is that much."""


def _check_memory(source: bytes, file: Path) -> None:
    """Say so before Python's compiler takes more memory than there is: it would be killed without a word."""
    lines = source.count(b"\n")
    if lines < LARGE:
        return
    needed, free = lines * BYTES_A_LINE, _free_memory()
    if free is not None and needed > free:
        raise ConfigError(
            f"{file.name} has {lines:,} lines: Python takes about {needed / 1e9:.1f} GB to compile them, and"
            f" {free / 1e9:.1f} GB are free",
            location=Location(file.name),
            hint="make the devices in a loop, or in several modules beside it",
        )


GROUP = Path("/sys/fs/cgroup")
"""Where Linux tells what a container, or another group of processes, may take (cgroups(7), version 2)."""


def _free_memory() -> int | None:
    """Bytes that this process may still take, of the system's, its group's and its own; None where nothing tells."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    found = [limit] if limit != resource.RLIM_INFINITY else []
    try:
        most = int((GROUP / "memory.max").read_text(encoding="utf-8"))
        taken = (GROUP / "memory.stat").read_text(encoding="utf-8").partition("anon ")[2]  # files give way
        found += [most - int(taken.split()[0])]
    except (OSError, ValueError, IndexError):  # there is no such group, or its most is "max"
        pass
    try:
        told = Path("/proc/meminfo").read_text(encoding="utf-8")
        found += [int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    return min(found, default=None)


def _execute(code: CodeType, file: Path) -> None:
    scope = {"__name__": "__config__", "__file__": str(file)}
    try:
        with _undisturbed(), redirect_stdout(sys.stderr):  # what a query answers is read by programs
            exec(code, scope)  # noqa: S102  # config.py is the user's own program
    except MpyError:
        raise
    except BaseException as error:  # whatever a user's program may raise
        if isinstance(error, KeyboardInterrupt) and _is_of_a_person(error):
            raise
        raise _translated(error, file) from None


def _is_of_a_person(error: KeyboardInterrupt) -> bool:
    """Whether Ctrl-C is behind it: Python's own handler raises the plain exception, that of mpy a kind of its own."""
    import signal

    return type(error) is not KeyboardInterrupt or signal.getsignal(signal.SIGINT) is signal.default_int_handler


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The folder, the mask for new files and the depth of calls are afterwards what they were: they are mpy's too."""
    folder = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    mask, depth = os.umask(0), sys.getrecursionlimit()
    os.umask(mask)
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
        os.umask(mask)
        os.fchdir(folder)
        os.close(folder)


def _translated(error: BaseException, file: Path) -> ConfigError:
    location = _last_line(error, file)
    if isinstance(error, SystemExit):
        return ConfigError(
            f"{file.name} ended the program (exit {_said(error)})",
            location=location,
            hint="let it run to its end: it only declares what there is",
        )
    if isinstance(error, ModuleNotFoundError):
        return ConfigError(
            f"cannot import {error.name}: no such module",
            location=location,
            hint=f"install it for {sys.executable}, or put it beside {file.name}",
        )
    if isinstance(error, ImportError):
        return _not_imported(error, location)
    if isinstance(error, SyntaxError):
        place = Location.of(error.filename or file, error.lineno or 0)
        return ConfigError(f"{error.msg}", location=place, hint=UNREADABLE)
    if isinstance(error, NameError) and error.name:
        return ConfigError(f"{error.name} is not defined", location=location, hint=hint_for_name(error.name))
    hint = _hint_for(error)
    return ConfigError(
        f"{type(error).__name__}: {_said(error)}",
        location=location,
        details=_steps(error, file),
        hint=hint or "mend this line: Python stopped there",
    )


def _hint_for(error: BaseException) -> str | None:
    match error:
        case AttributeError() if error.name:
            return hint_for_attribute(error.obj, error.name)
        case TypeError():
            return hint_for_operation(_said(error))
        case EOFError():
            return "a configuration asks nobody: give it a key, such as key.string(...)"
        case _:
            return None


def _said(error: BaseException) -> str:
    """What an exception says of itself; one of the user's may fail even at that."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # see above
        return "(it cannot be told)"


def _not_imported(error: ImportError, location: Location) -> ConfigError:
    """A name that a module does not have; the module's own file, which Python adds, is of no use here."""
    import re

    wanted = re.match(r"cannot import name '(\w+)'", error.msg)
    if wanted is None:
        return ConfigError(f"cannot import: {error.msg}", location=location, hint="mend the module that it names")
    hint = hint_for_name(wanted[1]) if error.name == "mirage_py" else f"look up the names that {error.name} has"
    return ConfigError(f"{error.name} has no {wanted[1]}", location=location, hint=hint)


def _last_line(error: BaseException, file: Path) -> Location:
    """The innermost line of the user's own files."""
    import traceback  # 3 ms, for what fails

    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename, file)]
    return Location.of(own[-1].filename, own[-1].lineno or 0) if own else Location(file.name)


def _steps(error: BaseException, file: Path) -> tuple[str, ...]:
    import traceback  # 3 ms, for what fails

    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename, file)]
    return tuple(f"called from {Location.of(frame.filename, frame.lineno or 0)}" for frame in reversed(own[:-1]))


def _is_users(filename: str, file: Path) -> bool:
    return filename == file.name or _is_own(Path(filename), file.parent)


def _is_own(path: Path, folder: Path) -> bool:
    """Whether a file belongs to the configuration; a virtual environment below its folder does not."""
    return path.is_relative_to(folder) and not any(path.is_relative_to(place) for place in (_MPY, sys.prefix))


@contextmanager
def _importing_from(folder: Path) -> Iterator[list[str]]:
    """Imports find the folder first, leave no bytecode in it, and are forgotten afterwards: each load is fresh.

    Gives the list that holds, afterwards, the imported files below the folder, relative to it.
    """
    imported: list[str] = []
    before, wrote = set(sys.modules), sys.dont_write_bytecode
    token = place.folder.set(str(folder))
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield imported
    finally:
        place.folder.reset(token)
        sys.dont_write_bytecode = wrote
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            origin = getattr(sys.modules[name], "__file__", None)
            if isinstance(origin, str) and _is_own(Path(origin), folder):
                imported.append(str(Path(origin).relative_to(folder)))
                del sys.modules[name]
