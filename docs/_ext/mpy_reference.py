"""Fills the reference pages from the code: a line `% generated: commands` in a page becomes what `commands()` returns.

The text is Markdown and goes in before the page is parsed, so that headings, links and search work as in the rest.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py import errors as mpy_errors
from mirage_py.describe.catalogue import Field, definitions, entry, homes, said_below, title
from mirage_py.dsl import key as keys_module
from mirage_py.dsl.key import Key
from mirage_py.dsl.value import Value

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from mirage_py.cli.command import Parameter

MARK = re.compile(r"^% generated: (\S+)$", re.MULTILINE)
SCHEMAS = Path(__file__).parents[1] / "reference" / "schemas"


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx to fill pages as it reads them."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fill(app: Sphinx, _page: str, source: list[str]) -> None:
    """Replace the marks of one page; a page with marks is read at every build, because the code may have changed."""
    if MARK.search(source[0]):
        source[0] = MARK.sub(lambda mark: GENERATORS[mark[1]](), source[0])
        app.env.note_reread()


# ---------------------------------------------------------------------------------------------------------------------
# Commands


def commands() -> str:
    """Every command with its usage, arguments and options."""
    from mirage_py.cli.about import ABOUT
    from mirage_py.cli.commands import COMMANDS
    from mirage_py.cli.everywhere import ALONE, EVERYWHERE

    top = _section("mpy", "mpy [OPTIONS] [COMMAND] [ARGS]...", ABOUT, (*ALONE, *EVERYWHERE))
    return "\n\n".join([top, *(section for name in COMMANDS for section in _command(name))])


def _command(name: str) -> Iterator[str]:
    """Its section, and one for each command that it has; options that `mpy` itself has are told there alone."""
    from mirage_py.cli.command import Command
    from mirage_py.cli.find import command_named
    from mirage_py.cli.help import usage

    made = command_named(name)
    if isinstance(made, Command):
        yield _section(f"mpy {name}", usage(f"mpy {name}", made.parameters), made.help, made.parameters)
        return
    yield _section(f"mpy {name}", f"mpy {name} [OPTIONS] COMMAND [ARGS]...", made.summary, ())
    for word, one in made.commands.items():
        where = f"mpy {name} {word}"
        yield _section(where, usage(where, one.parameters), one.help, one.parameters)


def _section(name: str, usage: str, text: str, own: Iterable[Parameter]) -> str:
    rows = [_told(one) for one in own]
    parts = [f"## `{name}`", f"```text\n{usage}\n```", text.replace("\b\n", ""), _table(("", ""), rows)]
    return "\n\n".join(filter(None, parts))


def _told(one: Parameter) -> tuple[str, str]:
    from mirage_py.cli.help import option_row

    names, meaning = option_row(one) if one.names else (one.placeholder, one.mark.help)
    return ", ".join(f"`{word}`" for word in names.split(", ")), _markdown(meaning)


# ---------------------------------------------------------------------------------------------------------------------
# Errors


def errors() -> str:
    """The tree of errors: each with its exit code and what it means."""
    rows = [(f"`{kind.__name__}`", str(kind.exit_code), _first_line(kind)) for kind in _errors(mpy_errors.MpyError)]
    return _table(("Error", "Exit code", "Meaning"), sorted(rows, key=lambda row: (int(row[1]), row[0])))


def _errors(kind: type[mpy_errors.MpyError]) -> Iterator[type[mpy_errors.MpyError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _errors(child)


# ---------------------------------------------------------------------------------------------------------------------
# The language and the catalogue


def language() -> str:
    """The verbs, types and values of a config.py, by the module that has them."""
    return "\n\n".join(_family(module, names) for module, names in homes().items() if module.startswith("dsl."))


def devices() -> str:
    """The catalogue, one section for each family."""
    return "\n\n".join(_family(module, names) for module, names in homes().items() if module.startswith("devices."))


def boot_arguments() -> str:
    """The catalogue's boot-time arguments."""
    names = [name for name in definitions("devices.boot") if not name.startswith("_")]
    return "\n\n".join(_entry("devices.boot", name, "boot.") for name in names)


def _family(name: str, names: Iterable[str]) -> str:
    module = importlib.import_module(f"mirage_py.{name}")
    _, _, rest = (inspect.getdoc(module) or name).partition("\n")
    parts = [f"## {title(name)}", rest.strip(), *(_entry(name, one) for one in names)]
    return "\n\n".join(filter(None, parts))


def _entry(module: str, name: str, prefix: str = "") -> str:
    found = entry(module, name)
    head = f"### `{prefix}{name}`\n\n```python\n{prefix}{found.signature}\n```\n\n{_markdown(found.doc)}"
    return f"{head}\n\n{_table(('Field', 'Type', 'Default', 'Meaning'), map(_field, found.fields))}"


def _field(one: Field) -> tuple[str, ...]:
    default = "" if one.default is None else f"`{one.default}`"
    return f"`{one.name}`", f"`{one.type}`", default, _markdown(one.doc)


# ---------------------------------------------------------------------------------------------------------------------
# Keys


def keys() -> str:
    """The keys that the catalogue's devices declare, and the values computed from them."""
    found = [(name, made) for name in definitions("dsl.key") if (made := _key(name)) is not None]
    rows = [(f"`--{key.name}`", f"`key.{name}`", _values(key), _meaning(name, key)) for name, key in found]
    return _table(("Option", "In config.py", "Values", "Meaning"), rows)


def key_constructors() -> str:
    """How a key of one's own is made."""
    return "\n\n".join(_entry("dsl.key", name, "key.") for name in ("flag", "enum", "string", "integer", "strings"))


def key_values() -> str:
    """The values computed from the target that come with mpy."""
    docs = said_below("dsl.key")
    names = [name for name in definitions("dsl.key") if _is_plain_value(name)]
    return _table(("Value", "True for"), [(f"`key.{name}`", docs.get(name) or _true_for(name)) for name in names])


def _is_plain_value(name: str) -> bool:
    thing = getattr(keys_module, name, None)
    return isinstance(thing, Value) and not isinstance(thing, Key) and not name.startswith("_")


def _true_for(name: str) -> str:
    value: Value[bool] = getattr(keys_module, name)
    return ", ".join(target for target in keys_module.TARGETS if value.eval({"target": target}))


OF_CATALOGUE = ["group", "env"]
"""The parameters of a function that makes a key of the catalogue."""


def _key(name: str) -> Key[Any] | None:
    thing = getattr(keys_module, name)
    if isinstance(thing, Key):
        return thing
    if (
        name.startswith("_")
        or not inspect.isfunction(thing)
        or list(inspect.signature(thing).parameters) != OF_CATALOGUE
    ):
        return None
    made = thing()
    return made if isinstance(made, Key) else None


def _meaning(name: str, key: Key[Any]) -> str:
    """What the function says that makes the key; a key by itself says it to those who give it."""
    thing = getattr(keys_module, name)
    return (inspect.getdoc(thing) or key.doc).replace("\n\n", " ") if inspect.isfunction(thing) else key.doc


def _values(key: Key[Any]) -> str:
    choices = ", ".join(f"`{word}`" for word in key.choices) or key.kind
    return f"{choices}; default `{key.show(key.default)}`" if key.default not in (None, ()) else choices


# ---------------------------------------------------------------------------------------------------------------------
# JSON forms


def schemas() -> str:
    """Every JSON schema of reference/schemas, with its title and what it says of itself."""
    return "\n\n".join(_schema(file) for file in sorted(SCHEMAS.glob("*.json")))


def _schema(file: Path) -> str:
    schema = json.loads(file.read_text(encoding="utf-8"))
    title, text = schema.get("title", file.stem), schema.get("description", "")
    return f"## {title}\n\n{text}\n\n```{{literalinclude}} schemas/{file.name}\n:language: json\n```"


# ---------------------------------------------------------------------------------------------------------------------
# Markdown


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    if not lines:
        return ""
    return "\n".join(f"| {line} |" for line in (" | ".join(head), " | ".join("---" for _ in head), *lines))


def _first_line(thing: object) -> str:
    return _markdown(inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")


def _markdown(text: str) -> str:
    """A docstring as Markdown: its only mark-up is the single backquote, which both have."""
    return text.replace("<", "\\<") if "`" not in text else text


GENERATORS: dict[str, Callable[[], str]] = {
    "boot-arguments": boot_arguments,
    "commands": commands,
    "devices": devices,
    "errors": errors,
    "key-constructors": key_constructors,
    "key-values": key_values,
    "keys": keys,
    "language": language,
    "schemas": schemas,
}
