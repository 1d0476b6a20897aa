"""What OCaml sources do while their modules initialise, read from the text: each of `starting/` has its verdict."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from mirage_py.audit.mlunits import Key, Text
from mirage_py.audit.starting import Reached, start_findings
from mirage_py.model.audit import SEVERITIES

CASES = sorted((Path(__file__).parent / "starting").glob("*.ml"))
"""Each begins with `aborts` (it surely ends there), `unsure` (it may) or `nothing` (what would end it is only kept)."""

LOAD = "let load f = close_in (open_in f)"


def verdict(texts: tuple[Text, ...], library: str = "foo") -> str | None:
    found = start_findings(texts).get(library, ())
    return max((one.severity for one in found), key=SEVERITIES.index, default=None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_a_module_does_at_start(case: Path, tmp_path: Path) -> None:
    expected = case.read_text().split()[1]
    (tmp_path / "foo.ml").write_text(case.read_text())
    assert (verdict((Text(library="foo", directory=tmp_path),)) or "nothing") == expected


def test_a_call_of_another_library_is_followed(tmp_path: Path) -> None:
    for name, source in {"a": LOAD, "b": 'let () = A.load "x"', "c": "let load = 1"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.ml").write_text(source)
    texts = tuple(Text(library=name, directory=tmp_path / name) for name in "abc")
    assert [verdict(texts, name) for name in "abc"] == [None, "aborts", None]


def test_what_an_installed_function_comes_to_is_known_from_its_object(tmp_path: Path) -> None:
    (tmp_path / "foo.ml").write_text('let () = Other.Sub.load "x"')
    texts = (Text(library="foo", directory=tmp_path),)
    found = start_findings(texts, {Key("other", "Sub", "load"): Reached("Sub.load")})
    assert [one.severity for one in found["foo"]] == ["aborts"]


def test_only_the_modules_of_the_library_count(tmp_path: Path) -> None:
    (tmp_path / "foo.ml").write_text("let x = 1")
    (tmp_path / "test.ml").write_text('let () = close_in (open_in "x")')
    assert verdict((Text(library="foo", directory=tmp_path, modules=frozenset({"Foo"})),)) is None
    assert verdict((Text(library="foo", directory=tmp_path),)) == "aborts"


def test_modules_below_count_where_they_are_included(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/foo.ml").write_text('let x = open_in "x"')
    assert verdict((Text(library="foo", directory=tmp_path),)) is None
    assert verdict((Text(library="foo", directory=tmp_path, below=True),)) == "aborts"


def test_a_folder_below_that_is_a_program_of_its_own_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/tables.ml").write_text("let () = exit 0")
    assert verdict((Text(library="foo", directory=tmp_path, below=True),)) == "aborts"
    (tmp_path / "in/dune").write_text("(include_subdirs no)\n(executable (name tables))")
    assert verdict((Text(library="foo", directory=tmp_path, below=True),)) is None


FUNCTOR = 'module Make (P : sig val read : string -> unit end) = struct let now = P.read "x" end'
OPENS = "let read f = close_in (open_in f)"
APPLIED = {
    "to a module that opens": ({"a": OPENS, "b": FUNCTOR, "c": "module It = B.Make (A)"}, True),
    "by another name": ({"a": OPENS, "b": FUNCTOR, "c": "module Other = A module It = B.Make (Other)"}, True),
    "to what is written there": ({"b": FUNCTOR, "c": f"module It = B.Make (struct {OPENS} end)"}, True),
    "to what another functor makes": (
        {
            "a": f"module In (X : sig end) = struct {OPENS} end",
            "b": FUNCTOR,
            "c": "module It = B.Make (A.In (struct end))",
        },
        True,
    ),
    "to a module that another functor makes": (
        {
            "a": f"module In (X : sig end) = struct {OPENS} end",
            "b": FUNCTOR,
            "c": "module Made = A.In (struct end) module It = B.Make (Made)",
        },
        True,
    ),
    "through a functor": (
        {
            "a": OPENS,
            "b": FUNCTOR,
            "c": "module Again (Q : sig val read : string -> unit end) = struct module M = B.Make (Q) end",
            "d": "module It = C.Again (A)",
        },
        True,
    ),
    "where its module is opened": ({"a": OPENS, "b": FUNCTOR, "c": "open B module It = Make (A)"}, True),
    "to a value": ({"a": OPENS, "b": FUNCTOR, "c": "module It = B.Make ((val x : B.S))"}, True),
    "in an expression": ({"a": OPENS, "b": FUNCTOR, "c": "let it = let module M = B.Make (A) in M.now"}, True),
    "to another module": ({"a": OPENS, "b": FUNCTOR, "c": "let read _ = ()", "d": "module It = B.Make (C)"}, False),
    "of the same name elsewhere": (
        {
            "a": OPENS,
            "b": FUNCTOR,
            "c": "let read _ = ()",
            "e": FUNCTOR.replace("let now", "let later ()"),
            "d": "module It = B.Make (C) module Other = E.Make (A)",
        },
        False,
    ),
}


@pytest.mark.parametrize("how", APPLIED)
def test_parameter_of_a_functor_is_what_it_is_applied_to(how: str, tmp_path: Path) -> None:
    sources, ends = APPLIED[how]
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.ml").write_text(source)
    found = start_findings(tuple(Text(library=name, directory=tmp_path / name) for name in sources))
    assert any(found.values()) == ends


def test_alias_leads_out_of_the_file(tmp_path: Path) -> None:
    """`Conv.Make` is not this file's own `Make`, whatever else is not here."""
    source = (
        f"module Conv = Other_conv module Make (X : sig end) = struct let x = {OPENS[13:]} end module C = Conv.Make (Y)"
    )
    (tmp_path / "foo.ml").write_text(source.replace("(open_in f)", '(open_in "f")'))
    assert verdict((Text(library="foo", directory=tmp_path),)) is None


def two_libraries(folder: Path, **files: str) -> tuple[Text, ...]:
    """Libraries of one file each: `a__key` is `key.ml` of the library `a`."""
    for name, text in files.items():
        library, _, stem = name.partition("__")
        (folder / library).mkdir(exist_ok=True)
        (folder / library / f"{stem or library}.ml").write_text(text)
    return tuple(Text(library=name, directory=folder / name) for name in dict.fromkeys(n.split("__")[0] for n in files))


def test_a_module_is_that_of_a_library_that_is_required(tmp_path: Path) -> None:
    """`Key` of `a` opens a file, `Key` of `b` does not; `user` requires one of them."""
    texts = two_libraries(tmp_path, a__key=LOAD, b__key="let load f = f", user='let () = Key.load "x"')
    for behind, expected in (("a", ["aborts"]), ("b", [])):
        requires = {"user": frozenset({behind})}
        found = start_findings(texts, sees=defaultdict(frozenset, requires).__getitem__)
        assert [one.severity for one in found.get("user", ())] == expected


def test_a_wrapped_module_is_seen_through_the_one_that_wraps_it(tmp_path: Path) -> None:
    a, user = two_libraries(tmp_path, a__key=LOAD, user='let () = A.Key.load "x"')
    wrapped = Text(library="a", directory=a.directory, tops=frozenset({"A"}))
    assert verdict((wrapped, user), "user") == "aborts"
    other = two_libraries(tmp_path, user='let () = Other.Key.load "x"', c__other="let x = 1")
    requires = {"user": frozenset({"a", "c"})}
    assert not any(start_findings((wrapped, *other), sees=lambda name: requires.get(name, frozenset())).values())


def test_who_reads_from_a_channel_needs_one(tmp_path: Path) -> None:
    reader = "let first ic = input_char ic\nlet make = function Some ic -> first ic | None -> 'x'\n"
    for start, expected in (
        ("let c = make None", None),
        ("let c = make (Some stdin)", "unsure"),
        ("let c = make (List.nth [ Stdlib.stdin ] 0)", "unsure"),
        ("let c = make (List.hd (stdin :: []))", "unsure"),
        ("let c = make None (* stdin *)", None),
        ("type process = { stdin : int } let close p = p.stdin let c = make None", None),
    ):
        assert verdict(two_libraries(tmp_path, foo=reader + start)) == expected, start


def test_a_name_of_its_own_is_of_no_module_that_is_opened(tmp_path: Path) -> None:
    """`g` is a function of the definition, not `A.g`; where nothing binds it, it is that."""
    a = "let g f = close_in (open_in f)"
    own = 'open A\nlet all = let f = fun x -> x and g x = x in List.map f (List.map g [ "x" ])'
    texts = two_libraries(tmp_path, a=a, user=own)
    assert verdict(texts, "user") is None
    assert verdict(two_libraries(tmp_path, a=a, user=own.replace("and g x = x", "")), "user") == "unsure"


def test_c_that_ends_the_program_is_called_at_start(tmp_path: Path) -> None:
    (tmp_path / "foo.ml").write_text('external now : unit -> int = "foo_now"\nlet started = now ()')
    texts = (Text(library="foo", directory=tmp_path),)
    assert verdict(texts) is None
    found = start_findings(texts, symbols={"foo_now": Reached("foo_now", "maybe")})
    assert [one.severity for one in found["foo"]] == ["unsure"]
