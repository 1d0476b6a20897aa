"""The reader of opam files: what is printed is read back, nothing that is typed is a traceback, real files are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, note, settings, strategies as st

from mirage_py.errors import MpyError
from mirage_py.packages.candidates import environment
from mirage_py.packages.metadata import details, metadata
from mirage_py.packages.snapshot import from_archive, store
from mirage_py.packages.syntax import (
    And,
    Env,
    Group,
    Ident,
    Not,
    OpamSyntaxError,
    Option,
    Or,
    Parsed,
    Relation,
    Section,
    Value,
    parse,
)

DATA: Final = Path(__file__).parents[3].parent / "shared" / "opam"
COUNT: Final = {"repository": 18793, "overlays": 160}

RELATIONS: Final = ("=", "!=", "<", "<=", ">", ">=", "~")
UPDATES: Final = ("+=", "=+", "=+=", ":=", "=:", "=:=")

# ---------------------------------------------------------------------------------------------------------------------
# Random files, and how one would type them

WORDS: Final = ("a", "os", "with-test", "opam-version", "_x", "x86_64", "b2", "-lz")
IDENTS: Final = (*WORDS, "ocaml:native", "_:name", "a+b:installed")
STRINGS: Final = (
    "",
    "a",
    ">= 1",
    "%{name}%.ml",
    'with "quotes"',
    "back\\slash",
    "two\nlines",
    "# no remark",
    "(* nor this *)",
    "é ∀",
)


class Typist(Random):
    """Makes files up, as the grammar nests values: alternatives of conjunctions of relations between atoms."""

    def file(self) -> Parsed:
        return Parsed(self.fields("f-"), [self.section() for _ in range(self.randrange(3))])

    def section(self) -> Section:
        name = self.choice((None, *STRINGS))
        return Section(self.choice(("url", "extra-source")), name, self.fields(""))

    def fields(self, before: str) -> dict[str, Value]:
        return {f"{before}{name}": self.value(3) for name in self.sample(WORDS[:-1], self.randrange(4))}

    def value(self, depth: int) -> Value:
        found = self.conjunction(depth)
        while depth and self.random() < 0.2:
            found = Or(found, self.conjunction(depth))
        return found

    def conjunction(self, depth: int) -> Value:
        found = self.related(depth)
        while depth and self.random() < 0.2:
            found = And(found, self.related(depth))
        return found

    def related(self, depth: int) -> Value:
        match self.randrange(6):
            case 0:
                return Not(self.choice("!?"), self.related(depth))
            case 1:
                return Relation(self.choice(RELATIONS), self.atom(depth), self.atom(depth))
            case 2:
                return Relation(self.choice(RELATIONS), None, self.atom(depth))
            case 3:
                return Env(self.choice(UPDATES), self.atom(depth), self.atom(depth))
            case _:
                return self.atom(depth)

    def atom(self, depth: int) -> Value:
        found: Value = self.choice((
            self.choice(STRINGS), Ident(self.choice(IDENTS)), self.randrange(-99, 10**9), self.choice((True, False))
        ))  # fmt: skip
        if depth and self.random() < 0.4:
            inner = self.side_by_side(depth - 1)
            found = inner if self.random() < 0.7 else Group(tuple(inner))
        while depth and self.random() < 0.2:
            found = Option(found, tuple(self.side_by_side(depth - 1)))
        return found

    def side_by_side(self, depth: int) -> list[Value]:
        """A bound takes what stands before it as its left side, so it comes first."""
        found = [self.value(depth) for _ in range(self.randrange(4))]
        return [one for at, one in enumerate(found) if at == 0 or not starts_with_bound(one)]


def starts_with_bound(value: Value) -> bool:
    match value:
        case And(left, _) | Or(left, _):
            return starts_with_bound(left)
        case Relation(_, None, _):
            return True
        case _:
            return False


def typed(value: Value) -> Iterator[str]:  # noqa: C901  # a case for each kind of value
    """The tokens of a value."""
    match value:
        case bool():
            yield str(value).lower()
        case Ident() | int():
            yield str(value)
        case str():
            yield '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Option(inner, arguments):
            yield from (*typed(inner), "{", *all_of(arguments), "}")
        case Group(inner):
            yield from ("(", *all_of(inner), ")")
        case list():
            yield from ("[", *all_of(value), "]")
        case Not(operator, inner):
            yield from (operator, *typed(inner))
        case Relation(operator, left, right) | Env(operator, left, right):
            yield from (*(typed(left) if left is not None else ()), operator, *typed(right))
        case And(left, right):
            yield from (*typed(left), "&", *typed(right))
        case Or(left, right):
            yield from (*typed(left), "|", *typed(right))


def all_of(inner: Sequence[Value]) -> Iterator[str]:
    for value in inner:
        yield from typed(value)


def tokens(file: Parsed) -> Iterator[str]:
    for name, value in file.fields.items():
        yield from (f"{name}:", *typed(value))
    for section in file.sections:
        yield section.kind
        yield from typed(section.name) if section.name is not None else ()
        yield "{"
        for name, value in section.fields.items():
            yield from (f"{name}:", *typed(value))
        yield "}"


BLANKS: Final = (" ", "\n", "\t ", ' # a remark: [ "\n', ' (* one (* in " another *) *) ')


def printed(seed: int) -> tuple[Parsed, str]:
    """A file, and a text of it with blanks and comments anywhere."""
    typist = Typist(seed)
    file = typist.file()
    return file, "".join(token + typist.choice(BLANKS) for token in tokens(file))


@given(st.integers(0, 2**64))
def test_what_is_printed_is_read_back(seed: int) -> None:
    file, text = printed(seed)
    note(text)
    assert parse(text, "opam") == file


@given(st.integers(0, 2**64))
def test_some_fields_are_read_as_all_are(seed: int) -> None:
    file, text = printed(seed)
    note(text)
    wanted = [name for at, name in enumerate(file.fields) if at % 2]
    assert parse(text, "opam", wanted).fields == {name: file.fields[name] for name in wanted}


REAL: Final = """\
opam-version: "2.0"
depends: [
  "ocaml" {>= "4.08" & < "6"}
  "dune" {>= "2.0"} | "jbuilder" {build}
  ("a" & "b" | "c" {with-test})
]
depopts: ["d" {= version}]
available: arch != "x86_32" & os != "win32" | ?sys-ocaml-version
depexts: [["libgmp-dev"] {os-family = "debian"}]
patches: ["a.patch" {os = "linux"}]
build: [["dune" "build" "-p" name "-j" jobs "@doc" {with-doc}]]
flags: avoid-version
url { src: "https://example.org/a.tbz" checksum: ["md5=00" "sha256=11"] mirrors: "http://b" }
extra-source "a.patch" { src: "https://example.org/a.patch" checksum: "md5=22" }
"""
PIECES: Final = (
    '"',
    '"""',
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "(*",
    "*)",
    "#",
    "\\",
    ":",
    "|",
    "&",
    "!",
    "?",
    ">=",
    "\n",
    "%{",
)


@st.composite
def mutated(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:  # any: what a strategy makes
    """The file after a few slips of the hand: something taken out, doubled, or typed in."""
    text = REAL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 20))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=3), st.just(text[start:end] * 2)))
        text = f"{text[:start]}{piece}{text[end:]}"
    return text


@given(mutated())
@settings(max_examples=200)
def test_text_that_was_spoiled_is_read_or_refused_in_words(text: str) -> None:
    for read in (parse, lambda text, file: metadata("a", "1", text, environment(), file),
                 lambda text, file: details("a", "1", text, environment(), file)):  # fmt: skip
        assert refused_in_words(read, text)


def refused_in_words(read: Callable[[str, str], object], text: str) -> bool:
    """Whether a text is read, or refused with a place in it."""
    try:
        read(text, "a.1/opam")
    except OpamSyntaxError as error:
        place = error.location
        return place is not None and 1 <= place.line <= text.count("\n") + 1 and error.column >= 1
    except MpyError as error:
        return error.location is not None
    return True


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "(" * 100_000, "a: " + "! " * 100_000 + "b", "(*" * 50_000])
def test_depth_is_refused(text: str) -> None:
    with pytest.raises(OpamSyntaxError):
        parse(text, "opam")


# ---------------------------------------------------------------------------------------------------------------------
# Real files


@pytest.mark.skipif(not DATA.is_dir(), reason="the archives of the public repository and the overlays are not here")
@pytest.mark.parametrize("name", COUNT)
def test_every_file_of_a_repository_is_read(name: str, tmp_path: Path) -> None:
    """All of them where MPY_TEST_ALL is set; else one in twenty."""
    found = store(from_archive(next(DATA.glob(f"opam-{name}-*"))), tmp_path)
    assert found.count == COUNT[name]
    versions = [(package, version) for package in sorted(found.index) for version in sorted(found.versions(package))]
    for package, version in versions if os.environ.get("MPY_TEST_ALL") or len(versions) < 1000 else versions[::20]:
        text = found.text(package, version)
        whole = parse(text, f"{package}.{version}/opam")
        assert "opam-version" in whole.fields
        read = metadata(package, version, text, environment(), f"{package}.{version}/opam")
        assert (read.remote is not None) == any(section.kind == "url" for section in whole.sections), package
        details(package, version, text, environment(), f"{package}.{version}/opam")
