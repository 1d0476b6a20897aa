"""The compilers that dune is given for a target: what they hand on, and what they keep to themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mirage_py.build.link import output_obj_compiler, telling_compilers


def script(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("words", "compiles"),
    [
        ("-w -40 -g -a -o lb.cmxa lb.cmx", True),
        ("-w -a -c -o lb.cmx -impl lb.ml", True),
        ("-w -40 -g -o discover.exe base.cmxa discover.cmx", False),
        ("-w -40 -w -a -alert -all -g -o discover.exe base.cmxa discover.cmx", False),
        ("-o main.exe main.cmx -cclib -z solo5-abi=spt", True),
    ],
)
def test_a_program_of_the_building_machine_is_not_linked_for_the_target(
    words: str, compiles: bool, tmp_path: Path
) -> None:
    real = script(tmp_path / "real", '#!/bin/sh\ntouch "$(dirname "$0")/compiled"\n')
    wrapper = script(tmp_path / "ocamlopt", output_obj_compiler(real))
    subprocess.run((wrapper, *words.split()), cwd=tmp_path, check=True)
    assert (tmp_path / "compiled").exists() == compiles
    assert (tmp_path / "discover.exe").exists() != compiles


def test_who_asks_about_the_compiler_gets_no_headers_of_ours(tmp_path: Path) -> None:
    script(tmp_path / "gcc", '#!/bin/sh\necho "$@"\n')
    real = script(tmp_path / "ocamlc", f"#!/bin/sh\necho {tmp_path}/gcc\n")
    made = telling_compilers(str(real), ("-include", "gaps.h"))
    (text,) = (text for name, text in made.items() if name.startswith("bin/"))
    wrapper = script(tmp_path / "cc", text)
    said = [subprocess.run((wrapper, one, "x.c"), capture_output=True, text=True, check=True) for one in ("-c", "-E")]
    assert [one.stdout for one in said] == ["-c x.c -include gaps.h\n", "-E x.c\n"]
