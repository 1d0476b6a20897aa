"""META files and library closures: what findlib's grammar and rules say, on trees made here and on the real ones."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from mirage_py.doors import memory
from mirage_py.doors.processes import which
from mirage_py.errors import ToolFailed, ToolNotFound
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.meta import MetaError, parse, words

OCAMLFIND = which("ocamlfind")
needs_ocamlfind = pytest.mark.skipif(OCAMLFIND is None, reason="ocamlfind is not installed")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing remembered from elsewhere, nothing left behind."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def site(root: Path, **metas: str) -> Findlib:
    """A library folder with one META a package."""
    for name, text in metas.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "META").write_text(text)
    return Findlib((root,), stdlib=root / "ocaml")


# --- the grammar ------------------------------------------------------------------------------------------------------


def test_most_specific_definition_wins_and_the_first_of_equals() -> None:
    package = parse('a = "0"\na(x) = "x"\na(x,-y) = "x,-y"\na(y) = "y"\na(x,y) = "xy"\na(z) = "z"')
    assert [package.value("a", held) for held in ((), ("x",), ("y",), ("x", "y"), ("y", "z"))] == [
        "0",
        "x,-y",
        "y",
        "xy",
        "y",
    ]


def test_additions_follow_the_plain_value_in_their_order() -> None:
    package = parse('r += "b"\nr(x) += "c"\nr = "a"\nr += "d"')
    assert package.value("r") == "a b d"
    assert package.value("r", ["x"]) == "a b c d"


def test_addition_to_nothing_is_nothing_as_for_findlib() -> None:
    assert parse('r += "b"').value("r") is None


def test_comments_blanks_and_escapes_stand_anywhere() -> None:
    text = '# head\nname # which\n ( x , # )\n - y )=#why\n"say \\"a # b\\" \\\\"# end'
    assert parse(text).value("name", ["x"]) == 'say "a # b" \\'


def test_values_span_lines_and_words_split_at_blanks_and_commas() -> None:
    value = parse('requires = "a\n  b,c\t\n"').value("requires")
    assert words(value or "") == ("a", "b", "c")


def test_subpackages_nest() -> None:
    package = parse('package "a" ( v = "1" package "b" ( v = "2" ) ) v = "0"')
    assert package.children["a"].children["b"].value("v") == "2"
    assert package.value("v") == "0"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('a = "1"\n\nb = 2', 'expected name = "value" or package "name" ( (line 3)'),
        ('a = "never closed', 'expected name = "value" or package "name" ( (line 1)'),
        (r'a = "\n"', 'expected name = "value" or package "name" ( (line 1)'),
        ('package "a" (\nv = "1"\n', "a package is not closed by ')' (line 3)"),
        ('v = "1"\n)', "')' closes nothing (line 2)"),
        ('v(a,b) = "1"\nv(b,a) = "2"', "v is defined twice for the same predicates (line 2)"),
        ('package "a" ()\npackage "a" ()', 'package "a" is defined twice (line 2)'),
        ('package "a.b" ()', 'package "a.b" has a dot in its name (line 1)'),
        ('v(a b) = "1"', "(a b) is no list of predicates (line 1)"),
        ('v() = "1"', "() is no list of predicates (line 1)"),
    ],
)
def test_what_findlib_refuses_is_refused_with_its_line(text: str, error: str) -> None:
    with pytest.raises(MetaError) as caught:
        parse(text)
    assert str(caught.value) == error


def test_long_hostile_text_is_refused_at_once() -> None:
    with pytest.raises(MetaError):
        parse("#\n \n" * 20000 + "(")


# --- libraries --------------------------------------------------------------------------------------------------------


def test_library_has_folder_version_needs_and_archives(tmp_path: Path) -> None:
    findlib = site(
        tmp_path,
        lwt="""version = "5.6.1"
        requires = "bytes"
        archive(byte) = "lwt.cma"
        archive(native) = "lwt.cmxa"
        package "unix" (
          directory = "unix"
          version = "of the sublibrary"
          requires = "lwt unix, lwt"
          archive(native) = "lwt_unix.cmxa ../more.cmxa"
        )""",
    )
    library = findlib.find("lwt.unix")
    assert library is not None
    assert (library.package, library.version, library.requires) == ("lwt", "5.6.1", ("lwt", "unix"))
    assert library.directory == tmp_path / "lwt" / "unix"
    assert library.archives == (library.directory / "lwt_unix.cmxa", library.directory / "../more.cmxa")
    assert findlib.find("lwt.react") is None
    assert findlib.find("lw") is None


@pytest.mark.parametrize(
    ("directory", "expected"),
    [("^", "ocaml"), ("+threads", "ocaml/threads"), ("^threads", "ocaml/threads"), ("", "p"), ("sub", "p/sub")],
)
def test_directory_below_the_standard_library_or_the_package(tmp_path: Path, directory: str, expected: str) -> None:
    findlib = site(tmp_path, p=f'directory = "{directory}"\narchive = "p.cmxa"')
    assert findlib.find("p").archives == (tmp_path / expected / "p.cmxa",)  # type: ignore[union-attr]


def test_absolute_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    findlib = site(tmp_path, p='directory = "/else/where"')
    assert findlib.find("p").directory == Path("/else/where")  # type: ignore[union-attr]


def test_archive_of_another_library_is_found_by_its_name(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='archive = "@b.c/x.cmxa @none/y.cmxa"', b='package "c" ( directory = "deep" )')
    expected = (tmp_path / "b" / "deep" / "x.cmxa", tmp_path / "a" / "@none" / "y.cmxa")
    assert findlib.find("a").archives == expected  # type: ignore[union-attr]


def test_sublibrary_folder_is_relative_to_its_parents(tmp_path: Path) -> None:
    findlib = site(tmp_path, p='directory = "a" package "q" ( directory = "b" package "r" ( ) )')
    assert findlib.find("p.q.r").directory == tmp_path / "p" / "a" / "b"  # type: ignore[union-attr]


def test_exists_if_hides_a_library_and_those_inside_it(tmp_path: Path) -> None:
    meta = 'exists_if = "u.cma,u.cmxa"\npackage "in" ( requires = "" )'
    findlib = site(tmp_path, unix=meta, str=meta)
    (tmp_path / "str" / "u.cmxa").touch()
    assert findlib.find("str.in") is not None
    assert findlib.find("unix") is findlib.find("unix.in") is None
    assert findlib.names() == ("str", "str.in")
    problem = findlib.problem("unix.in")
    assert problem is not None
    assert problem.kind == "hidden"
    assert problem.text == f"none of its files is in {tmp_path}/unix: u.cma, u.cmxa"


def test_meta_beside_the_folders_needs_a_directory(tmp_path: Path) -> None:
    (tmp_path / "META.good").write_text('directory = "there"\nversion = "1"')
    (tmp_path / "META.bad").write_text('version = "1"')
    (tmp_path / "META.good~").write_text("an editor's leftover")
    findlib = site(tmp_path)
    assert findlib.find("good").directory == tmp_path / "there"  # type: ignore[union-attr]
    assert findlib.names() == ("good",)
    assert findlib.problem("bad").kind == "broken"  # type: ignore[union-attr]


def test_first_meta_on_the_path_counts_even_where_it_lacks_the_sublibrary(tmp_path: Path) -> None:
    site(tmp_path / "one", p='version = "1"')
    site(tmp_path / "two", p='version = "2" package "sub" ( )')
    findlib = Findlib((tmp_path / "none", tmp_path / "one", tmp_path / "two"))
    assert findlib.version("p") == "1"
    assert findlib.find("p.sub") is None


@pytest.mark.parametrize("text", ['version = "[distributed with OCaml]"', 'version = ""', ""])
def test_what_comes_with_ocaml_has_no_version(tmp_path: Path, text: str) -> None:
    assert site(tmp_path, unix=text).version("unix") is None


def test_preprocessors_are_marked_and_their_own_needs_left_out(tmp_path: Path) -> None:
    meta = 'requires(ppx_driver) = "ppxlib"\nrequires(-ppx_driver) = "lwt"\nlibrary_kind = "ppx_rewriter"'
    findlib = site(tmp_path, lwt_ppx=meta, old='ppx = "./ppx"', lwt="")
    assert findlib.find("lwt_ppx").requires == ("lwt",)  # type: ignore[union-attr]
    assert findlib.find("lwt_ppx", ("native", "ppx_driver")).requires == ("ppxlib",)  # type: ignore[union-attr]
    assert [findlib.find(name).ppx for name in ("lwt_ppx", "old", "lwt")] == [True, True, False]  # type: ignore[union-attr]


def test_own_variables_of_a_library_can_be_read(tmp_path: Path) -> None:
    findlib = site(tmp_path, p='freestanding_linkopts = "-l:freestanding/libp.a"')
    assert findlib.property("p", "freestanding_linkopts") == "-l:freestanding/libp.a"
    assert findlib.property("p", "xen_linkopts") is findlib.property("q", "xen_linkopts") is None


def test_nearest_names_are_suggested(tmp_path: Path) -> None:
    findlib = site(tmp_path, lwt='package "unix" ( )', logs='package "lwt" ( )')
    assert findlib.suggest("lwt.unx")[0] == "lwt.unix"
    assert findlib.suggest("zzz") == ()


# --- closures ---------------------------------------------------------------------------------------------------------


def test_closure_lists_what_is_needed_before_what_needs_it(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='requires = "b c"', b='requires = "d"', c='requires = "d"', d="")
    closure = findlib.closure(["a", "d", "a"])
    assert closure.names == ("d", "b", "c", "a")
    assert closure.roots == ("a", "d")
    assert not closure.missing
    assert not closure.troubles


def test_missing_libraries_are_all_named_with_those_that_ask(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='requires = "x b"', b='requires = "x y"')
    closure = findlib.closure(["a", "z", "y"])
    assert closure.missing == {"x": ("a", "b"), "y": ("b",), "z": ()}
    assert closure.names == ("b", "a")


def test_loop_is_a_problem_not_an_end(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='requires = "b"', b='requires = "c"', c='requires = "b d"', d="")
    closure = findlib.closure(["a"])
    assert closure.names == ("d", "c", "b", "a")
    assert [(one.kind, one.text) for one in closure.troubles] == [("loop", "b needs c needs b")]


def test_broken_meta_is_a_problem_with_its_file_and_line(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='requires = "b b.sub"', b="requires = nothing")
    closure = findlib.closure(["a"])
    assert closure.missing == {"b": ("a",), "b.sub": ("a",)}
    (problem,) = closure.troubles
    assert (problem.library, problem.kind, problem.file) == ("b", "broken", tmp_path / "b" / "META")
    assert "(line 1)" in problem.text


def test_unreadable_meta_is_a_problem(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='package "a" (' * 5000)
    assert findlib.closure(["a"]).troubles[0].text == "packages are nested too deep"


def test_library_that_refuses_is_a_problem(tmp_path: Path) -> None:
    findlib = site(tmp_path, a='error(native) = "bytecode only"')
    assert [(one.kind, one.text) for one in findlib.closure(["a"]).troubles] == [("refused", "bytecode only")]
    assert findlib.closure(["a"], ["byte"]).troubles == ()


def test_shortest_path_to_a_library_is_told(tmp_path: Path) -> None:
    findlib = site(
        tmp_path,
        app='requires = "long lwt.unix"',
        long='requires = "longer"',
        longer='requires = "unix"',
        lwt='package "unix" ( requires = "unix" )',
        unix="",
    )
    closure = findlib.closure(["app"])
    assert closure.paths["unix"] == ("app", "lwt.unix", "unix")
    assert "threads" not in closure.paths


def test_long_chain_of_libraries_needs_no_recursion(tmp_path: Path) -> None:
    names = [f"l{number}" for number in range(3000)]
    text = "".join(f'package "{a}" ( requires = "p.{b}" )' for a, b in pairwise(names))
    findlib = site(tmp_path, p=f'{text} package "{names[-1]}" ( )')
    assert len(findlib.closure(["p.l0"]).libraries) == 3000


def test_ocaml_4_threads_come_by_predicates_and_ocaml_5_keeps_unix_in_its_own_folder(tmp_path: Path) -> None:
    threads = 'directory = "^"\nrequires(mt,mt_posix) = "threads.posix"\npackage "posix" ( requires = "unix" )'
    findlib = site(tmp_path, unix='directory = "^"\narchive(native) = "unix.cmxa"', threads=threads)
    assert findlib.closure(["threads"]).names == ("unix", "threads.posix", "threads")
    assert findlib.closure(["threads"], ["native"]).names == ("threads",)
    assert findlib.find("unix").archives == (tmp_path / "ocaml" / "unix.cmxa",)  # type: ignore[union-attr]
    five = site(tmp_path / "ocaml", unix='directory = "+unix"\narchive(native) = "unix.cmxa"')
    five = Findlib(five.path, stdlib=tmp_path / "ocaml")
    assert five.find("unix").archives == (tmp_path / "ocaml" / "unix" / "unix.cmxa",)  # type: ignore[union-attr]


# --- where the libraries are ------------------------------------------------------------------------------------------


def fake_ocamlfind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ocamlfind that notes its calls in `calls` and answers with two folders."""
    folder.mkdir()
    tool = folder / "ocamlfind"
    tool.write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/calls\n'
        f'for last; do :; done\ncase $last in path) printf "/one\\n/two\\n";; stdlib) echo /std;; '
        f"conf) echo {folder}/findlib.conf;; esac\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def calls(folder: Path) -> list[str]:
    """What the fake was asked since the last look."""
    log = folder / "calls"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def test_ocamlfind_is_asked_once_and_again_when_its_configuration_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = fake_ocamlfind(tmp_path / "tools", monkeypatch)
    assert Findlib.discover().path == (Path("/one"), Path("/two"))
    assert calls(tools) == ["printconf path", "printconf stdlib", "printconf conf"]
    assert Findlib.discover().stdlib == Path("/std")
    assert calls(tools) == []
    (tools / "findlib.conf").write_text("")
    Findlib.discover()
    assert len(calls(tools)) == 3
    (tools / "findlib.conf.d").mkdir()
    Findlib.discover()
    assert len(calls(tools)) == 3
    monkeypatch.setenv("OCAMLPATH", "/else")
    Findlib.discover()
    assert len(calls(tools)) == 3
    Findlib.discover("solo5")
    assert calls(tools)[0] == "-toolchain solo5 printconf path"


@pytest.mark.parametrize("junk", ["", "{", "[]", '{"format": 1}', '{"format": 1, "key": {}, "files": [], "answer": 0}'])
def test_corrupt_cache_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, junk: str) -> None:
    tools = fake_ocamlfind(tmp_path / "tools", monkeypatch)
    Findlib.discover()
    for file in memory.folder().iterdir():
        file.write_text(junk)
    calls(tools)
    assert Findlib.discover().path == (Path("/one"), Path("/two"))
    assert len(calls(tools)) == 3


def test_cache_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST", 10)
    for number in range(30):
        memory.remember("kind", {"number": str(number)}, number, [])
    assert len(list(memory.folder().iterdir())) <= 10
    assert memory.recall("kind", {"number": "29"}) == 29


def test_cached_answer_of_another_shape_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = fake_ocamlfind(tmp_path / "tools", monkeypatch)
    Findlib.discover()
    for file in memory.folder().iterdir():
        file.write_text(file.read_text().replace('"path"', '"roads"'))
    calls(tools)
    assert Findlib.discover().path == (Path("/one"), Path("/two"))


def test_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ocamlfind(tmp_path / "tools", monkeypatch)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert Findlib.discover().path == (Path("/one"), Path("/two"))


def test_without_ocamlfind_the_error_says_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFound) as caught:
        Findlib.discover()
    assert caught.value.hint == "apt install ocaml-findlib or opam install ocamlfind"


def test_failing_ocamlfind_is_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = fake_ocamlfind(tmp_path / "tools", monkeypatch)
    (tools / "ocamlfind").write_text("#!/bin/sh\necho Config file not found >&2\nexit 2\n")
    with pytest.raises(ToolFailed) as caught:
        Findlib.discover()
    assert caught.value.output == "Config file not found"


# --- beside the real one ----------------------------------------------------------------------------------------------


def query(*words: str) -> list[str]:
    """What `ocamlfind query` answers, or nothing where it refuses."""
    done = subprocess.run(["ocamlfind", "query", *words], capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


@needs_ocamlfind
def test_names_are_those_that_ocamlfind_lists() -> None:
    done = subprocess.run(["ocamlfind", "list"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ocamlfind cannot list what is installed here: {done.stderr.strip()}")
    listed = done.stdout
    assert set(Findlib.discover().names()) == {line.split()[0] for line in listed.splitlines()}


@needs_ocamlfind
def test_closures_folders_and_archives_agree_with_ocamlfind() -> None:
    findlib = Findlib.discover()
    # without `mt`: under it findlib lets every library need `threads`, which dune does not
    for name in findlib.names():
        lines = query("-recursive", "-predicates", "native", "-format", "%p|%d|%A", name)
        expected = {line.split("|")[0]: line.split("|")[1:] for line in lines}
        closure = findlib.closure([name], ["native"])
        if not expected:
            assert closure.missing or closure.troubles, name
            continue
        ours = {
            library.name: [str(library.directory), " ".join(file.name for file in library.archives)]
            for library in closure.libraries
        }
        theirs = {
            p: [d, " ".join(a.rsplit("/", 1)[-1] for a in archives.split())] for p, (d, archives) in expected.items()
        }
        assert ours == theirs, name
        assert all(set(one.requires) <= set(closure.names[:at]) for at, one in enumerate(closure.libraries)), name


# --- what dune alone describes ----------------------------------------------------------------------------------------

DUNE_PACKAGE = """(lang dune 2.9)
(name pair)
(version 1.5.1)
(library (name pair) (kind normal) (archives (byte pair.cma) (native pair.cmxa)) (requires base left)
 (modules (singleton (name Pair) (obj_name pair) (visibility public) (impl))))
(library (name pair.left) (kind normal) (archives (byte left/l.cma) (native left/l.cmxa)) (implements pair.side))
(library (name pair.side) (virtual) (default_implementation pair.left) (requires))
(library (name pair.ppx.inner) (kind ppx_rewriter) (archives (native ppx/i.cmxa)))
"""


def test_library_that_dune_alone_describes_is_here(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    (folder / "dune-package").write_text(DUNE_PACKAGE)
    findlib = Findlib((tmp_path,), stdlib=tmp_path / "ocaml")
    assert findlib.names() == ("pair", "pair.left", "pair.ppx", "pair.ppx.inner", "pair.side")
    pair, left, side = (findlib.find(name) for name in ("pair", "pair.left", "pair.side"))
    assert pair
    assert left
    assert side
    assert (pair.version, pair.requires, pair.archives) == ("1.5.1", ("base", "left"), (folder / "pair.cmxa",))
    assert (left.version, left.implements, left.archives) == ("1.5.1", "pair.side", (folder / "left/l.cmxa",))
    assert (side.virtual, side.default, side.requires) == (True, "pair.left", ())
    inner = findlib.find("pair.ppx.inner")
    assert inner
    assert inner.ppx


def test_roles_of_libraries_that_a_meta_file_has_no_words_for(tmp_path: Path) -> None:
    findlib = site(tmp_path, pair='version = "2"\npackage "side" ()\npackage "left" (requires = "pair.side")')
    (tmp_path / "pair" / "dune-package").write_text(DUNE_PACKAGE)
    side, left = findlib.find("pair.side"), findlib.find("pair.left")
    assert side
    assert left
    assert (side.virtual, side.default, left.implements) == (True, "pair.left", "pair.side")
    assert (left.version, left.requires) == ("2", ("pair.side",)), "what META says, counts"


def test_description_of_dune_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "dune-package").write_text("(lang dune 2.9\n")
    findlib = Findlib((tmp_path,), stdlib=tmp_path / "ocaml")
    (trouble,) = findlib.broken()
    assert (trouble.library, trouble.kind) == ("pair", "broken")
