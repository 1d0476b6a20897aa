"""Text that ends up in generated files stays text, whatever it holds."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from mirage_py.codegen.stamp import Language, commented, stamp
from mirage_py.codegen.xl import xl_string

LANGUAGES: tuple[Language, ...] = ("ocaml", "dune", "opam", "xl", "merlin", "c")
texts = st.text(st.characters(codec="utf-8"))
ENDINGS = ("(*", "*)", "*/", '"', "'", "{", "|", "\n", "\r", "\0", "--", "%{")

HOSTILE = [
    "a*) let () = exit 9 (*.py",
    "my--conf.py",
    "x\n(rule (alias image) (action (system evil)))\n;.py",
    'half a "string.py',
    "*/ int x; /*.py",
    "\udcff.py",
]


@given(texts)
def test_no_name_of_a_file_ends_a_comment(name: str) -> None:
    told = commented(name)
    assert not any(ending in told for ending in ENDINGS)
    assert ET.fromstring(f"<a><!-- {told} --></a>").tag == "a"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_stamp_is_one_line_whatever_the_file_is_called(name: str, language: Language) -> None:
    plain, told = stamp(language, "config.py"), stamp(language, name)
    assert len(told.splitlines()) == 1
    assert told.startswith(plain.partition("config.py")[0])
    assert told.endswith(plain.partition("config.py")[2])


def test_plain_names_are_told_as_they_are() -> None:
    assert commented("my config-2.py") == "my config-2.py"
    assert commented("größe.py") == "größe.py"


@given(texts.filter(lambda text: "\0" not in text))
def test_xl_reads_back_what_was_meant(text: str) -> None:
    assert ast.literal_eval(xl_string(text)) == text
