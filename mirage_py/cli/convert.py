"""`mpy convert`: an OCaml config.ml becomes a config.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from mirage_py.cli.command import argument, command, option
from mirage_py.cli.options import Json
from mirage_py.doors import terminal as console

if TYPE_CHECKING:
    from mirage_py.workflow.convert import Converted

INCOMPLETE: Final = 1
"""Something is left for a person to do."""


def convert(
    file: Annotated[Path, argument(metavar="FILE", help="the OCaml configuration")] = Path("config.ml"),
    output: Annotated[Path, option("-o", "--output", metavar="FILE", help="where to; default: config.py")] = Path(
        "config.py"
    ),
    check: Annotated[bool, option("--check", help="tell what would come of it, and write nothing")] = False,
    force: Annotated[bool, option("--force", help="write over a file that is there")] = False,
    as_json: Json = False,
) -> int:
    """Turn an OCaml config.ml into a config.py.

    What cannot be converted stays in place as a comment with the OCaml text, is listed with its line, and makes it end
    with 1, as does what mpy's language refuses. An existing file is left alone without --force.
    """
    from mirage_py.workflow.convert import convert as work

    done = work(file, None if check else output, force=force)
    if as_json:
        console.result(json.dumps(_data(done), ensure_ascii=False))
    else:
        _tell(done)
    return 0 if done.whole else INCOMPLETE


COMMAND = command(convert)


def _tell(done: Converted) -> None:
    program = done.program
    for note in program.notes:
        console.say("\n".join((f"{program.file}:{note.line}: {note.message}", *(f"  {line}" for line in note.details))))
    for left in program.undone:
        console.warn(f"{program.file}:{left.line}: not converted: {left.reason}")
    if done.output is not None:
        console.say(f"wrote {done.output}", event="file", action="wrote", path=str(done.output))
    if done.refusal is not None:
        console.error(done.refusal)
        console.say("every line converts, and mpy refuses what they say together: mend it by hand")
    elif program.undone:
        count = len(program.undone)
        console.say(f"{count} {'place is' if count == 1 else 'places are'} left for you to convert")
    elif done.output is None:
        console.say(f"{program.file} converts whole")


def _data(done: Converted) -> dict[str, object]:
    from dataclasses import asdict  # 8 ms, for what is asked for as JSON alone

    return {
        "file": done.program.file,
        "output": str(done.output) if done.output else None,
        "complete": done.whole,
        "refusal": console.error_json(done.refusal) if done.refusal else None,
        "notes": [asdict(note) for note in done.program.notes],
        "undone": [asdict(one) for one in done.program.undone],
    }
