"""C, compiled and linked for a target: each step is a command with what it reads and what it makes."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import Result, failure, run
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command
from mirage_py.project.reading import text_of

if TYPE_CHECKING:
    from mirage_py.model.toolchain import Toolchain

__all__ = [
    "Step",
    "archive",
    "begin",
    "compile_c",
    "end",
    "link",
    "pending",
    "perform",
    "search_path",
    "state",
    "strip",
    "to_linker",
]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command that makes `output` from `inputs`; a compilation also notes the headers it read, in `output`.d.

    `map` is where a link tells what it took.
    """

    command: Command
    inputs: tuple[Path, ...]
    output: Path
    map: Path | None = None

    @property
    def stamp(self) -> Path:
        """Where the words of the command and the state of its inputs are kept: others make another output."""
        return self.output.with_name(f"{self.output.name}.cmd")


def compile_c(toolchain: Toolchain, source: Path, output: Path, flags: Iterable[str] = ()) -> Step:
    """Compile one C file for the target; the file's own folder is searched for headers, as usual."""
    notes = ("-MMD", "-MF", f"{output}.d")
    argv = (*toolchain.c_compiler, *toolchain.cflags, *flags, *notes, "-c", str(source), "-o", str(output))
    purpose = f"compile {source.name} for {toolchain.target}"
    command = Command(argv=argv, purpose=purpose, cwd=source.parent, env=search_path(toolchain))
    return Step(command=command, inputs=(source,), output=output)


def archive(output: Path, members: tuple[Path, ...]) -> Step:
    """Put objects, or the members of archives, into an archive of their own.

    A thin archive takes the members of an archive; an ordinary one would take it whole, which no linker looks into.
    """
    thin = ("--thin",) if any(member.suffix == ".a" for member in members) else ()
    argv = ("ar", "rcs", *thin, str(output), *map(str, members))
    command = Command(argv=argv, purpose=f"put together {output.name}")
    return Step(command=command, inputs=members, output=output)


def link(toolchain: Toolchain, objects: tuple[Path, ...], flags: tuple[str, ...], output: Path) -> Step:
    """Link an image by hand: the OCaml object and the manifest first, then the flags of the C archives."""
    words = (*toolchain.linker, *toolchain.ldflags, *map(str, objects), *flags, *toolchain.libs)
    told = output.with_name(f"{output.name}.map")
    command = Command(
        argv=(*words, *to_linker(toolchain, (f"-Map={told}",)), "-o", str(output), *toolchain.ldpostflags),
        purpose=f"link {output.name}",
        env=search_path(toolchain),
    )
    return Step(command=command, inputs=objects, output=output, map=told)


def to_linker(toolchain: Toolchain, flags: Iterable[str]) -> tuple[str, ...]:
    """Flags of the linker, as they are given to it: as they are, or by the C compiler that starts it."""
    itself = re.fullmatch(r"(?:.*-)?ld(?:\.\w+)?", Path(toolchain.linker[0]).name)
    return tuple(flags) if itself else tuple(word for flag in flags for word in ("-Xlinker", flag))


def strip(toolchain: Toolchain, program: Path, output: Path) -> Step:
    """The program without debug information; its symbols stay, and so do the notes that tenders and Xen read.

    A build id is the linker's digest of all that it wrote, debug information included, and goes with it.
    """
    tool = toolchain.objcopy
    argv = (str(tool), "--strip-debug") if tool else ("strip", "-S")
    no_id = () if sys.platform == "darwin" else ("-R", ".note.gnu.build-id")
    files = (str(program), str(output)) if tool else ("-o", str(output), str(program))
    command = Command(argv=(*argv, *no_id, *files), purpose=f"strip {output.name}", env=search_path(toolchain))
    return Step(command=command, inputs=(program,), output=output)


def pending(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps that have to be run: those whose inputs, headers or words have changed, and those that follow them."""
    chosen: dict[Path, Step] = {}
    for step in steps:
        if any(file in chosen for file in step.inputs) or _outdated(step):
            chosen[step.output] = step
    return tuple(chosen.values())


def perform(steps: Iterable[Step]) -> None:
    """Run what is pending of these steps, each from a clean output: `ar` would keep what is in an archive already."""
    for step in pending(steps):
        _clear(step)
        run(step.command)
        step.stamp.write_bytes(state(step))


def begin(step: Step) -> tuple[Command, ...]:
    """The command of a step that is pending, to be run from a clean output; none of one that is not."""
    if not pending([step]):
        return ()
    _clear(step)
    return (step.command,)


def end(step: Step, results: tuple[Result, ...]) -> ToolFailed | None:
    """Note that a step has been performed, when its command has run; where that failed, why."""
    for one in results:
        if not one.ok:
            return failure(one)
        step.stamp.write_bytes(state(step))
    return None


def state(step: Step) -> bytes:
    """What has to stay the same for the output to stand: the words of the command, each file that it read.

    A file that is older than it was counts as changed: dune's cache brings old files back. PATH is no part of it, the
    tools are named by their paths.
    """
    read = ((file, file.stat()) for file in (*step.inputs, *_headers(step)))
    lines = [shlex.join(step.command.argv), *(f"{at.st_mtime_ns} {at.st_size} {file}" for file, at in read)]
    return os.fsencode("\n".join(lines))


def search_path(toolchain: Toolchain) -> Mapping[str, str | None]:
    """The environment in which the toolchain's own tools find each other."""
    path = os.environ.get("PATH", os.defpath)
    missing = [str(folder) for folder in toolchain.path if str(folder) not in path.split(os.pathsep)]
    return {"PATH": os.pathsep.join([*missing, path])} if missing else {}


def _clear(step: Step) -> None:
    """Away with the output, and with what is known of it: half of another one may be there when mpy is ended."""
    step.output.parent.mkdir(parents=True, exist_ok=True)
    for file in (step.stamp, step.output):
        file.unlink(missing_ok=True)


def _outdated(step: Step) -> bool:
    there = (step.output, *([step.map] if step.map else []))
    try:
        return not all(file.is_file() for file in there) or step.stamp.read_bytes() != state(step)
    except OSError:
        return True


def _headers(step: Step) -> list[Path]:
    """What the compiler read, from the note it wrote in the language of make."""
    note = step.output.with_name(f"{step.output.name}.d")
    if not note.is_file():
        return []
    _, _, files = text_of(note).replace("\\\n", " ").partition(": ")
    return [Path(word.replace("\\ ", " ")) for word in re.findall(r"(?:\\ |\S)+", files)]
