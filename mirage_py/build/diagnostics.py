"""What a compiler, a linker or dune said, in the user's terms: the first error with its place, its own text after.

The tools name generated modules (`Unikernel_main__12`, `Dune__exe.Words`) and generated files; the user knows neither.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.build.excerpts import cleaned, with_folders, without_contexts, without_message
from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.processes import Result
from mirage_py.errors import Location, ToolFailed
from mirage_py.model.audit import Explanation
from mirage_py.model.plan import Plan

LONGEST: Final = 200
"""Characters of a message: OCaml may print a signature of a hundred lines, and its own text follows anyway."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PLACE = re.compile(r'^File "(?P<file>[^"]+)", lines? (?P<line>\d+)(?:-\d+)?(?:, characters [\d-]+)?:', re.MULTILINE)
_ERROR = re.compile(r"^Error(?: \((?P<what>[^)\n]*)\))?: (?P<text>.*(?:\n(?:[ \t>-].*|$))*)", re.MULTILINE)
_PLAIN_ERROR = re.compile(
    r"^Error(?: \((?P<what>[^)\n]*)\))?: (?P<text>.*(?:\n(?!Error|File )[^\n(].*)*)", re.MULTILINE
)
"""One without a place: it goes on to the next empty line."""
_C_ERROR = re.compile(
    r"^(?P<file>[^\s:][^:\n]*\.[chS]):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.*)$", re.MULTILINE
)
_UNDEFINED = re.compile(
    r"^(?:\S*\bld(?:\.\w+)?: )?(?:(?P<file>[^\s:][^:\n]*\.\w+):(?P<line>\d+):)?"
    r".*undefined (?:reference to [`']|symbol: )(?P<symbol>[^'\s]+)",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One error: where, in the tool's spelling (empty where it names no file), and its message on one line."""

    message: str
    file: str = ""
    line: int = 0
    hint: str | None = None


def build_failed(result: Result, folder: Path | None = None, plans: Iterable[Plan] = ()) -> ToolFailed:
    """The error for a failed dune run: what the user wrote first, the tool's own words after.

    `folder` is that of config.py; `plans` tell what the names of generated modules stand for.
    """
    plans = tuple(plans)
    text = _of_stubs(with_folders(_COLOURS.sub("", result.output)), plans)
    root = result.command.cwd or Path.cwd()
    places = _Places(folder=folder or root, root=root)
    found = sorted(diagnostics(text), key=lambda one: places.rank(one.file))
    output = cleaned(without_contexts(text), places.path)
    if not found:
        return ToolFailed(f"{result.command.purpose} failed", output=output, details=(str(result.command),))
    first = _in_our_words(_with_names(found[0], _names(plans)))
    place = places.location(first.file, first.line) if first.file else None
    if first.message == found[0].message and len(first.message) <= LONGEST:
        output = without_message(output, re.sub(_WARNING_SAID, "", first.message))
    return ToolFailed(_short(first.message), location=place, output=output, hint=first.hint)


_DAMAGED: Final = re.compile(r"input_value: |Persistent|persistent\.ml|\bMarshal\b")
"""What dune says, in an exception of its own, when it cannot read back what it wrote for itself."""


def lost_its_memory(result: Result) -> bool:
    """Whether dune failed for its own record of what it built: it is cut short where a disk was full."""
    crashed = result.code in {-signal.SIGSEGV, 128 + signal.SIGSEGV}  # OCaml checks little of what it reads back
    return crashed or ("exception " in result.output and bool(_DAMAGED.search(result.output)))


def compilation_failed(failed: ToolFailed) -> ToolFailed:
    """The error for a C file that mpy had compiled itself: the compiler's first error, at the line it is about."""
    found = next((one for one in diagnostics(_COLOURS.sub("", failed.output)) if one.file), None)
    if found is None:
        return failed
    said, place = _in_our_words(found), Location.of(Path(found.file), found.line)
    details = (failed.message, *failed.details)
    return ToolFailed(_short(said.message), location=place, output=failed.output, details=details, hint=said.hint)


def diagnostics(text: str) -> Iterator[Diagnostic]:
    """The errors in the output of a build: OCaml's, those of the C compiler, then what has no place; no warnings."""
    places = list(_PLACE.finditer(text))
    ends = [*(place.start() for place in places[1:]), len(text)]
    for place, end in zip(places, ends, strict=bool(places)):
        error = _ERROR.search(text, place.end(), end)
        if error and "Error during linking" not in error["text"]:  # the linker has said why
            yield Diagnostic(message=_message(error), file=place["file"], line=int(place["line"]))
    for error in _C_ERROR.finditer(text):
        yield Diagnostic(message=error["text"], file=error["file"], line=int(error["line"]))
    undefined = list(_UNDEFINED.finditer(text))
    if undefined:
        yield _undefined(undefined)
    for error in _PLAIN_ERROR.finditer(text, 0, places[0].start() if places else len(text)):
        yield Diagnostic(message=_message(error))


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Whose file is it, and where: dune tells paths from its root, line directives from the folder of config.py."""

    folder: Path
    root: Path

    def rank(self, file: str) -> int:
        """What the user can mend comes first: the own files, then what has no place, then generated files."""
        if not file:
            return 1
        return 2 if self.path(file).is_relative_to(self.folder / "mirage") else 0

    def location(self, file: str, line: int) -> Location:
        """The place as the user would write it."""
        return Location.of(self.path(file), line)

    def path(self, file: str) -> Path:
        """The file that a name in a message stands for."""
        copied = re.sub(r"^(?:.*/)?_build[^/]*/[^/]+/", "", file)
        candidates = [base / name for name in (copied, file) for base in (self.root, self.folder)]
        return next((path for path in candidates if path.is_file()), self.folder / file)


def _message(error: re.Match[str]) -> str:
    text = re.sub(r"\s+", " ", error["text"]).strip()
    warning = re.match(r"warning (\d+)", error["what"] or "")
    return f"{text} (warning {warning[1]} is an error here)" if warning else text


_WARNING_SAID: Final = r" \(warning \d+ is an error here\)$"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " ..."


def _of_stubs(text: str, plans: Iterable[Plan]) -> str:
    """The text with C files by their own paths: they are compiled as copies in the folder of their target."""
    for path in dict.fromkeys(stub.path for plan in plans for stub in plan.c_stubs):
        copied = rf"(?:(?:\S*/)?mirage/[\w.-]+/)?{re.escape(Path(path).name)}"
        text = re.sub(rf"(?m)(^|\s){copied}(?=[:,])", rf"\1{path}", text)
    return text


def _names(plans: Iterable[Plan]) -> dict[str, str]:
    """What the modules that main.ml defines stand for: `Unikernel_main__12` is `Unikernel.Main`, applied."""
    texts = (file.content for plan in plans for file in plan.files if file.path == "main.ml")
    return {m[1]: m[2] for text in texts for m in re.finditer(r"^module (\w+) = ([\w.]+)", text, re.MULTILINE)}


def _with_names(found: Diagnostic, names: Mapping[str, str]) -> Diagnostic:
    """The same with the user's names for modules."""
    text = re.sub(r"(?:transitive deps of |\S*/)dune__exe__(\w+)\.\S+(?: in \S+)?", r"\1", found.message)
    text = re.sub(r"\bDune__exe(?:\.|__)", "", text)
    return replace(found, message=re.sub(r"\b[A-Z]\w*__\d+\b", lambda name: names.get(name[0], name[0]), text))


# ---------------------------------------------------------------------------------------------------------------------
# What a message means for someone who wrote config.py


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """A meaning: groups of `pattern` are filled in, and for a `module` the `file` and the `package` it may come from.

    `in_config` rules are for errors at a line of Python: where config.py and the OCaml code it names meet. `nowhere`
    leaves out the place, where that is in a generated file. `where` is searched for in the path.
    """

    pattern: str
    said: str = "{message}"
    hint: str
    in_config: bool = False
    nowhere: bool = False
    where: str = ""

    def applied(self, found: Diagnostic) -> Diagnostic | None:
        """The diagnostic in these words, or None where they are not what it says."""
        match = re.search(self.pattern, found.message)
        elsewhere = (self.in_config and not found.file.endswith(".py")) or not re.search(self.where, found.file)
        if match is None or elsewhere:
            return None
        filled = {"message": found.message, **{name: text or "" for name, text in match.groupdict().items()}}
        stem = filled.get("module", "").split(".")[0]
        filled |= {"file": f"{stem[:1].lower()}{stem[1:]}.ml", "package": stem.lower()}
        file, line = ("", 0) if self.nowhere else (found.file, found.line)
        message, hint = self.said.format_map(filled), self.hint.format_map(filled)
        return Diagnostic(message=message, file=file, line=line, hint=hint)


_ARGUMENTS: Final = "start gets the functor's arguments, then deps, then runtime_args; without any of the first two, ()"
_PARAMETERS: Final = "its type in config.py, such as network >> job, has one module type for each parameter"

_TWICE: Final = (
    r'^(?:Too many opam files for package|The package) "(?P<served>[^"]+)"(?: is defined more than once)?: - '
)
_LAID: Final = r"/mirage/(?:machine|duniverse)/"
"""Where mpy lays the sources of packages, below the folder of each config.py."""

_RULES: Final = (
    _Rule(
        pattern=r'^Unbound module [`"]?(?P<module>\w+)\.(?P<name>\w+)',
        said="{module} has no module {name}",
        hint='write main("{module}", ...) where start stands at the top of {file}, else correct the name',
        in_config=True,
    ),
    _Rule(
        pattern=r'^Unbound module [`"]?(?P<module>\w+)',
        hint='write {file} beside config.py, or name the package that has it: packages=[package("{package}")]',
        in_config=True,
    ),
    _Rule(
        pattern=r'^Unbound module [`"]?(?P<module>\w+)',
        hint='if a library has it, name its package: main(..., packages=[package("{package}")])',
    ),
    _Rule(
        pattern=r'^Unbound value [`"]?(?P<module>[\w.]+)\.start\b',
        said="{module} has no start",
        hint="start is what runs once the unikernel has booted: write it in {file}, it returns unit Lwt.t",
        in_config=True,
    ),
    _Rule(
        pattern=r'^Unbound value [`"]?(?P<module>[\w.]+)\.(?P<name>\w+)',
        said="{module} has no value {name}",
        hint="define it in {file} where that is yours, or correct config.py",
        in_config=True,
    ),
    _Rule(
        pattern=r'[Mm]odule [`"]?(?P<module>[\w.]+)["\']? is a functor',
        said="{module} takes more arguments than config.py gives it",
        hint=_PARAMETERS,
        in_config=True,
    ),
    _Rule(
        pattern=r"extra argument is provided|is not a functor",
        said="a module is given more arguments than it takes",
        hint=_PARAMETERS,
        in_config=True,
    ),
    _Rule(
        pattern=r"(?P<missing>The \w+(?: \w+)? \S+ is required but not provided)",
        said="an argument is not what the functor wants: {missing}",
        hint="the module that is given here and the signature of the functor's parameter do not agree",
        in_config=True,
    ),
    _Rule(
        pattern=r" has type .*-> .*an expression was expected of type [`\"]?(?:unit|'\w+) io\b",
        said="start takes more arguments than config.py gives it",
        hint=_ARGUMENTS,
        in_config=True,
    ),
    _Rule(
        pattern=r"applied to too many arguments",
        said="start takes fewer arguments than config.py gives it",
        hint=_ARGUMENTS,
        in_config=True,
    ),
    _Rule(
        pattern=r" was expected of type [`\"]?(?:unit|'\w+) io\b",
        hint="start returns unit Lwt.t, connect code a promise: return (...) makes one of a value",
        in_config=True,
    ),
    _Rule(pattern="", hint="this line of config.py and the OCaml code it names do not agree", in_config=True),
    _Rule(
        pattern=r'^Library "(?P<library>[^"]+)" not found',
        said='no library of this project is named "{library}"',
        hint="local_libs in config.py names libraries that a dune file of this project defines",
        nowhere=True,
    ),
    _Rule(
        pattern=rf"{_TWICE}(?P<one>\S+?){_LAID}.*? - (?P<other>\S+?){_LAID}",
        said="{one} and {other} are configured in one dune project, where dune finds {served} twice",
        hint="register both in one config.py,\n"
        "or take away the dune-project above them, where nothing else is built with it,\n"
        "or mpy -C FOLDER clean of the other one while this one is built, without a mirage/duniverse there",
        nowhere=True,
    ),
    _Rule(
        pattern=r"^[Dd]ependency cycle between[^>]*: (?P<cycle>.*?)(?: -> required by .*)?$",
        said="modules need each other in a circle: {cycle}",
        hint="move what they share into a module of its own",
    ),
    _Rule(
        pattern=r"^(?P<header>\S+\.h): No such file or directory",
        said="there is no header {header} for this target",
        hint="mpy audit tells what else the library wants that the target has not: take another library or release,\n"
        "or leave it out for this target (if_impl, key.is_unix)",
        where=r"(?:^|/)_build[^/]*/solo5/",
    ),
    _Rule(
        pattern=r"^(?P<header>\S+\.h): No such file or directory",
        said="there is no header {header}",
        hint="it may be a C library's: install its development files, and name it: main(..., pkg_config=[...])",
    ),
)


def _in_our_words(found: Diagnostic) -> Diagnostic:
    """The same as one would say it of config.py: by the first rule that applies."""
    return next((said for rule in _RULES if (said := rule.applied(found))), found)


def _undefined(found: list[re.Match[str]]) -> Diagnostic:
    """A link that left C symbols undefined, at the first place that the linker knows."""
    symbols = list(dict.fromkeys(one["symbol"] for one in found))
    first = next((one for one in found if one["file"]), None)
    return Diagnostic(
        message=f"no C code defines {', '.join(symbols[:5])}{', ...' if len(symbols) > 5 else ''}",
        file=first["file"] if first else "",
        line=int(first["line"]) if first else 0,
        hint="C code of your own is named by main(..., c_sources=[...]), a C library by pkg_config=[...]",
    )


def undefined_in_own(text: str, folder: Path, root: Path, plan: Plan) -> dict[str, Location]:
    """The undefined symbols that a linker found in the user's own code, C or OCaml, with the first place of each."""
    places = _Places(folder=folder, root=root)
    others = (folder / "mirage", folder / "duniverse")
    found: dict[str, Location] = {}
    for one in _UNDEFINED.finditer(_of_stubs(text, (plan,))):
        file = places.path(one["file"]) if one["file"] else None
        if file and file.is_file() and file.is_relative_to(root) and not any(map(file.is_relative_to, others)):
            found.setdefault(one["symbol"], Location.of(file, int(one["line"])))
    return found


def link_failed(
    image: str, explanations: tuple[Explanation, ...], failed: ToolFailed, own: Mapping[str, Location]
) -> ToolFailed:
    """The error for a link that left symbols undefined: who wants each, on whose behalf, why it is not there.

    `own` are the places of those that the user's own code wants.
    """
    first = explanations[0]
    details = [line for one in explanations for line in _told(one, own)] if explanations[1:] or first.path else []
    remedies = dict.fromkeys(one.remedy for one in explanations if one.remedy)
    what = str(first) if len(explanations) == 1 else f"{len(explanations)} symbols are undefined"
    return ToolFailed(
        f"{image} does not link: {what}",
        location=next((own[one.symbol] for one in explanations if one.symbol in own), None),
        output=failed.output,
        details=tuple(details),
        hint="\n".join(remedies) or None,
    )


def _told(one: Explanation, own: Mapping[str, Location]) -> Iterator[str]:
    yield (f"{own[one.symbol]}: {one}" if one.symbol in own else f"{one}") + (f" [{one.place}]" if one.place else "")
    if one.path:
        yield "  " + " -> ".join(one.path) + (f", asked for by {one.asked_by}" if one.asked_by else "")
