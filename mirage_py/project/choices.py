"""What mpy remembers of a directory between runs: the choices made for each unikernel and target.

The file is `mirage/choices.json`. It carries the digest of its own body: what mpy wrote itself is read without further
ado, anything else (edited by hand, half of a merge) is validated field by field first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mirage_py.dataclass import dataclass, field
from mirage_py.digest import sha256
from mirage_py.dsl.config import UNIKERNEL_NAME
from mirage_py.dsl.key import TARGETS
from mirage_py.errors import Location, MpyError
from mirage_py.project.reading import exact_text_of, json_of

if TYPE_CHECKING:
    from mirage_py.model.toolchain import Link

FORMAT = 1
FILE = "choices.json"


@dataclass(frozen=True, kw_only=True)
class SavedTarget:
    """The choices saved for one unikernel on one target: key name to the words it was given in, with who said so.

    `tools` are the options of the toolchain, as `--switch` has them: option name to its words, paths absolute.
    """

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    link: Link | None = None
    tools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Saved = Mapping[str, Mapping[str, SavedTarget]]
"""Unikernel name to target to what was chosen for it."""


def read_state(mirage: Path) -> Saved:
    """What was saved below a `mirage` folder; nothing when it was never configured.

    Raises `MpyError` when the file is damaged or from a newer mpy.
    """
    path = mirage / FILE
    try:
        text = exact_text_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}  # the second: a file of the user's named mirage, which writing will refuse
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise _damaged(path, str(error)) from None
    return _decode(_parsed(path, text))


def state_text(saved: Saved) -> str:
    """The content of the file for this state; the same state gives the same bytes."""
    body = {name: {target: _encode(one) for target, one in sorted(of.items())} for name, of in sorted(saved.items())}
    whole = {"format": FORMAT, "digest": _digest(body), "unikernels": body}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _encode(one: SavedTarget) -> dict[str, Any]:
    choices = {
        name: {"words": list(words), "source": one.sources.get(name, "flag")}
        for name, words in sorted(one.choices.items())
    }
    options = {name: value for name, value in (("output", one.output), ("link", one.link)) if value is not None}
    tools = {"tools": {name: list(words) for name, words in sorted(one.tools.items())}} if one.tools else {}
    return {"choices": choices} | options | tools


def _digest(body: object) -> str:
    return sha256(json.dumps(body, sort_keys=True).encode())


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        whole = json_of(text)
    except json.JSONDecodeError as error:
        raise _damaged(path, f"line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(whole, dict):
        raise _damaged(path, "it is no JSON object")
    if isinstance(whole.get("format"), int) and whole["format"] > FORMAT:
        raise MpyError(
            f"the saved choices are of a newer mpy (format {whole['format']}, this one reads {FORMAT})",
            location=Location.of(path),
            hint="upgrade mpy, or forget them: mpy configure --reset",
        )
    body = whole.get("unikernels")
    if not isinstance(body, dict) or whole.get("digest") != _digest(body):
        _validate(path, whole)
    assert isinstance(body, dict)  # checked by digest or by validation
    return body


def _validate(path: Path, whole: dict[str, Any]) -> None:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError  # 70 ms: only for a file that mpy did not write

    class SavedKey(BaseModel):
        model_config = ConfigDict(extra="forbid")
        words: list[str]
        source: str = "flag"

    class SavedOne(BaseModel):
        model_config = ConfigDict(extra="forbid")
        choices: dict[str, SavedKey] = {}
        output: Annotated[str, Field(pattern=rf"^{UNIKERNEL_NAME}$")] | None = None
        link: Literal["cross", "pkg-config"] | None = None
        tools: dict[Literal["toolchain", "switch", "solo5-prefix"], list[str]] = {}

    class SavedFile(BaseModel):
        format: int
        unikernels: dict[str, dict[Literal[TARGETS], SavedOne]]  # type: ignore[valid-type]  # a literal of each name

    try:
        SavedFile.model_validate(whole)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise _damaged(path, *lines) from None


def _damaged(path: Path, *details: str) -> MpyError:
    return MpyError(
        "the saved choices cannot be read",
        location=Location.of(path),
        details=details,
        hint="mend the file, or forget the choices: mpy configure --reset",
    )


def _decode(body: dict[str, Any]) -> Saved:
    return {name: {target: _decode_one(one) for target, one in of.items()} for name, of in body.items()}


def _decode_one(one: dict[str, Any]) -> SavedTarget:
    choices = one.get("choices", {})
    return SavedTarget(
        choices={name: tuple(entry["words"]) for name, entry in choices.items()},
        sources={name: entry.get("source", "flag") for name, entry in choices.items()},
        output=one.get("output"),
        link=one.get("link"),
        tools={name: tuple(words) for name, words in one.get("tools", {}).items()},
    )
