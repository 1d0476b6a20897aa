"""Files that nobody means well with: each is answered, none is waited for, none ends mpy.

What used to take for ever stands here by name; hypothesis looks for more, a bounded number of times.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.audit.elf import deciding, read_code, read_object, references
from mirage_py.audit.externals import externals_in
from mirage_py.audit.libc import shipped
from mirage_py.audit.mltext import ocaml_in
from mirage_py.audit.mlunits import Key, Text
from mirage_py.audit.starting import Reached, start_findings
from mirage_py.audit.vendored import _c_findings
from mirage_py.libraries.archives import Archive, Member, Unreadable, parse_archive, read_archive
from mirage_py.libraries.cmxa import read_extra_c
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.meta import MetaError, parse as parse_meta
from mirage_py.libraries.sexp import SexpError, parse as parse_dune
from mirage_py.libraries.units import read_units
from mirage_py.libraries.vendored import Vendored
from tests.unit.cmxa import cmxa

pytestmark = pytest.mark.slow

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LIMIT = 20
"""Seconds: what is endless or quadratic takes far longer, and a busy machine does not."""


@contextmanager
def bounded() -> Iterator[None]:
    """Fail where the end is not reached; this is no OSError, which a reader would take for an unreadable file."""

    def expired(number: int, frame: object) -> None:
        pytest.fail("no end is reached")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def header(name: str, size: int) -> bytes:
    return f"{name:16}{'0':12}{'0':6}{'0':6}{'644':8}{size:<10}`\n".encode()


def c_findings(text: str, folder: Path) -> list[object]:
    file = folder / "x.c"
    file.write_text(text)
    return list(_c_findings(file, shipped()))


C = [
    "/* " * 40_000,
    "int f(a\n" * 40_000,
    "#| " * 40_000,
    '"' * 40_001,
    "#if A\n" * 20_000,
    "/" + "*" * 90_000,
    "f(" * 40_000,
]


@pytest.mark.parametrize("text", C, ids=lambda text: text[:6])
def test_c_that_does_not_end_is_looked_through_once(text: str, tmp_path: Path) -> None:
    with bounded():
        c_findings(text, tmp_path)


DUNE = ["#| " * 40_000, "(" * 90_000, '"' * 40_001, '(a "' + "\\" * 40_000]


@pytest.mark.parametrize("text", DUNE, ids=lambda text: text[:6])
def test_dune_that_does_not_end_is_refused(text: str) -> None:
    with bounded(), pytest.raises(SexpError):
        parse_dune(text)


def test_a_meta_of_ten_thousand_definitions() -> None:
    with bounded():
        assert len(parse_meta("".join(f'a{n} = "x"\n' for n in range(10_000))).definitions) == 10_000
        assert len(parse_meta("".join(f'a(p{n}) = "x"\n' for n in range(10_000))).definitions) == 10_000


def test_a_meta_of_packages_in_packages_is_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "META").write_text('package "a" (' * 20_000)
    with bounded():
        assert [problem.kind for problem in Findlib((tmp_path,)).broken()] == ["broken"]


def test_externals_that_do_not_end(tmp_path: Path) -> None:
    for text in ("external f : " * 40_000, "(*" * 50_000, 'external f : a = "b" ' * 20_000):
        (tmp_path / "x.mli").write_text(text)
        with bounded():
            list(externals_in(tmp_path / "x.mli"))


OCAML = (
    "A" * 40_000,
    "A." * 40_000,
    "(A" * 40_000,
    "let x = M.(" * 5_000,
    "module M = F(" * 8_000,
    "(module " * 40_000,
    'open_in "' * 40_001,
    "open_in '\"(*" * 40_000,
    'open_in {| (* " ' * 40_000,
)


@pytest.mark.parametrize("text", OCAML, ids=lambda text: text[:12].strip())
def test_a_source_without_an_end_is_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "foo.ml").write_text(f'let load () = open_in "x"\n{text}\n')
    with bounded():
        start_findings((Text(library="foo", directory=tmp_path),), {Key("other", "Sub", "load"): Reached("Sub.load")})


@pytest.mark.parametrize(
    "text", ["{" * 40_000, "}" * 40_000, "{} " * 20_000, "} {" * 20_000, "%{" * 20_000, "\n%%" * 9_999]
)
def test_a_lexer_or_parser_without_an_end_is_read(text: str) -> None:
    with bounded():
        assert len(ocaml_in("x.mll", text.encode())) == len(ocaml_in("x.mly", text.encode())) == len(text)


def test_names_that_lead_to_each_other_are_followed_once(tmp_path: Path) -> None:
    chain = "\n".join(f"let a{number} () = a{number - 1} ()" for number in range(1, 2_000))
    (tmp_path / "foo.ml").write_text(f'let a0 () = open_in "x"\n{chain}\nlet () = close_in (a1999 ())')
    with bounded():
        found = start_findings((Text(library="foo", directory=tmp_path),))
    assert [one.severity for one in found["foo"]] == ["aborts"]


def test_a_member_of_negative_size_leads_nowhere() -> None:
    with bounded(), pytest.raises(Unreadable, match="the member header at byte 8 is damaged"):
        parse_archive(Path("x.a"), b"!<arch>\n" + header("a.o/", -60))


def test_a_thin_archive_that_names_a_device(tmp_path: Path) -> None:
    (tmp_path / "x.a").write_bytes(b"!<thin>\n" + header("//", 12) + b"/dev/zero/\n\n" + header("/0", 4))
    archive = read_archive(tmp_path / "x.a")
    with bounded(), pytest.raises(Unreadable, match="it is no regular file"):
        archive.contents(0)


@pytest.mark.parametrize("read", [read_archive, read_extra_c, read_units])
def test_a_pipe_is_not_waited_for(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.a")
    with bounded(), pytest.raises(Unreadable, match="it is no regular file"):
        read(tmp_path / "x.a")


def test_a_pipe_called_dune_is_named_and_one_called_meta_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    os.mkfifo(tmp_path / "lib" / "dune")
    os.mkfifo(tmp_path / "lib" / "META")
    with bounded():
        vendored = Vendored((tmp_path,))
        assert not vendored.stanzas
        assert ["it is no regular file" in problem.message for problem in vendored.problems] == [True]
        assert Findlib((tmp_path,)).find("lib") is None


# ---------------------------------------------------------------------------------------------------------------------
# What nobody thought of


ATOMS = st.sampled_from(
    ["(", ")", '"', "\\", "#|", "|#", ";", "\n", "library", "name", " ", "/*", "*/", "#if", "{", "}", "="]
)
WORDS = st.lists(ATOMS | st.text(max_size=3), max_size=60).map("".join)


@FEW
@given(WORDS)
def test_any_text_is_a_dune_file_or_refused(text: str) -> None:
    try:
        parse_dune(text)
    except SexpError:
        return


@FEW
@given(WORDS)
def test_any_text_is_a_meta_file_or_refused(text: str) -> None:
    try:
        parse_meta(text)
    except MetaError:
        return


@FEW
@given(text=WORDS)
def test_any_text_is_looked_at_as_c(text: str, tmp_path: Path) -> None:
    c_findings(text, tmp_path)


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """These bytes cut short, or with a few of them changed."""
    places = st.integers(0, max(0, len(data) - 1))
    changes = st.lists(st.tuples(places, st.binary(min_size=1, max_size=8)), max_size=4)
    return st.tuples(changes, st.integers(0, len(data))).map(lambda made: _changed(data, *made))


def _changed(data: bytes, changes: list[tuple[int, bytes]], end: int) -> bytes:
    for at, new in changes:
        data = data[:at] + new + data[at + len(new) :]
    return data[:end] if changes or end else data


ARCHIVE = b"!<arch>\n" + header("/", 4) + bytes(4) + header("//", 6) + b"a.o/\n\n" + header("/0", 4) + b"\x7fELF"


@FEW
@given(damaged(ARCHIVE))
def test_any_archive_is_read_or_refused(data: bytes) -> None:
    try:
        archive = parse_archive(Path("x.a"), data)
        for number in range(len(archive.members)):
            read_object(archive, number)
    except Unreadable:
        return


@FEW
@given(data=damaged(ARCHIVE))
def test_any_archive_says_the_same_in_parts(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.a").write_bytes(data)
    said: list[object] = []
    for read in (read_archive, lambda path: parse_archive(path, data)):
        try:
            archive = read(tmp_path / "x.a")
            said.append((archive.members, archive.index, archive.indexed))
        except Unreadable as refused:
            said.append(str(refused))
    assert said[0] == said[1]


@FEW
@given(data=damaged(cmxa(("-lfoo_stubs",), ("-ccopt",))))
def test_any_cmxa_is_read_or_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.cmxa").write_bytes(data)
    for read in (read_extra_c, read_units):
        try:
            read(tmp_path / "x.cmxa")
        except Unreadable:
            continue


@FEW
@given(data=st.data())
def test_any_object_is_read_or_refused(data: st.DataObject, an_object: bytes) -> None:
    made = data.draw(damaged(an_object))
    archive = Archive(path=Path("x.a"), data=made, members=(Member(name="x.o", header=0, start=0, size=len(made)),))
    for read in (read_object, read_code, references, deciding):
        try:
            read(archive, 0)
        except Unreadable:
            continue


@pytest.fixture(scope="module")
def an_object(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    import shutil
    import subprocess

    if not shutil.which("gcc"):
        pytest.skip("gcc is not on PATH")
    folder = tmp_path_factory.mktemp("object")
    (folder / "x.c").write_text("int g(); static int h() { return g(); } int f(int a) { return h() + a; }")
    subprocess.run(("gcc", "-O0", "-c", "x.c"), cwd=folder, check=True)
    return (folder / "x.o").read_bytes()
