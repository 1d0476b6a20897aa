"""What somebody meant who typed a word that a command does not have: by meaning first, then by its letters."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mirage_py.cli.command import Command, Parameter
from mirage_py.cli.words import Sorted
from mirage_py.dataclass import dataclass, field
from mirage_py.errors import MpyError, UsageError, suggestion

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config

COMMANDS: Final = {
    "boot": "run",
    "check": "audit",
    "compile": "build",
    "create": "init",
    "deps": "lock",
    "depend": "pull",
    "depends": "pull",
    "depext": "lock",
    "diagnose": "doctor",
    "distclean": "clean",
    "download": "pull",
    "exec": "run",
    "export": "bundle",
    "fetch": "pull",
    "get": "pull",
    "graph": "describe",
    "import": "convert",
    "info": "describe",
    "install": "lock",
    "launch": "run",
    "link": "build",
    "list": "describe",
    "make": "build",
    "new": "init",
    "package": "bundle",
    "remove": "clean",
    "reproduce": "verify",
    "rm": "clean",
    "show": "describe",
    "solve": "lock",
    "start": "run",
    "status": "describe",
    "update": "lock --update",
    "upgrade": "lock --update",
    "vendor": "pull",
    "version": "--version",
    "watch": "build --watch",
}
"""Words for what a command does, as other tools have them."""

OF_MIRAGE: Final = {
    "--extra-repos": "mpy repo add SOURCE, or mpy lock --repo SOURCE, names another repository",
    "--extra-repo": "mpy repo add SOURCE, or mpy lock --repo SOURCE, names another repository",
    "--no-extra-repo": "mpy lock --repo SOURCE takes the repositories that it names, and no others",
    "--no-depext": "mpy installs nothing on the system: mpy lock names the system's packages in mpy.lock",
    "--dune-path": "the dune that PATH has first is taken",
    "--eval": "mpy query answers without writing anything",
}
"""Options of the OCaml tool that stand in scripts, with what does their work here."""

OPTIONS: Final = {
    **dict.fromkeys(("arch", "backend", "platform", "for"), "--target"),
    **dict.fromkeys(("config", "configuration"), "--file"),
    **dict.fromkeys(("directory", "chdir", "cwd"), "-C"),
    **dict.fromkeys(("disk", "drive"), "--block"),
    **dict.fromkeys(("tap", "nic", "netdev"), "--net"),
    **dict.fromkeys(("memory", "ram"), "--mem"),
    **dict.fromkeys(("parallel", "threads", "cores"), "--jobs"),
    **dict.fromkeys(("noop", "just-print", "simulate", "what-if"), "--dry-run"),
    **dict.fromkeys(("silent", "short"), "--quiet"),
    **dict.fromkeys(("debug", "trace"), "--verbose"),
    **dict.fromkeys(("colour", "colors", "ansi"), "--color"),
    **dict.fromkeys(("no-color", "no-colour", "plain"), "--color never"),
    **dict.fromkeys(("image", "name"), "--output"),
    **dict.fromkeys(("emulator", "qemu", "tcg", "software"), "--emulate"),
    **dict.fromkeys(("development", "devel"), "--dev"),
    **dict.fromkeys(("forget", "force"), "--reset"),
    **dict.fromkeys(("usage", "man"), "--help"),
    **dict.fromkeys(("frozen", "immutable"), "--locked"),
    **dict.fromkeys(("no-network", "no-net"), "--offline"),
}
"""Words for what an option does, as other tools have them; without the dashes."""


def no_command(where: str, name: str, there: Mapping[str, object]) -> UsageError:
    """The error for a command that is not there."""
    meant = COMMANDS.get(name.lower()) if where == "mpy" else None
    if meant is not None and (meant.split()[0] in there or meant.startswith("--")):
        near: str | None = f"did you mean {meant}?"
    else:
        near = suggestion(name, there)
    hints = filter(None, [near, f"{where} --help tells what there is"])
    return UsageError(f"{where} has no command {name!r}", hint="\n".join(hints))


@dataclass(frozen=True, kw_only=True)
class Misread:
    """A line with words that are no options of its command, and what is known that may explain them."""

    where: str
    found: Sorted
    known: Sequence[Parameter]
    line: Sequence[str]
    open_keys: Mapping[str, Any] = field(default_factory=dict)
    config: Config | None = None
    file: Path | None = None

    @property
    def further(self) -> str:
        """Where all options are listed."""
        return f"{self.where} --help tells what there is"


def no_option(read: Misread) -> UsageError:
    """The error for the first word that is no option: what was meant by it."""
    word = read.found.strange[0]
    if word.endswith(" "):
        return UsageError(f"option '{word.rstrip()}' requires an argument", hint=read.further)
    said = OF_MIRAGE.get(word) or _key_as(word, read.open_keys) or _key_elsewhere(word, read)
    hints = [said] if said else [*_hints(word, read), read.further]
    return UsageError(f"{read.where} has no option {word}", hint="\n".join(hints))


def _hints(word: str, read: Misread) -> Iterator[str]:
    there = [name for one in read.known for name in (*one.names, *filter(None, [one.off])) if len(name) > 2]
    near = _near(word, [*there, *(f"--{name}" for name in read.open_keys)]) if word.startswith("--") else None
    if near:
        yield near
    if read.where == "mpy run":
        yield f"boot arguments stand behind --: {as_boot_arguments(read.found, read.line)}"
    elif near is None:
        yield from _elsewhere(word, read)


def _key_as(word: str, open_keys: Mapping[str, Any]) -> str | None:
    """A key in another spelling than ours: with `_`, or a `--no-dhcp` that was said the other way round."""
    name = word.removeprefix("--").replace("_", "-")
    if name in open_keys:
        return f"names of keys are written with dashes: --{name}"
    if f"no-{name}" in open_keys:
        return f"it is so unless --no-{name} is given; --no-{name}=false takes that back"
    if name.startswith("no-") and getattr(open_keys.get(name[3:]), "kind", None) == "flag":
        return f"it is so unless --{name[3:]} is given; --{name[3:]}=false takes that back"
    return None


def _key_elsewhere(word: str, read: Misread) -> str | None:
    """A key of the configuration, where the command takes none."""
    if read.config is not None or not word.startswith("--") or read.where == "mpy":
        return None
    from mirage_py.cli.keys import keys_of
    from mirage_py.cli.where import here_or_above
    from mirage_py.project.loader import load

    try:
        there = keys_of(load(read.file or here_or_above()))
    except MpyError:
        return None
    name = word.removeprefix("--")
    return f"it is chosen when configuring: mpy configure {word}" if name in there else None


def _near(word: str, there: Sequence[str]) -> str | None:
    meant = OPTIONS.get(word.removeprefix("--").lower())
    if meant is not None and (meant.split()[0] in there or meant == "-C"):
        return f"did you mean {meant}?"
    return suggestion(word, there)


def _elsewhere(word: str, read: Misread) -> Iterator[str]:
    """Where an option belongs that this command does not have: to the unikernel's boot, or to another command."""
    folder = (read.file or Path()).absolute().parent
    if read.config is not None and word.lstrip("-") in boot_options(read.config, folder):
        yield f"{word} is told when the unikernel boots: mpy run -- {word} ..."
        return
    having = list(_commands_with(word))
    if having:
        yield f"{' and '.join(f'mpy {name}' for name in having[:2])} {'has' if len(having) == 1 else 'have'} it"


def _commands_with(word: str) -> Iterator[str]:
    from mirage_py.cli.commands import COMMANDS as ALL

    for name in ALL:
        one = import_module(f"mirage_py.cli.{name}").COMMAND
        if isinstance(one, Command) and any(word in parameter.names for parameter in one.parameters):
            yield name


def as_boot_arguments(found: Sorted, line: Sequence[str]) -> str:
    """The line of `mpy run` with all that is not its own behind the `--`."""
    ours = list(found.known)
    for word in found.alone:
        ours.remove(word)
    theirs = list(line)
    for word in ours:
        if word in theirs:
            theirs.remove(word)
    return shlex.join(["mpy", "run", *ours, "--", *(word for word in theirs if word != "--")])


def boot_options(config: Config, folder: Path) -> frozenset[str]:
    """The options that a unikernel of this configuration may take when it boots, without dashes."""
    from mirage_py.dsl.term import Dev, children, postorder
    from mirage_py.project.boot_options import Sources
    from mirage_py.project.sources import ocaml_modules

    roots = [term for one in config.unikernels for term in (*one.init, *one.jobs)]
    args = {
        arg.code: arg
        for term in postorder(roots, children)
        if isinstance(term, Dev)
        for arg in term.device.runtime_args
    }
    options = {option for arg in args.values() for option in arg.options}
    try:
        sources = Sources(folder, ocaml_modules(folder, None, config.file))
        own = [*sources.options(args).values(), *(one.options for one in sources.registered(args))]
    except (OSError, MpyError):
        own = []
    return frozenset(options | {option for some in own for option in some})
