"""What merlin and ocaml-lsp read to understand the modules beside config.py: the libraries, and each other.

dune compiles copies of those modules below `mirage/`, so that what it tells an editor by itself is about the copies.
Hence a `.merlin` beside config.py, the same on every machine, that takes in a machine-bound file with dune's answers.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.build.making import MACHINE
from mirage_py.codegen.stamp import stamped
from mirage_py.dataclass import dataclass
from mirage_py.digest import sha256
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import run
from mirage_py.errors import ToolFailed, WouldOverwrite
from mirage_py.model.command import Command
from mirage_py.project.folders import dune_root

if TYPE_CHECKING:
    from mirage_py.build.link import Group
    from mirage_py.model.plan import Plan
    from mirage_py.model.toolchain import HostToolchain

DOT_MERLIN: Final = ".merlin"
EDITOR: Final = f"{MACHINE}/editor"
ANSWERS: Final = "merlin"
"""The file there with the paths and flags of the modules beside config.py."""

Sexp = str | list["Sexp"]

_DIRECTIVES: Final = {"STDLIB": "STDLIB", "B": "B", "BH": "B", "CMT": "CMT", "S": "S", "SH": "S"}
"""dune's words for a folder, as a .merlin has them: readers older than dune know nothing of hidden ones."""


def kept(folder: Path) -> dict[str, str | Path]:
    """The answers of an earlier build, to stay in `mirage/machine` until there are newer ones."""
    answers = folder / EDITOR / ANSWERS
    return {str(answers.relative_to(folder / MACHINE)): answers} if answers.is_file() else {}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What dune is asked for editors: by which command, of which modules, and the folders of what it knows of them."""

    command: Command
    modules: tuple[str, ...]
    facts: tuple[Path, ...]
    config_file: str


def question(folder: Path, group: Group, host: HostToolchain, config_file: str) -> Question:
    """What to ask of the group's unikernels. The targets of the host's compiler are preferred."""
    root, plans = dune_root(folder), _preferred(group.plans)
    below = folder.relative_to(root) / "mirage"
    command = Command(
        argv=(
            *(str(host.dune), "ocaml-merlin", "--no-print-directory", "--root", str(root)),
            *("--workspace", str(folder / MACHINE / group.workspace)),
            *("--build-dir", str(folder / group.build_dir)),
        ),
        purpose="ask dune what an editor should know",
        cwd=root,
        timeout=20,
    )
    return Question(
        command=command,
        modules=tuple(f"{below / plan.label / 'main.ml'}" for plan in plans),
        facts=tuple(folder / group.build_dir / plan.context / below / plan.label / ".merlin-conf" for plan in plans),
        config_file=config_file,
    )


def refresh(tree: Tree, asked: Question) -> None:
    """Ask dune what it knows of unikernels, where that has changed, and write it for editors.

    A `.merlin` of the user's own is left alone. Nothing here is a reason for a build to fail.
    """
    with suppress(ToolFailed, WouldOverwrite):
        _refresh(tree, asked)


def _refresh(tree: Tree, asked: Question) -> None:
    facts = [place for folder in asked.facts for place in sorted(folder.glob("*"))]
    if not facts:
        return
    mark = "# " + sha256(b"".join(place.read_bytes() for place in facts))
    present = tree.root / EDITOR / ANSWERS
    if not present.is_file() or not present.read_text(encoding="utf-8").startswith(mark):
        answers = list(_answers(asked))
        if not answers:
            return
        tree.mirror(EDITOR, {ANSWERS: "\n".join([mark, *_lines(answers)]) + "\n"})
    tree.write({}, {DOT_MERLIN: stamped(f". {EDITOR}/{ANSWERS}\n", "merlin", asked.config_file)})


def _preferred(plans: Iterable[Plan]) -> tuple[Plan, ...]:
    """One plan for each unikernel: that of the host's compiler if there is one."""
    chosen: dict[str, Plan] = {}
    for plan in sorted(plans, key=lambda plan: plan.context != "default"):
        chosen.setdefault(plan.name, plan)
    return tuple(chosen.values())


def _answers(asked: Question) -> Iterator[list[Sexp]]:
    """What dune says about each unikernel: a list of directives; nothing for one that it knows nothing about."""
    result = run(asked.command, check=False, stdin="".join(_csexp(["File", path]) for path in asked.modules))
    for answer in _read_csexps(result.stdout):
        if isinstance(answer, list) and not any(one[0] == "ERROR" for one in answer if isinstance(one, list)):
            yield answer


def _lines(answers: Iterable[list[Sexp]]) -> Iterator[str]:
    """The directives of all unikernels in the order in which dune gave them, each once, as a .merlin has them."""
    yield "EXCLUDE_QUERY_DIR"
    yield from dict.fromkeys(line for answer in answers for directive in answer for line in _line(directive))


def _line(directive: Sexp) -> Iterator[str]:
    match directive:
        case ["FLG", list(words)]:
            yield f"FLG {shlex.join(str(word) for word in words)}"
        case ["SUFFIX", str(suffixes)]:
            yield f"SUFFIX {suffixes}"
        case [str(tag), str(path)] if tag in _DIRECTIVES:
            yield f"{_DIRECTIVES[tag]} {path}"


# ---------------------------------------------------------------------------------------------------------------------
# Canonical S-expressions: `dune ocaml-merlin` speaks them


def _csexp(value: Sexp) -> str:
    if isinstance(value, str):
        return f"{len(value.encode())}:{value}"
    return f"({''.join(_csexp(one) for one in value)})"


def _read_csexps(text: str) -> Iterator[Sexp]:
    """The values in a text; what is cut short is left out."""
    raw, at = text.encode(), 0
    stack: list[list[Sexp]] = [[]]
    while at < len(raw):
        match raw[at : at + 1]:
            case b"(":
                stack.append([])
                at += 1
            case b")" if len(stack) > 1:
                done = stack.pop()
                stack[-1].append(done)
                at += 1
            case digit if digit.isdigit():
                colon = raw.index(b":", at)
                end = colon + 1 + int(raw[at:colon])
                stack[-1].append(raw[colon + 1 : end].decode(errors="replace"))
                at = end
            case _:
                at += 1
    yield from stack[0]
