"""The catalogue to read: a list of its names, and a page for each."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mirage_py.describe.anatomy import Anatomy, Made
from mirage_py.describe.data import Json, bounds
from mirage_py.doors.terminal import Paint, Row, table
from mirage_py.dsl.key import TARGETS, Key
from mirage_py.resolve.packages import Requirement

INDENT = "  "


def listing(those: Sequence[Anatomy], paint: Paint, columns: int | None) -> str:
    """Every name with the type that it gives and what it is, under the title of its family."""
    blocks = []
    for family in dict.fromkeys(one.entry.family for one in those):
        of_it = sorted((one for one in those if one.entry.family == family), key=lambda one: one.entry.kind != "type")
        blocks.append(_block(family.partition(":")[0], table(map(_row, of_it), paint, _narrower(columns)), paint))
    return "\n\n".join(blocks)


def _row(one: Anatomy) -> Row:
    if one.entry.kind == "type":
        return (one.entry.name, "bold"), ("type", "dim"), (one.entry.thing.signature, "dim")
    return (one.entry.name, "blue"), (", ".join(one.gives), None), (one.entry.summary, None)


def page(one: Anatomy, others: Sequence[Anatomy], paint: Paint, columns: int | None) -> str:
    """All about one name: what it is, its keys, and what it is made of on which targets."""
    entry = one.entry
    narrower = _narrower(columns)
    head = f"{paint(entry.name, 'bold')}  {one.type or _what(one)}"
    signature = [INDENT + line for line in entry.signature.splitlines()] if entry.kind == "function" else []
    told = [INDENT + line for line in _filled(_prose(entry.doc), narrower)]
    blocks = ["\n".join([head, *told]), "\n".join(signature)]
    if entry.kind == "type":
        blocks += [
            _block("Given by", _names((o for o in others if entry.thing.name in o.gives), paint, narrower), paint),
            _block("Taken by", _names((o for o in others if entry.thing.name in o.takes), paint, narrower), paint),
        ]
    blocks.append(_block("Keys", table(map(_key, one.keys), paint, narrower), paint))
    blocks += (_block(_where(made), table(_substance(made), paint, narrower), paint) for made in one.made)
    return "\n\n".join(filter(None, blocks))


def _what(one: Anatomy) -> str:
    if one.entry.kind == "type":
        return f"module type  {one.entry.thing.signature}".rstrip()
    return "class" if one.entry.kind == "class" else "function"


def _names(those: Iterable[Anatomy], paint: Paint, columns: int | None) -> list[str]:
    return table((((o.entry.name, "blue"), (o.entry.summary, None)) for o in those), paint, columns)


def _key(key: Key[Any]) -> Row:
    words = "|".join(key.choices) or ("" if key.kind == "flag" else key.docv)
    default = f" (default: {key.show(key.default)})" if key.default not in (None, False, ()) else ""
    return (f"--{key.name} {words}".rstrip(), None), (f"{key.doc}{default}", "dim")


def _where(made: Made) -> str:
    chosen = " ".join(_option(name, word) for name, word in made.choices)
    words = ["not"] * bool(made.refusal) + [f"with {chosen}"] * bool(chosen) + [_on(made.targets)]
    return " ".join(words)[0].upper() + " ".join(words)[1:]


def _option(name: str, word: str) -> str:
    return f"--{name}" if word == "true" else f"--{name} {word}"


def _on(targets: tuple[str, ...]) -> str:
    missing = [target for target in TARGETS if target not in targets]
    if not missing:
        return "on every target"
    return f"on every target but {' and '.join(missing)}" if len(missing) < 3 else f"on {', '.join(targets)}"


def _substance(made: Made) -> Iterator[Row]:
    if made.refusal:
        yield ((made.refusal, None),)
        return
    rows: list[tuple[str, Iterable[str]]] = [
        ("modules", [", ".join(made.modules)]),
        ("at boot", [", ".join(_boot(made))]),
        ("connected", [", ".join(f"{one.kind} {one.name}" for one in made.connected)]),
        ("packages", map(_package, made.packages)),
    ]
    for label, lines in rows:
        for number, line in enumerate(filter(None, lines)):
            yield (("" if number else label, "dim"), (line, None))


def _boot(made: Made) -> Iterator[str]:
    for arg in made.boot:
        yield from (f"--{one}" if len(one) > 1 else f"-{one}" for one in arg.options) if arg.options else (arg.code,)


def _package(one: Requirement) -> str:
    libraries = "" if one.libraries in ((), (one.name,)) else f"({', '.join(one.libraries)})"
    return " ".join(filter(None, [one.name, bounds(one), libraries]))


def _prose(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", part) for part in text.split("\n\n") if part]


def _filled(paragraphs: Iterable[str], columns: int | None) -> Iterator[str]:
    for part in paragraphs:
        yield from textwrap.wrap(part, columns, break_on_hyphens=False) if columns else [part]


def _narrower(columns: int | None) -> int | None:
    return None if columns is None else columns - len(INDENT)


def _block(title: str, lines: Sequence[str], paint: Paint) -> str:
    return "\n".join([paint(title, "bold"), *(INDENT + line for line in lines)]) if lines else ""


# ---------------------------------------------------------------------------------------------------------------------
# The same as data


def data(one: Anatomy, others: Sequence[Anatomy]) -> Json:
    """All that is known of one name."""
    entry = one.entry
    own = entry.thing.name if entry.kind == "type" else None
    return {
        "name": entry.name,
        "family": entry.family,
        "kind": entry.kind,
        "type": one.type or None,
        "signature": entry.thing.signature if own else entry.signature,
        "doc": entry.doc,
        "takes": list(one.takes),
        "gives": list(one.gives),
        "given_by": [each.entry.name for each in others if own in each.gives],
        "taken_by": [each.entry.name for each in others if own in each.takes],
        "keys": [_key_data(key) for key in one.keys],
        "targets": list(one.targets),
        "made": [_made_data(made) for made in one.made],
    }


def _key_data(key: Key[Any]) -> Json:
    return {
        "name": key.name,
        "kind": key.kind,
        "default": None if key.default is None else key.show(key.default),
        "choices": list(key.choices),
        "doc": key.doc,
    }


def _made_data(made: Made) -> Json:
    from mirage_py.codegen.describe import requirement_json

    packages = [requirement_json(one) for one in made.packages]
    return {
        "choices": dict(made.choices),
        "targets": list(made.targets),
        "refusal": made.refusal,
        "modules": list(made.modules),
        "packages": packages,
        "boot_arguments": [{"code": arg.code, "options": list(arg.options)} for arg in made.boot],
        "connected": [{"kind": one.kind, "name": one.name} for one in made.connected],
    }
