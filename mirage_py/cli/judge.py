"""typer's judgement of a line: what its words stand for, or why they cannot be taken.

Of typer only what it shows: an application, options and arguments, the exception.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from mirage_py.cli.command import Parameter
from mirage_py.errors import UsageError


def judge(  # any: values of many types
    where: str, parameters: Sequence[Parameter], words: Sequence[str], why: str | None = None
) -> dict[str, Any]:
    """The arguments that the words stand for, without defaults.

    Raises a UsageError when typer refuses them: with the reason that is known already, or in typer's words.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": []})(_collector(parameters))
    try:
        given: dict[str, Any] = app(list(words), prog_name=where, standalone_mode=False)
    except typer.TyperException as refused:
        raise UsageError(
            why or _lowered(refused.format_message()), hint=f"{where} --help tells what there is"
        ) from None
    return {one.name: given[one.name] for one in parameters if given[one.name] != one.default}


def _collector(parameters: Sequence[Parameter]) -> Any:  # any: a function whose signature mypy cannot see
    """A function with these parameters, which gives back what it was called with."""

    def collect(**given: Any) -> dict[str, Any]:
        return given

    signature = inspect.Signature([_typed(one) for one in parameters])
    collect.__signature__ = signature  # type: ignore[attr-defined]  # what inspect reads, and so does typer
    collect.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return collect


def _typed(one: Parameter) -> inspect.Parameter:
    """A parameter as typer's documentation has it."""
    mark, bare = one.mark, _type(one)
    told: dict[str, Any] = {"help": mark.help, "metavar": mark.metavar or (one.name.upper() if not one.names else None)}
    if one.many and one.choices:
        told["parser"] = _among(one.choices)
    info = typer.Option(*mark.names, count=mark.counts, min=mark.least, **told) if one.names else typer.Argument(**told)
    optional = not one.required and one.default is None
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if one.required else one.default,
        annotation=Annotated[bare | None if optional else bare, info],
    )


def _type(one: Parameter) -> Any:  # any: a type that is made here
    single: Any = Literal[one.choices] if one.choices and not one.many else _TYPES[one.kind]
    return list[single] if one.many else single  # typer knows no list of literals: see _among


def _among(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(word: str) -> str:
        if word not in choices:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(map(repr, choices))}")
        return word

    return parse


_TYPES: Final = {"flag": bool, "count": int, "text": str, "path": Path, "whole": int, "number": float}


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
