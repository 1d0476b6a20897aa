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
