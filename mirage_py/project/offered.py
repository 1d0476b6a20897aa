"""The keys of a configuration as a shell offers them: known from the last configure, so that no TAB runs a program.

The file is `mirage/keys.json`, by configuration file, for several may share a folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import dataclass
from mirage_py.project.reading import exact_text_of, json_of

__all__ = ["FILE", "Offered", "offered_keys", "offered_text"]

FORMAT: Final = 1
FILE: Final = "keys.json"


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A key by its name: of which kind it is, which words it takes, if these are known, and what it means."""

    name: str
    kind: str
    choices: tuple[str, ...] = ()
    doc: str = ""


def offered_keys(mirage: Path, config_file: str) -> Mapping[str, Offered]:
    """The keys of a configuration below its `mirage` folder; none where it was never configured."""
    return {one.name: one for one in _read(mirage).get(config_file, ())}


def offered_text(mirage: Path, config_file: str, keys: Iterable[Offered]) -> str | None:
    """The content of the file with these keys for a configuration; None where there are none, and never were."""
    before = _read(mirage)
    now = {**before, config_file: tuple(keys)}
    if not (before or now[config_file]):
        return None
    files = {name: [_encoded(one) for one in of] for name, of in sorted(now.items())}
    return json.dumps({"format": FORMAT, "files": files}, indent=1, ensure_ascii=True) + "\n"


def _encoded(one: Offered) -> dict[str, Any]:  # any: JSON
    return {name: value for name, value in vars(one).items() if value}


def _read(mirage: Path) -> dict[str, tuple[Offered, ...]]:
    try:
        whole = json_of(exact_text_of(mirage / FILE))
        return {str(name): tuple(map(_decoded, of)) for name, of in whole["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # nothing is offered that is not known


def _decoded(one: Any) -> Offered:  # any: JSON
    choices = tuple(map(str, one.get("choices", ())))
    return Offered(name=str(one["name"]), kind=str(one["kind"]), choices=choices, doc=str(one.get("doc", "")))
