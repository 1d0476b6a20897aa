"""What merlin and ocaml-lsp read to understand the modules beside config.py: the libraries, and each other.

dune compiles copies of those modules below `mirage/`, so that what it tells an editor by itself is about the copies.
Hence a `.merlin` beside config.py, the same on every machine, that takes in a machine-bound file with dune's answers.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from mirage_py.build.equip import MACHINE
from mirage_py.build.link import Group
from mirage_py.codegen.stamp import stamped
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import run
from mirage_py.errors import ToolFailed, WouldOverwrite
from mirage_py.model.command import Command
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain
from mirage_py.project.folders import dune_root

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


def refresh(tree: Tree, group: Group, host: HostToolchain, config_file: str) -> None:
    """Ask dune what it knows of the group's unikernels, where that has changed, and write it for editors.

    The targets of the host's compiler are preferred. A `.merlin` of the user's own is left alone. Nothing here is a
    reason for a build to fail.
    """
    with suppress(ToolFailed, WouldOverwrite):
        _refresh(tree, group, host, config_file)


def _refresh(tree: Tree, group: Group, host: HostToolchain, config_file: str) -> None:
    plans = _preferred(group.plans)
    facts = [place for plan in plans for place in _facts(tree.root, group, plan)]
    if not facts:
        return
    mark = "# " + hashlib.sha256(b"".join(place.read_bytes() for place in facts)).hexdigest()
    present = tree.root / EDITOR / ANSWERS
    if not present.is_file() or not present.read_text(encoding="utf-8").startswith(mark):
        answers = list(_answers(tree.root, group, plans, host))
        if not answers:
            return
        tree.mirror(EDITOR, {ANSWERS: "\n".join([mark, *_lines(answers)]) + "\n"})
    tree.write({}, {DOT_MERLIN: stamped(f". {EDITOR}/{ANSWERS}\n", "merlin", config_file)})


def _preferred(plans: Iterable[Plan]) -> tuple[Plan, ...]:
    """One plan for each unikernel: that of the host's compiler if there is one."""
    chosen: dict[str, Plan] = {}
    for plan in sorted(plans, key=lambda plan: plan.context != "default"):
        chosen.setdefault(plan.name, plan)
    return tuple(chosen.values())


def _facts(folder: Path, group: Group, plan: Plan) -> Iterator[Path]:
    """Where dune leaves what it knows of a unikernel's modules."""
    below = folder.relative_to(dune_root(folder)) / "mirage" / plan.label
    yield from sorted((folder / group.build_dir / plan.context / below / ".merlin-conf").glob("*"))


def _answers(folder: Path, group: Group, plans: Sequence[Plan], host: HostToolchain) -> Iterator[list[Sexp]]:
    """What dune says about each unikernel: a list of directives; nothing for one that it knows nothing about."""
    root = dune_root(folder)
    asked = [f"{(folder / 'mirage' / plan.label / 'main.ml').relative_to(root)}" for plan in plans]
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
    result = run(command, check=False, stdin="".join(_csexp(["File", path]) for path in asked))
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
