"""`mpy completion SHELL`: the script that lets a shell complete; and the answers to what that script asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from mirage_py.cli import keys, words
from mirage_py.cli.command import Command, Group, Parameter, argument, command
from mirage_py.doors import terminal as console
from mirage_py.errors import MpyError

if TYPE_CHECKING:
    from mirage_py.project.offered import Offered

Shell = Literal["bash", "zsh", "fish"]
VARIABLE: Final = "_MPY_COMPLETE"
"""Set by the script when it asks what could come next: the words of the line are then those up to the cursor."""

SCRIPTS: Final = Path(__file__).parent.parent / "templates" / "completion"


def completion(shell: Annotated[Shell, argument(metavar="bash|zsh|fish", help="your shell")]) -> None:
    """Print the script for your shell's completion.

    It completes commands, options, targets and the keys of the config.py here, as
    it was last configured: no TAB runs it.

    \b
    bash: eval "$(mpy completion bash)"    in ~/.bashrc
    zsh:  eval "$(mpy completion zsh)"     in ~/.zshrc
    fish: mpy completion fish > ~/.config/fish/completions/mpy.fish
    """  # noqa: D301  # help takes the character before lines that it must not fill
    console.result((SCRIPTS / f"mpy.{shell}").read_text(encoding="utf-8"))


COMMAND = command(completion)


class Offer(NamedTuple):
    """What could come next: a word with what it means, or the files or folders that the shell knows itself."""

    kind: Literal["word", "file", "folder"]
    word: str = ""
    meaning: str = ""


def answer(line: Sequence[str]) -> int:
    """Print what could come next, one offer a line. A failure is no answer: a shell has nowhere to show it."""
    *before, last = line or [""]
    with suppress(Exception):
        console.result("\n".join("\t".join(one) for one in offers(before, last)))
    return 0


def offers(before: list[str], last: str) -> Iterator[Offer]:
    """What a line could go on with, after the words before and the beginning of one more."""
    from mirage_py.cli.everywhere import ALONE, EVERYWHERE
    from mirage_py.cli.find import find

    try:
        found = find(before)
    except MpyError:
        return
    known = (*(found.what.parameters if isinstance(found.what, Command) else ()), *EVERYWHERE)
    open_keys = _keys(found.what, before)
    waiting = _waiting(before, known, open_keys)
    if waiting is not None:
        yield from _starting(waiting, last)
    elif last.startswith("-"):
        names = [(name, one.mark.help) for one in (*known, *(() if found.what else ALONE)) for name in _names(one)]
        yield from _starting([Offer("word", *one) for one in (*names, *map(_key_row, open_keys.values()))], last)
    elif isinstance(found.what, Command):
        yield from _starting(_place(found.what, words.sort(found.line, known, keys.readable(open_keys))), last)
    else:
        yield from _starting([Offer("word", *one) for one in found.commands.items()], last)


def _starting(those: Iterable[Offer], last: str) -> Iterator[Offer]:
    return (one for one in those if one.word.startswith(last) or one.kind != "word")


def _waiting(before: list[str], known: Sequence[Parameter], open_keys: Mapping[str, Offered]) -> list[Offer] | None:
    """What the word after an option could be; None when the last word is no option that waits for one."""
    name = before[-1] if before and "--" not in before else ""
    for one in known:
        if name in one.names and one.takes_word:
            return _values(one)
    key = open_keys.get(name.removeprefix("--")) if name.startswith("--") else None
    if key is None or key.kind == "flag":
        return None
    return [Offer("word", word) for word in key.choices]


def _values(one: Parameter) -> list[Offer]:
    if one.kind == "path":
        return [Offer("folder" if one.mark.folder or one.mark.metavar == "DIR" else "file")]
    return [Offer("word", word) for word in (*one.choices, *one.mark.words)]


def _place(what: Command, found: words.Sorted) -> list[Offer]:
    """What the next word that stands alone could be."""
    places = [one for one in what.parameters if not one.names]
    if len(found.alone) < len(places):
        return _values(places[len(found.alone)])
    return _values(places[-1]) if places and places[-1].many else []


def _keys(what: Command | Group | None, before: list[str]) -> Mapping[str, Offered]:
    """The keys of the configuration as it was last configured: it is a program, and is not run to answer a shell."""
    if not (isinstance(what, Command) and what.takes_keys):
        return {}
    from mirage_py.cli.where import here_or_above
    from mirage_py.project.offered import offered_keys

    with suppress(OSError, MpyError):
        file = keys.named_file(before) or here_or_above()
        return offered_keys(file.parent / "mirage", file.name)
    return {}


def _key_row(key: Offered) -> tuple[str, str]:
    return f"--{key.name}", key.doc


def _names(one: Parameter) -> tuple[str, ...]:
    return (*(name for name in one.names if name.startswith("--")), *filter(None, [one.off]))
