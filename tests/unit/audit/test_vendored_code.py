"""Vendored libraries: their C as the target's compiler makes it, their OCaml as its text says what runs at start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.audit import audit, with_toolchain
from mirage_py.errors import MpyError
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.audit import AuditReport, AuditRequest, LibraryAudit, Root
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, discover_host, from_environment
from tests.unit.audit.conftest import row

STUBS = "(library (public_name lb) (foreign_stubs (language c) (names st)))"
F = "#include <caml/mlvalues.h>\n"

Vendor = Callable[..., Path]


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    choice = from_environment(ToolchainChoice())
    try:
        return discover("spt", choice, discover_host(choice))
    except MpyError as error:
        pytest.skip(f"no toolchain for spt: {error}")


def vendored(folder: Path, **files: str) -> Path:
    """A folder of sources with one library; `st_c` is the file `st.c`."""
    library = folder / "lb"
    library.mkdir(parents=True)
    for name, text in {"dune_project": "(lang dune 2.9)", "lb_ml": "", "lb_opam": "", "dune": STUBS, **files}.items():
        known = {"dune": "dune", "dune_project": "dune-project"}
        (library / known.get(name, name.replace("_", "."))).write_text(text)
    return folder


def judged(folder: Path, toolchain: Toolchain | None = None) -> LibraryAudit:
    asked = request(folder)
    report: AuditReport = audit(asked if toolchain is None else with_toolchain(asked, toolchain))
    return row(report, "lb")


def request(folder: Path, path: tuple[Path, ...] = (), target: str = "spt") -> AuditRequest:
    return AuditRequest(roots=(Root(library="lb"),), targets=(target,), path=path, vendored=(folder,))


REFUSED = {
    "a function as a pointer": ("#include <string.h>\nstatic char *(*fn)(const char *, ...) = strcpy2;\n", "strcpy2"),
    "a header that the libc has not": ("#include <pthread.h>\n", "pthread.h"),
    "a header of the system": ("#include <sys/socket.h>\n", "sys/socket.h"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_compile_is_told_in_the_compilers_words(kind: str, tmp_path: Path, toolchain: Toolchain) -> None:
    text, words = REFUSED[kind]
    found = judged(vendored(tmp_path, st_c=F + text + "value lb_f(value x) { return x; }"), toolchain)
    assert found.verdict == "missing"
    assert any(one.rule == "does-not-compile" and words in one.message for one in found.findings), found.findings


def test_an_included_c_file_is_compiled_where_dune_brings_it(tmp_path: Path, toolchain: Toolchain) -> None:
    stubs = STUBS.replace("(names st)", "(names st) (extra_deps impl.c)")
    assert stubs != STUBS
    files = {"dune": stubs, "st_c": F + '#include "impl.c"\nvalue lb_f(value x) { return Val_int(now2()); }'}
    impl = '#include <string.h>\n#include <stdlib.h>\nstatic int now2(void) { char *s = strdup("x"); return s[0]; }'
    found = judged(vendored(tmp_path, impl_c=impl, **files), toolchain)
    assert found.verdict == "gaps"
    assert [one.symbol for one in found.findings if one.severity == "gaps"] == ["strdup"]


def test_an_included_file_that_dune_leaves_where_it_is_does_not_compile(tmp_path: Path, toolchain: Toolchain) -> None:
    text = F + '#include "part.inc"\nvalue lb_f(value x) { return Val_int(part()); }'
    folder = vendored(tmp_path, st_c=text)
    (folder / "lb" / "part.inc").write_text("static int part(void) { return 1; }\n")
    found = judged(folder, toolchain)
    assert found.verdict == "missing"
    assert any("part.inc, which dune does not bring" in one.message for one in found.findings)


def test_thread_local_variables_need_a_libc_that_has_a_place_for_them(tmp_path: Path, toolchain: Toolchain) -> None:
    text = F + "static __thread int n;\nvalue lb_f(value x) { return Val_int(++n); }"
    found = judged(vendored(tmp_path, st_c=text), toolchain)
    assert found.verdict == ("runs" if toolchain.ocaml_version.startswith("5") else "unsure")


def test_a_header_that_the_libc_has_not_is_brought_by_what_it_declares(tmp_path: Path, toolchain: Toolchain) -> None:
    text = F + "#include <strings.h>\nvalue lb_f(value x) { return x; }"
    found = judged(vendored(tmp_path, st_c=text), toolchain)
    assert (found.verdict, [one.symbol for one in found.findings]) == ("gaps", ["strcasecmp"])


def test_headers_of_all_that_a_library_needs_are_found(tmp_path: Path, toolchain: Toolchain) -> None:
    for name, needs, files in (("near", "(libraries far)", {}), ("far", "", {"far.h": "#define FAR 3\n"})):
        (tmp_path / name).mkdir()
        stanza = {"dune": f"(library (public_name {name}) {needs})", f"{name}.opam": "", f"{name}.ml": ""}
        for file, text in (stanza | files).items():
            (tmp_path / name / file).write_text(text)
    wants = STUBS.replace("(public_name lb)", "(public_name lb) (libraries near)")
    folder = vendored(tmp_path, dune=wants, st_c=F + '#include "far.h"\nvalue lb_f(value x) { return Val_int(FAR); }')
    assert judged(folder, toolchain).verdict == "runs"


def test_what_compiles_with_gaps_filled_names_all_of_them(tmp_path: Path, toolchain: Toolchain) -> None:
    """Functions by what the object wants, numbers by the source, headers by what the compiler read."""
    text = "#include <caml/threads.h>\n#include <errno.h>\n#include <time.h>\n" + F
    text += "value lb_f(value x) { time_t t = 0; return errno == EINTR ? x : Val_int(localtime(&t)->tm_year); }"
    found = judged(vendored(tmp_path, st_c=text), toolchain)
    assert found.verdict == "gaps", found.findings
    assert {one.symbol for one in found.findings if one.severity == "gaps"} == {"caml/threads.h", "EINTR", "localtime"}


def test_a_c_library_that_only_a_configurator_names_is_missed(tmp_path: Path, toolchain: Toolchain) -> None:
    dune = "(library (public_name lb) (c_library_flags (:include f.sexp)) (foreign_stubs (language c) (names st)))"
    text = F + "extern unsigned long crc32(void); value lb_f(value x) { return Val_int(crc32()); }"
    found = judged(vendored(tmp_path, dune=dune, st_c=text), toolchain)
    assert found.verdict == "missing"
    assert "crc32" in [one.symbol for one in found.findings]


def test_a_header_that_a_rule_makes_leaves_it_unsure(tmp_path: Path, toolchain: Toolchain) -> None:
    dune = STUBS + "(rule (with-stdout-to made.h (echo)))"
    found = judged(
        vendored(tmp_path, dune=dune, st_c=F + '#include "made.h"\nvalue lb_f(value x) { return x; }'), toolchain
    )
    assert found.verdict == "unsure"


def test_flags_that_a_rule_writes_are_left_to_the_build(tmp_path: Path, toolchain: Toolchain) -> None:
    dune = (
        "(library (public_name lb) (foreign_stubs (language c) (names st) (flags (:standard -DTWO (:include f.sexp)))))"
    )
    text = F + "#ifndef TWO\n#error no flag\n#endif\nvalue lb_f(value x) { return x; }"
    found = judged(vendored(tmp_path, dune=dune, st_c=text), toolchain)
    assert (found.verdict, [one.rule for one in found.findings]) == ("runs", ["configurator"])


def test_a_module_that_raises_as_it_starts_is_told(tmp_path: Path) -> None:
    found = judged(
        vendored(tmp_path, dune="(library (public_name lb))", lb_ml='let never () = failwith "x"\nlet () = never ()')
    )
    assert found.verdict == "aborts"
    assert "line 2 calls never when the program starts" in found.findings[0].message


def test_plain_c_runs(tmp_path: Path, toolchain: Toolchain) -> None:
    assert judged(vendored(tmp_path, st_c=F + "value lb_f(value x) { return x; }"), toolchain).verdict == "runs"


def test_two_folders_of_one_library_are_refused(tmp_path: Path) -> None:
    vendored(tmp_path, dune="(library (public_name lb))")
    inner = vendored(tmp_path / "other" / "vendor", dune="(library (public_name lb))")
    assert inner.is_dir()
    found = judged(tmp_path)
    assert (found.verdict, [one.rule for one in found.findings]) == ("missing", ["twice"])


UNIX = "let c = Unix.getpid ()"
CHOICE = "(select impl.ml from (unix -> impl.unix.ml) (-> impl.none.ml))"


def test_the_alternative_is_chosen_that_the_target_can_have(tmp_path: Path) -> None:
    path = findlib_with_unix()
    texts = {"lb_ml": "let x = Impl.c", "impl_unix_ml": UNIX, "impl_none_ml": "let c = 3"}
    folder = vendored(tmp_path / "select", dune=f"(library (public_name lb) (libraries {CHOICE}))", **texts)
    asked = {target: request(folder, path, target) for target in ("spt", "unix")}
    assert [[one.library for one in audit(asked[target]).libraries] for target in asked] == [["lb"], ["lb", "unix"]]


def test_an_optional_library_that_needs_unix_is_told_so(tmp_path: Path) -> None:
    folder = vendored(tmp_path, dune="(library (public_name lb) (optional) (libraries unix))", lb_ml=UNIX)
    assert row(audit(request(folder, findlib_with_unix())), "lb").verdict == "unix"


def findlib_with_unix() -> tuple[Path, ...]:
    try:
        found = Findlib.discover()
    except MpyError as error:
        pytest.skip(f"no findlib: {error}")
    return found.path


WRITTEN = {
    "a copy": ("(rule (copy away/g.ml g.ml))", "aborts"),
    "copies": ("(copy_files# away/*.ml)", "aborts"),
    "a text that opens nothing": ('(rule (with-stdout-to g.ml (echo "let c = 3")))', "runs"),
    "a text that may open a file": ('(rule (with-stdout-to g.ml (echo "let c = open_in \\"x\\"")))', "unsure"),
    "a text that is written": ('(rule (write-file g.ml "let c = Sys.getcwd ()"))', "unsure"),
    "a program": ("(rule (with-stdout-to g.ml (run ./gen.exe)))", "unsure"),
    "a program that writes what it names": ("(rule (targets g.ml) (action (run ./gen.exe %{targets})))", "unsure"),
    "a program of tests": ("(rule (alias runtest) (action (run ./test.exe)))", "runs"),
    "a program for a module of others": ("(rule (with-stdout-to other.ml (run ./gen.exe)))", "runs"),
    "a lexer": ("(ocamllex lexer)", "aborts"),
    "a lexer that opens when it is called": ("(ocamllex lexer2)", "runs"),
    "a parser": ("(ocamlyacc parser)", "aborts"),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_modules_that_a_build_writes_are_read_or_unsure(kind: str, tmp_path: Path) -> None:
    rules, expected = WRITTEN[kind]
    modules = {"lexer": "lexer", "lexer2": "lexer2", "parser": "parser"}.get(rules.strip("()").split()[-1], "g")
    dune = f"{rules}\n(library (public_name lb) (modules lb {modules}))"
    folder = vendored(tmp_path, dune=dune, lb_ml="let x = 1")
    away = folder / "lb/away"
    away.mkdir()
    (away / "g.ml").write_text('let c = open_in "x"\n')
    opening = 'let load f = open_in f\nlet c = load "x"\n'
    (folder / "lb/lexer.mll").write_text(f"{{ {opening} }}\nrule tok = parse | 'a' {{ c }}\n{{ let z = 1 }}\n")
    (folder / "lb/lexer2.mll").write_text("{ }\nrule tok = parse | 'a' { open_in }\n{ let go f = open_in f }\n")
    (folder / "lb/parser.mly").write_text(f"%token A\n%%\nmain: A {{ 1 }}\n%%\n{opening}")
    assert judged(folder).verdict == expected


def test_what_a_preprocessor_writes_is_unsure_unless_it_only_leaves_out_lines(tmp_path: Path) -> None:
    for program, expected in (("sed", "unsure"), ("%{bin:cppo}", "runs")):
        dune = f"(library (public_name lb) (preprocess (action (run {program} %{{input-file}}))))"
        assert judged(vendored(tmp_path / expected, dune=dune, lb_ml="let x = 1")).verdict == expected
