"""Build again: what a build came of is remembered beside what it told, so that the next one asks dune at once.

A build has three chapters. Up to the run of dune everything is decided by files that are read and paths that are looked
at, and is as it was while those are (`doors.watch`). What dune does is dune's to know: it is asked each time. What
follows, the last steps of each image, reads what dune has made: where that is as it was, so are the images.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.build import editor
from mirage_py.build.early import Early
from mirage_py.build.finish import Built, Outcome, finish, mapped
from mirage_py.dataclass import dataclass, replace
from mirage_py.doors import answers, terminal as console
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import ready
from mirage_py.workflow.freshness import Inputs, Subject, inputs_of, noting, subject_of

if TYPE_CHECKING:  # an edit comes to that only where something fails
    from mirage_py.build.ending import Ending
    from mirage_py.build.images import Compiled
    from mirage_py.doors.children import Children
    from mirage_py.doors.watch import Watch
    from mirage_py.errors import ToolFailed
    from mirage_py.model.command import Command
    from mirage_py.model.plan import Plan

    Decided = tuple[answers.Inputs, answers.Known]

__all__ = ["Again", "Recording"]

Seen = dict[tuple[str, str], object]
Tell = Callable[[tuple[Built, ...]], None]


class Recording:
    """What a build comes of, noted while it is made; nothing where this process is not watched."""

    def __init__(self) -> None:
        self._watch: Watch | None = answers.watching
        self._sources: Seen = {}
        self._subjects: tuple[Subject, ...] = ()
        self._before: Seen | None = None
        self._commands: Sequence[Command] = ()
        self._compiled: Compiled | None = None
        self._told: answers.Told = []
        if self._watch is not None:
            self._watch.building = True

    def sources(self, folder: Path, plans: Sequence[Plan]) -> dict[str, Inputs]:
        """What the images are made of, by label; read apart from what decides how they are made."""
        self._subjects = tuple(subject_of(folder, plan) for plan in plans)
        if self._watch is None:
            return inputs_of(folder, self._subjects)
        decided, self._watch.inputs = self._watch.inputs, {}
        found = inputs_of(folder, self._subjects)
        self._sources, self._watch.inputs = self._watch.inputs, decided
        return found

    @contextmanager
    def around(self, commands: Sequence[Command], compiled: Compiled) -> Iterator[None]:
        """While dune runs; a second run, or a doubt before the first, and nothing is remembered."""
        watch = self._watch
        if watch is None or watch.doubt or self._before is not None:
            self._watch = None
            yield
            return
        self._commands, self._compiled = commands, compiled
        self._before = watch.turn(names=True) | watch.left()
        watch.wrote(*(str(compiled.folder / group.build_dir) for group in compiled.groups))  # dune makes them
        with answers.aside():
            yield
        self._told = list(watch.told)

    def keep(self, built: tuple[Built, ...], tell: Tell) -> None:
        """Remember how to make these images, which were told of."""
        if self._watch is None or self._before is None or self._compiled is None or console.settings.verbosity > 0:
            return
        again = Again(
            endings=None if any(making.by_hand for making in self._compiled.makings) else self._compiled.endings(),
            question=self._compiled.question,
            subjects=self._subjects,
        )
        rest = {
            "folder": str(self._compiled.folder),
            "commands": [_as_data(command) for command in self._commands],
            "told": self._told,
            "built in": tuple(f"{self._compiled.folder / group.build_dir}{os.sep}" for group in self._compiled.groups),
            "terminal": (console.settings.verbosity, console.settings.color, console.settings.log_format),
            "again": pickle.dumps(again),
            "compiled": pickle.dumps(self._compiled),
            "sources": self._sources,
        }
        _keep(self._watch, partial(self._watch.settled, self._before), rest, built, tell)


@dataclass(frozen=True, kw_only=True)
class Again:
    """All that is needed when dune has done its work; the endings of what mpy links by hand are known only then."""

    endings: tuple[Ending, ...] | None
    question: editor.Question
    subjects: tuple[Subject, ...]


class Resumed:
    """The last chapter of a build that was remembered; made while dune runs, after an edit or where something is gone.

    `sources` are what the sources were before dune was started, `since` is a moment before any input was looked at.
    """

    def __init__(self, key: bytes, answer: answers.Answer, sources: Seen, since: int) -> None:
        from mirage_py.doors.watch import Watch

        assert answer.rest is not None, "only a build is resumed"
        self._answer, self._rest = answer, answer.rest
        self._again: Again = pickle.loads(answer.rest["again"])  # noqa: S301  # a file of this user's, with its checksum
        console.settings.verbosity, console.settings.color, console.settings.log_format = answer.rest["terminal"]
        self._watch = Watch(key)
        self._watch.building = True
        self._watch.start = since
        self._tree = Tree(Path(answer.rest["folder"]))
        self._watch.turn()
        inputs = inputs_of(self._tree.root, self._again.subjects)
        self._sources = self._watch.turn(names=True)
        # while dune runs, as long as nothing else has to be done
        self._notes = {label: noting(self._tree.root, label, one) for label, one in inputs.items()}
        ready()
        self._tree.look_ahead(*(path for one in self._again.endings or () for path in (one.debug_image, one.installed)))
        self._early: Early | None = None
        self._certain = all(sources.get(one, state) == state for one, state in self._sources.items())

    def go_ahead(self, children: Children) -> None:
        """Begin what can be begun while dune still runs."""
        if self._early is None:
            self._early = Early(self._again.endings or (), children)
        self._early.go_ahead()

    def finish(self) -> Outcome | None:
        """Make the images of what dune has compiled; None where dune has to link again."""
        editor.refresh(self._tree, self._again.question)
        endings = self._again.endings or self._compiled().endings()
        if not mapped(endings):
            return None
        done = finish(
            self._tree,
            endings,
            refusal=lambda *refused: self._compiled().refusal(*refused),
            failure=lambda *failed: self._compiled().link_failed(*failed),
            early=self._early,
        )
        if self._certain:
            for one in done.built:
                self._notes[one.label]()
        return done

    def end(self) -> None:
        """Look at nothing any more: the build is made from the beginning."""
        self._watch.on = False

    def keep(self, built: tuple[Built, ...], tell: Tell) -> None:
        """Remember how it was made this time."""
        if self._certain:
            rest = {**self._rest, "sources": self._sources}
            _keep(self._watch, partial(self._watch.renewed, self._answer), rest, built, tell)

    def failed(self, number: int, code: int, output: str) -> ToolFailed | None:
        """The error for a run of dune that failed; None where dune has to be asked again."""
        from mirage_py.build.images import LinkFailed, failed_run
        from mirage_py.doors.processes import Result
        from mirage_py.libraries.missing import doubted
        from mirage_py.model.command import Command
        from mirage_py.workflow.explaining import explained

        self._watch.on = False
        argv, cwd, env, purpose = self._rest["commands"][number]
        command = Command(argv=tuple(argv), purpose=purpose, cwd=Path(cwd), env=env)
        compiled = self._compiled()
        error = failed_run(compiled, Result(command=command, code=code, stderr=output), number)
        closures = {making.plan.label: making.closure for making in compiled.makings}
        if isinstance(error, LinkFailed):
            return explained(self._tree.root, closures, error)
        return error and doubted(error, list(closures.values()))

    def _compiled(self) -> Compiled:
        """What the build was prepared with."""
        found: Compiled = pickle.loads(self._rest["compiled"])  # noqa: S301  # as above
        return found


def _as_data(command: Command) -> tuple[list[str], str, Mapping[str, str | None], str]:
    return list(command.argv), str(command.cwd or "."), dict(command.env), command.purpose


def _keep(
    watch: Watch, inputs: Callable[[], Decided | None], rest: dict[str, Any], built: tuple[Built, ...], tell: Tell
) -> None:
    """Remember how images were made; `inputs` gives what decided that, unless it has changed meanwhile."""
    after = watch.turn()
    watch.on = False
    decided = inputs()
    if decided is None or watch.never:
        return
    told: answers.Told = [*rest["told"]]
    with watch.unseen(told):
        tell(tuple(replace(one, changed=False) for one in built))
    states = {(_kind(kind, path, rest["built in"]), path) for kind, path in after}
    rest = {**rest, "after": {one: answers.seen(*one) for one in states}}
    before, known = decided
    answers.keep(watch.key, before, told, rest, known)


def _kind(kind: str, path: str, built_in: tuple[str, ...]) -> str:
    """How what was read after dune is looked at again: large, and written by dune and mpy alone."""
    if path.startswith(built_in):
        return "made"
    return "state" if kind in {"file", *answers.kinds} else kind
