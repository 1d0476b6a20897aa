"""Dune stanzas: what is written reads back the same."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from mirage_py.codegen.sexp import WIDTH, atom, flat, render_stanzas
from mirage_py.dsl.device import Sexp

text = st.text(st.characters(exclude_categories=["Cs"]))
tree: st.SearchStrategy[Any] = st.recursive(text, lambda inner: st.lists(inner, max_size=6).map(tuple), max_leaves=40)
stanza = st.lists(tree, min_size=1, max_size=5).map(tuple)
HARD = ["", "é", "#|", "a#|b", "|#", "#;", ";", "(", "a b", '"', "\\", "\n", "\t\r", "\x01", "\x7f", "日本", "a\\nb"]


class Reader:
    """Reads s-expressions as dune does: atoms, quoted strings with escapes, lists, comments to the end of a line."""

    def __init__(self, source: str) -> None:
        self.source, self.at = source, 0

    def all(self) -> tuple[Any, ...]:
        found = []
        while self._skip():
            found.append(self.one())
        return tuple(found)

    def _skip(self) -> bool:
        while self.at < len(self.source) and self.source[self.at] in " \n\t":
            self.at += 1
        return self.at < len(self.source)

    def one(self) -> Any:
        match self.source[self.at]:
            case "(":
                return self._list()
            case '"':
                return self._quoted()
            case _:
                return self._atom()

    def _list(self) -> tuple[Any, ...]:
        self.at += 1
        found = []
        while self._skip() and self.source[self.at] != ")":
            found.append(self.one())
        self.at += 1
        return tuple(found)

    def _quoted(self) -> str:
        self.at += 1
        found = ""
        while (char := self.source[self.at]) != '"':
            self.at += 1
            if char == "\\":
                found += self._escape()
            else:
                assert char not in "\n\r", "a string of dune ends on its line"
                found += char
        self.at += 1
        return found

    def _escape(self) -> str:
        char = self.source[self.at]
        if char.isdigit():
            self.at += 3
            return chr(int(self.source[self.at - 3 : self.at]))
        self.at += 1
        return {"n": "\n", "t": "\t", "r": "\r"}.get(char, char)

    def _atom(self) -> str:
        start = self.at
        while self.at < len(self.source) and self.source[self.at] not in ' \n\t()"':
            assert "!" <= self.source[self.at] <= "~", "an atom of dune is printable ASCII"
            self.at += 1
        return self.source[start : self.at]


@pytest.mark.slow
@given(st.lists(stanza, max_size=5))
def test_what_is_written_reads_back_the_same(stanzas: list[Any]) -> None:
    assert Reader(render_stanzas(stanzas)).all() == tuple(dict.fromkeys(stanzas))


@given(tree)
def test_one_line_reads_back_the_same(sexp: Any) -> None:
    assert Reader(flat(sexp)).all() == (sexp,)


@given(st.lists(st.from_regex(r"[a-z]{1,20}", fullmatch=True), min_size=1, max_size=40))
def test_lines_of_words_fit(words: list[str]) -> None:
    written = render_stanzas([("executable", ("name", "main"), ("libraries", *words))])
    assert all(len(line) <= WIDTH + 2 for line in written.splitlines())


def test_equal_stanzas_are_written_once() -> None:
    assert render_stanzas([("a", "b"), ("c",), ("a", "b")]) == "(a b)\n\n(c)\n"


@pytest.mark.ocaml
def test_dune_reads_back_every_word(tmp_path: Path) -> None:
    words = [word for word in HARD if word != "\x01"]
    (tmp_path / "dune-project").write_text("(lang dune 2.9)\n", encoding="utf-8")
    echo: Sexp = ("progn", *(("echo", word + "\n") for word in words))
    rule: Sexp = ("rule", ("with-stdout-to", "words", echo))
    (tmp_path / "dune").write_text(render_stanzas([rule]), encoding="utf-8")
    dune = shutil.which("dune")
    assert dune
    subprocess.run([dune, "build", "--root", ".", "./words"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "_build" / "default" / "words").read_bytes().decode() == "".join(word + "\n" for word in words)


@pytest.mark.parametrize("word", ["lwt.unix", "%{bin:x}", ":standard", "-w", "../../a", "a+b", "mirage_runtime"])
def test_plain_word_stays_plain(word: str) -> None:
    assert atom(word) == word
