"""A toolchain that the user describes: a TOML file whose facts go over those that discovery finds.

    link = "cross"
    prefix = "/somewhere/solo5"      # where to look for what is not said here

    cflags = "-O2"                   # a fact for all targets
    [target.hvt]
    tender = "bin/my-hvt"            # a fact for one; a relative path is relative to this file

A description that says everything needs no discovery at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mirage_py.errors import Location, UsageError
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.project.reading import exact_text_of, toml_of

if TYPE_CHECKING:
    from pydantic import ValidationError

    from mirage_py.toolchain.schema import File

__all__ = ["Description", "read_description"]

REQUIRED: Final = {one.name for one in fields(Toolchain) if one.default is one.default_factory is MISSING}
REQUIRED_OF_A_FILE: Final = REQUIRED - {"target", "generation"}


class Description(NamedTuple):
    """What a file says of one target, by the field names of Toolchain, and the choice that goes with it."""

    facts: Mapping[str, Any]  # Any: each field has its own type, which pydantic has checked
    choice: ToolchainChoice

    @property
    def complete(self) -> bool:
        """Whether nothing has to be discovered."""
        return REQUIRED_OF_A_FILE.issubset(self.facts)


def read_description(choice: ToolchainChoice, target: str) -> Description:
    """What the description file of this choice says about a target; UsageError with one line for each bad field."""
    if choice.description is None:
        return Description({}, choice)
    file = _checked(choice.description)
    said = {name: value for name, value in file if value is not None and name in Toolchain.__dataclass_fields__}
    said |= file.target[target].model_dump(exclude_none=True) if target in file.target else {}
    prefixes = choice.prefixes or ((file.prefix,) if file.prefix else ())
    switch, link = choice.switch or file.switch, choice.link or file.link
    for name in ("prefix", "target"):  # where to look, and the tables: no facts
        said.pop(name, None)
    return Description(said, ToolchainChoice(switch=switch, prefixes=prefixes, link=link))


def _checked(path: Path) -> File:
    from pydantic import ValidationError

    from mirage_py.toolchain.schema import File

    try:
        return File.model_validate(_parsed(path), context=path.parent)
    except ValidationError as error:
        raise UsageError(
            "this toolchain description cannot be used",
            location=Location(str(path)),
            details=tuple(_lines(error)),
            hint="`mpy toolchain show --json` prints the fields, as they are for this machine",
        ) from None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return toml_of(exact_text_of(path))
    except OSError as error:
        raise UsageError(f"the toolchain description {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"this toolchain description is not TOML: {error}", location=Location(str(path))) from error


def _lines(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        field = ".".join(str(part) for part in one["loc"] if part != "[key]")
        message = one["msg"].removeprefix("Value error, ")
        known = message[:1].lower() + message[1:]
        yield f"{field}: {'there is no such field' if one['type'] == 'extra_forbidden' else known}"
