"""The keys of the configuration, where they are options of a command: how they read, and how help shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.cli import words

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config
    from mirage_py.dsl.key import Key
    from mirage_py.project.offered import Offered


def keys_of(config: Config) -> dict[str, Key[Any]]:
    """The keys that a line may name; the target has an option of its own."""
    from mirage_py.workflow.resolve import known_keys

    return {name: key for name, key in known_keys(config).items() if name != "target"}


def readable(keys: Mapping[str, Key[Any]] | Mapping[str, Offered]) -> tuple[words.Key, ...]:
    """What has to be known of each to read it in a line."""
    return tuple(words.Key(name, key.kind == "flag") for name, key in keys.items())


def row(key: Key[Any]) -> tuple[str, str]:
    """The option with what it takes; what it means, and what it is when it is not given."""
    return f"--{key.name}{_takes(key)}", f"{key.doc or 'no description'}  [{'; '.join(_facts(key))}]"


def named_file(line: list[str]) -> Path | None:
    """The configuration that a line names, found before the line can be read: reading needs its keys."""
    ours = line[: line.index("--")] if "--" in line else line
    for word, following in zip(ours, [*ours[1:], ""], strict=True):
        if word in {"-f", "--file"}:
            return Path(following)
        if word.startswith("--file="):
            return Path(word.removeprefix("--file="))
        if word.startswith("-f"):
            return Path(word[2:])
    return None


def _takes(key: Key[Any]) -> str:
    match key.kind:
        case "flag":
            return ""
        case "enum":
            return f" {'|'.join(key.choices)}"
        case "strings":
            return f" {key.docv} ..."
        case _:
            return f" {key.docv}"


def _facts(key: Key[Any]) -> Iterator[str]:
    if key.required:
        yield "required"
    elif key.default not in (None, (), False):
        yield f"default: {key.show(key.default)}"
    yield f"env: {key.environment}"
