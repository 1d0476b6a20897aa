"""What OCaml sources do while their modules initialise, read from the text: each of `starting/` has its verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.audit.starting import Text, start_findings
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
    found = start_findings(texts, {("Sub", "load"): "Sub.load"})
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
