"""The one door to the terminal: results to stdout, everything else to stderr, for a person or as one JSON event a line.

Plain text and the few colours of a message are written directly; rich takes 50 ms to import and is loaded only when
something moves on the screen, a second after the work began.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from mirage_py.dataclass import dataclass
from mirage_py.doors import answers
from mirage_py.errors import MpyError, ToolFailed

if TYPE_CHECKING:
    from threading import Timer

Color = Literal["auto", "always", "never"]
LogFormat = Literal["text", "json"]
Style = Literal["bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"]
Paint = Callable[[str, Style], str]
"""Gives a piece of text its style, or leaves it plain."""

Cell = tuple[str, Style | None]
Row = tuple[Cell, ...]

INDENT: Final = 7
"""Columns of "error: " and "hint:  ": what belongs to a message stands below it."""

PATIENCE: Final = 1.0
"""Seconds that pass before anything moves: what is quicker needs no progress."""

_CODES: Final = {
    "bold": "1", "dim": "2", "red": "1;31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36",
}  # fmt: skip


class Bug(MpyError):
    """A failure that is mpy's own and not the user's."""

    exit_code = 70


@dataclass
class Settings:
    """What the global options say; `verbosity` is below 0 for quiet, above for more."""

    verbosity: int = 0
    color: Color = "auto"
    log_format: LogFormat = "text"


settings = Settings()
"""There is one terminal, so there is one of this; the command line sets it before anything is printed."""


def reset() -> None:
    """Back to what holds before a command line is read."""
    settings.verbosity, settings.color, settings.log_format = 0, "auto", "text"


def result(text: str) -> None:
    """What the command was asked for, on stdout, whole lines."""
    sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")


def say(text: str, *, event: str = "note", **fields: Any) -> None:  # any: JSON
    """What mpy did, for the person who waits for it; nothing with `-q`, an event with `--log-format json`."""
    _tell(text, event, fields, level=0)


def outcome(text: str, *, event: str, **fields: Any) -> None:  # any: JSON
    """What the command achieved: a result on stdout, or with `--log-format json` an event like all others."""
    if settings.log_format == "json":
        _event(event, {"message": text} | fields)
    else:
        result(text)


def detail(text: str, *, event: str = "detail", **fields: Any) -> None:  # any: JSON
    """What only a person who asked for more (`-v`) wants to read."""
    _tell(text, event, fields, level=1)


def warn(text: str, *, hint: str | None = None) -> None:
    """Something that is no error yet; shown with `-q` too."""
    if settings.log_format == "json":
        _event("warning", {"message": text, "hint": hint})
        return
    paint = painter(sys.stderr)
    _write_block(paint("warning:", "yellow") + " ", text)
    if hint:
        _write_block(paint("hint:", "cyan") + "  ", hint)


def error(failure: MpyError) -> None:
    """The failure that ends the command: what and where, why, the next step; a tool's own text after these."""
    if settings.log_format == "json":
        _event("error", error_json(failure))
        return
    paint = painter(sys.stderr)
    place = f"{failure.location}: " if failure.location else ""
    _write_block(paint("error:", "red") + " ", place + failure.message, bold=len(place) - 1)
    for line in failure.details:
        _write_block(" " * INDENT, line)
    if failure.hint:
        _write_block(paint("hint:", "cyan") + "  ", failure.hint)
    if isinstance(failure, ToolFailed) and failure.output:
        sys.stderr.write("\n" + failure.output.rstrip("\n") + "\n")


def interrupted(code: int) -> None:
    """The person has ended the command: a line of its own, for the shell's prompt comes next."""
    if settings.log_format == "json":
        _event("interrupted", {"message": "interrupted", "exit_code": code})
    else:
        sys.stderr.write("\ninterrupted\n" if sys.stderr.isatty() else "interrupted\n")


def bug(failure: Exception, version: str) -> None:
    """A failure that is mpy's own: what to report; the traceback itself only for those who ask."""
    import traceback

    trace = "".join(traceback.format_exception(failure))
    if settings.verbosity > 0:
        sys.stderr.write(trace)
    what = traceback.format_exception_only(failure)[-1].strip()
    error(
        Bug(
            f"mpy {version} failed in a way that it should not: {what}",
            details=(f"the traceback is in {_logged(trace)}",) if settings.verbosity <= 0 else (),
            hint="please report it with that traceback, your config.py and the command",
        )
    )


def _logged(text: str) -> str:
    """The file that holds the text from now on."""
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile("w", encoding="utf-8", prefix="mpy-", suffix=".log", delete=False) as file:
        file.write(text)
    return file.name


def believe(words: list[str]) -> None:
    """Take the form of messages from a command line that could not be read as a whole."""
    for option, following in zip(words, [*words[1:], ""], strict=False):
        if option == "--log-format=json" or (option, following) == ("--log-format", "json"):
            settings.log_format = "json"


def error_json(failure: MpyError) -> dict[str, Any]:  # any: JSON
    """A failure as the fields of its event."""
    place = failure.location
    fields = {
        "kind": type(failure).__name__,
        "exit_code": failure.exit_code,
        "message": failure.message,
        "location": {"file": place.file, "line": place.line or None} if place else None,
        "details": list(failure.details),
        "hint": failure.hint,
    }
    return fields | ({"output": failure.output} if isinstance(failure, ToolFailed) else {})


def painter(stream: TextIO | None = None) -> Paint:
    """How text for this stream (stdout unless told) is styled: with colour where a person sees it, else not at all."""
    return _painted if colored(stream or sys.stdout) else plain


def colored(stream: TextIO) -> bool:
    """Whether text for this stream has colours."""
    if settings.color != "auto":
        return settings.color == "always"
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def width(stream: TextIO | None = None) -> int | None:
    """The columns of the terminal behind a stream; None where there is none, and lines are as long as they are."""
    if not (stream or sys.stdout).isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def table(rows: Iterable[Row], paint: Paint, columns: int | None) -> list[str]:
    """Columns as wide as their widest cell; the last one of a row wraps, to stay within so many columns in all."""
    listed = list(rows)
    count = max((len(row) for row in listed), default=0)
    widths = [max((len(row[i][0]) for row in listed if i < len(row) - 1), default=0) for i in range(count)]
    return [line for row in listed for line in _row(row, widths, paint, columns)]


def _row(row: Row, widths: list[int], paint: Paint, columns: int | None) -> Iterator[str]:
    *firsts, (text, style) = row
    indent = sum(widths[: len(firsts)]) + 2 * len(firsts)
    lines = [text] if columns is None else _fitted(text, max(columns - indent, 24))
    head = "".join(_filled(cell, width, paint) + "  " for cell, width in zip(firsts, widths, strict=False))
    painted = [paint(line, style) if style else line for line in lines]
    yield (head + painted[0]).rstrip()
    yield from (" " * indent + line for line in painted[1:])


def _filled(cell: Cell, width: int, paint: Paint) -> str:
    """The text filled up to its column: the codes of its colour take no room."""
    text, style = cell
    return (paint(text, style) if style else text) + " " * (width - len(text))


def _fitted(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


@contextmanager
def working(what: str, *, patience: float = PATIENCE) -> Iterator[Callable[[str], None]]:
    """Show that something is being done, once it takes longer than this many seconds and a person watches.

    Gives a function that is told what is being done now.
    """
    progress = _Progress(what)
    timer = _later(patience, progress.show) if _watched() else None
    try:
        yield progress.tell
    finally:
        if timer:
            timer.cancel()
            timer.join()
        progress.stop()


class _Progress:
    """A line at the bottom of the terminal that moves. A timer shows it, so it has to be there in one piece."""

    def __init__(self, what: str) -> None:
        self._text = what
        self._status: Any = None  # any: rich.status.Status, not imported before it is shown

    def tell(self, text: str) -> None:
        """What is being done from now on."""
        self._text = text
        detail(text, event="progress")
        if self._status is not None:
            self._status.update(self._shown())

    def show(self) -> None:
        """Begin to move."""
        from rich.console import Console
        from rich.status import Status

        console = Console(file=answers.unheard(sys.stderr), no_color=not colored(sys.stderr))
        status = Status(self._shown(), console=console)
        status.start()
        self._status = status

    def _shown(self) -> Any:  # any: rich.text.Text, which takes brackets for what they are
        from rich.text import Text

        return Text(self._text)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._status is not None:
            self._status.stop()


def _later(seconds: float, action: Callable[[], None]) -> Timer:
    from threading import Timer

    timer = Timer(seconds, action)
    timer.daemon = True
    with answers.aside():
        timer.start()
    return timer


def _watched() -> bool:
    return settings.log_format == "text" and settings.verbosity == 0 and sys.stderr.isatty()


def _tell(text: str, event: str, fields: dict[str, Any], *, level: int) -> None:
    if settings.log_format == "json":
        _event(event, {"message": text} | fields)
    elif settings.verbosity >= level:
        sys.stderr.write(f"{text}\n")


def _event(event: str, fields: dict[str, Any]) -> None:
    """One line of JSON; what indents a message for a person means nothing there."""
    fields = fields | {"message": fields["message"].strip()}
    sys.stderr.write(json.dumps({"event": event} | fields, ensure_ascii=False) + "\n")


def _write_block(head: str, text: str, *, bold: int = 0) -> None:
    """Text behind its head, further lines below its beginning; wrapped for a person at a terminal.

    The first `bold` letters are set off, as far as they stand on the first line.
    """
    first, *more = [piece for line in text.split("\n") for piece in _wrapped(line)]
    lines = [painter(sys.stderr)(first[:bold], "bold") + first[bold:] if bold > 0 else first, *more]
    sys.stderr.write(head + f"\n{' ' * INDENT}".join(lines) + "\n")


def _wrapped(line: str) -> list[str]:
    columns = width(sys.stderr)
    if columns is None or len(line) + INDENT <= columns:
        return [line]
    from textwrap import wrap

    return wrap(
        line,
        max(columns - INDENT, 20),
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [line]


def _painted(text: str, style: Style) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else text


def plain(text: str, _style: Style) -> str:
    """The text as it is."""
    return text
