"""What is written as OCaml is what OCaml reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mirage_py.dsl.ocaml import ocaml_identifier, ocaml_int64, ocaml_list, ocaml_option, ocaml_string

HARD = [
    '"',
    "\\",
    "\n",
    "\t\r\b",
    "é",
    "日本",
    "\x00",
    "\x7f",
    "%d %s",
    "*)",
    "{|x|}",
    "a" * 300,
    "\\065",
    "'",
    "\u2028",
]


@given(st.text())
def test_string_is_one_line_of_printable_ascii(text: str) -> None:
    written = ocaml_string(text.encode("utf-8", "ignore").decode())
    assert all(" " <= char <= "~" for char in written)


@pytest.mark.ocaml
def test_ocaml_reads_back_every_string(tmp_path: Path) -> None:
    source = f'let () = List.iter (fun s -> Printf.printf "%S\\n" s) {ocaml_list(map(ocaml_string, HARD))}'
    (tmp_path / "strings.ml").write_text(source, encoding="utf-8")
    done = subprocess.run(["ocaml", "strings.ml"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [ocaml_string(text) for text in HARD]


def test_int64_below_zero_stands_in_parentheses() -> None:
    assert (ocaml_int64(5), ocaml_int64(-5)) == ("5L", "(-5L)")


def test_option_is_none_or_some() -> None:
    assert (ocaml_option(None), ocaml_option("1")) == ("None", "(Some 1)")


@pytest.mark.parametrize(("text", "expected"), [("a-b.c d", "a_b_c_d"), ("é!x", "x"), ("struct end", "struct_end")])
def test_identifier_keeps_what_ocaml_knows(text: str, expected: str) -> None:
    assert ocaml_identifier(text) == expected


@pytest.mark.parametrize("text", ["", "é", "1a"])
def test_what_gives_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        ocaml_identifier(text)
