"""What a definition mentions of a few names is what it mentions of them at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mirage_py.audit.mlsource import Use
from mirage_py.audit.mltext import source_of
from mirage_py.audit.mlunits import Text
from mirage_py.audit.mluses import token_of
from mirage_py.audit.starting import start_findings
from mirage_py.audit.waiting import Said

CASES = sorted((Path(__file__).parent / "starting").glob("*.ml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_of_a_name_is_told_all_that_is_told_of_all(case: Path) -> None:
    source = source_of(case)
    assert source is not None
    for item in source.items:
        everything = item.uses()
        assert {token_of(one.name) for one in everything if one.name.isidentifier()} <= item.words
        for token in {token_of(one.name) for one in everything}:
            asked = item.uses(frozenset({token}))
            assert _of(asked, token) == _of(everything, token)


def _of(uses: tuple[Use, ...], token: bytes) -> list[Use]:
    return [one for one in uses if token_of(one.name) == token]


def test_a_name_may_stand_on_the_next_line_and_behind_a_renamed_module(tmp_path: Path) -> None:
    (tmp_path / "low.ml").write_text("let load f = close_in (open_in f)\nlet ( >>? ) f () = load f")
    for name, start in {
        "a": "module L = Low\nlet () = L.\n  load name",
        "b": "let () = let open Low in load name",
        "c": "let () = Low.(name >>? ())",
        "d": "let () = Low.load\nlet load = 1",
    }.items():
        (tmp_path / f"{name}.ml").write_text(f'let name = "x"\n{start}')
    found = start_findings((Text(library="foo", directory=tmp_path),))["foo"]
    assert {one.member for one in found if one.severity == "aborts"} >= {"a.ml", "b.ml"}
    assert "d.ml" not in {one.member for one in found}


IMPORTS = """from pathlib import Path
from mirage_py.audit.mlunits import Text
from mirage_py.audit.starting import start_findings
"""
APPLIED = """module F (P : sig val load : string -> unit end) = struct let go = P.load end
module X = F (A)
module Y = F (B)
module Z = F (C)
let () = X.go "x"
"""


def test_of_several_ends_the_same_is_told_every_time(tmp_path: Path) -> None:
    for name, end in {"a": "open_in", "b": "read_line", "c": "open_out"}.items():
        (tmp_path / f"{name}.ml").write_text(f"let load f = ignore ({end} f)")
    (tmp_path / "foo.ml").write_text(APPLIED)
    text = f"Text(library='foo', directory=Path({str(tmp_path)!r}))"
    program = f"{IMPORTS}\nprint(start_findings(({text},)))"
    said = {
        subprocess.run(
            (sys.executable, "-c", program), env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in "135"
    }
    assert len(said) == 1
    assert "may call open_in" in said.pop()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('let () = print "leave now" (* leave "*)" (* or *) leave *)', True),
        ('let () = print "leave now" (* leave "*)" leave *)', False),
        ("let quote = '\"' let () = leave '\"'", True),
        ("let a' = '\\\\' let f x' y' = \"\\\"\" ^ leave ^ \"'\"", True),
        ("(* it's '\"' *) let () = leave () (* \" *)\" *)", True),
        ('let text = {x|"|x} let () = leave {|"|}', True),
        ("let leave' = 1 let n = 0x1F", False),
    ],
)
def test_a_word_is_said_in_code(text: str, says: bool, tmp_path: Path) -> None:
    file = tmp_path / "foo.ml"
    file.write_text(text)
    assert (b"leave" in Said(file).code) == says


@pytest.mark.parametrize(
    ("text", "applies"),
    [
        ("module X = Make (A)", True),
        ("module X = Far.Engine . Make (A)", True),
        ("module X = Map.Make (A)", False),
        ("module E = Far.Engine module X = E.Make (A)", True),
        ("module E : S with type t = int = Far.Engine module X = E.Make (A)", True),
        ("module E = Far.Other module X = E.Make (A)", False),
        ("let x = Map.Make (a)", False),
    ],
)
def test_a_functor_is_applied_behind_its_module_or_alone(text: str, applies: bool, tmp_path: Path) -> None:
    file = tmp_path / "foo.ml"
    file.write_text(text)
    assert Said(file).applies(b"Engine", b"Make") == applies
