"""Files of any shape, at each reader of mpy: it is read, or refused in words; never a traceback, never a long wait.

Archives, objects, META and dune files have theirs beside the audit, the linker's map beside the link.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.convert import read as read_ocaml
from mirage_py.doors.files import Tree
from mirage_py.errors import MpyError
from mirage_py.libraries.dunepackage import read_package
from mirage_py.libraries.meta import MetaError
from mirage_py.libraries.sexp import SexpError
from mirage_py.model.toolchain import ToolchainChoice
from mirage_py.packages.candidates import environment
from mirage_py.packages.lock_file import read_lock
from mirage_py.packages.manifest import read_digests, read_manifest
from mirage_py.packages.metadata import details, metadata
from mirage_py.packages.repositories import named, settings_text
from mirage_py.project.choices import read_state
from mirage_py.project.loader import load
from mirage_py.project.sources import ocaml_modules
from mirage_py.runner.setup import _read as read_devices
from mirage_py.toolchain.description import read_description
from mirage_py.workflow.freshness import _noted
from tests.unit.audit.test_hostile_input import bounded

pytestmark = pytest.mark.slow

FEW = settings(
    max_examples=int(os.environ.get("MPY_TEST_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
REFUSALS = (MpyError, MetaError, SexpError)


def _opam(text: str) -> None:
    here = environment()
    metadata("a", "1", text, here, "opam")
    details("a", "1", text, here, "opam")


def _put(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def _of_file(name: str, read: Callable[[Path], Any]) -> Callable[[Path, bytes], Any]:  # any: what a reader gives
    def reader(folder: Path, content: bytes) -> Any:
        _put(folder, name, content)
        return read(folder)

    return reader


def _of_text(read: Callable[[str], Any]) -> Callable[[Path, bytes], Any]:  # any: what a reader gives
    return lambda _folder, content: read(content.decode("utf-8", "replace"))


def _both(folder: Path) -> None:
    named(folder)
    settings_text(folder, ["https://example.org"])


READERS: dict[str, tuple[bytes, Callable[[Path, bytes], Any]]] = {
    "owned.json": (
        b'{"format": 1, "files": {"mirage/a/dune": ["00ff"], "dist/a": []}, "swap": {"old": ".mpy-0", "dune": ""}}',
        _of_file("mirage/owned.json", lambda folder: Tree(folder).preview({"mirage/a": {"dune": "x"}}, {})),
    ),
    "choices.json": (
        b'{"format": 1, "unikernels": {"a": {"unix": {"choices": {"k": {"words": ["v"], "source": "flag"}}}}}}',
        _of_file("mirage/choices.json", lambda folder: read_state(folder / "mirage")),
    ),
    "mpy.toml": (b'repositories = ["https://example.org/a", "../b"]\nother = 3\n', _of_file("mpy.toml", _both)),
    "mpy.lock": (
        (
            b'format = 1\n[solved]\nocaml = "5.1"\n[[package]]\nname = "a"\nversion = "1"\nfolder = "a"\n'
            b'[[source]]\nfolder = "a"\nurl = "https://example.org/a.tgz"\nchecksums = ["sha256=00"]\n'
        ),
        _of_file("mpy.lock", read_lock),
    ),
    "opam": (
        (
            b'opam-version: "2.0"\ndepends: ["a" {>= "1" & os = "linux"} ("b" | "c")]\nbuild: [["make" "-j" jobs]]\n'
            b'available: arch != "arm32"\nconflicts: ["d" {< "2"}]\nurl {\n src: "https://example.org/a.tgz"\n'
            b' checksum: ["md5=00"]\n}\npatches: ["p" {os = "win32"}]\n'
        ),
        _of_text(_opam),
    ),
    "dune-package": (
        (
            b"(lang dune 3.0)\n(name a)\n(version 1)\n(library (name a.b) (kind normal) (archives (byte a.cma) (native"
            b" a.cmxa)) (requires c) (foreign_archives (native liba.a)) (main_module_name A) (modes byte native))\n"
        ),
        _of_text(read_package),
    ),
    "manifest of pull": (
        (
            b'{"format": 1, "lock": "ab", "folders": {"a": {"key": "k", "stamp": "", "version": "", "provides": ["a"],'
            b' "needs": [], "left_out": {"t": ["x"]}, "linked": null, "chosen": false}}}'
        ),
        _of_file("mirage/duniverse/.mpy/manifest.json", read_manifest),
    ),
    "digests of pull": (
        b'{"a/dune": "00", "a/a.ml": "11"}',
        _of_file("mirage/duniverse/.mpy/files/a.json", lambda folder: read_digests(folder / "mirage/duniverse", "a")),
    ),
    "devices.json": (
        b'{"format": 1, "made": [{"kind": "tap", "name": "tap0", "start": "x"}]}',
        _of_file("mirage/devices.json", read_devices),
    ),
    "note of a build": (
        b'{"plan": "p", "files": {"a.ml": [1, 2, "x"]}, "folders": {"d": "s"}}',
        _of_file("mirage/.stubs/built/a.json", lambda folder: _noted(folder, SimpleNamespace(label="a"))),  # type: ignore[arg-type]
    ),
    "toolchain description": (
        b'ocamlopt = "/usr/bin/ocamlopt"\ncflags = ["-O2"]\n[target.spt]\nlibs = ["a"]\n',
        _of_file("t.toml", lambda folder: read_description(ToolchainChoice(description=folder / "t.toml"), "spt")),
    ),
    "config.ml": (
        (
            b'open Mirage\nlet main = main ~packages:[ package "a" ] "Unikernel.Hello" (time @-> job)\n'
            b'let () = register "hello" [ main $ default_time ]\n'
        ),
        lambda _folder, content: read_ocaml(content, "config.ml"),
    ),
    "config.py": (
        (
            b'from mirage_py import *\n\nmain = main("Unikernel.Hello", job, packages=[package("a")])\n'
            b'register("hello", [main])\n'
        ),
        _of_file("config.py", lambda folder: load(folder / "config.py")),
    ),
}

HOSTILE = {
    name: name.encode()
    for name in (
        "-1",
        "1e999",
        "NaN",
        "null",
        "true",
        "[]",
        "{}",
        '""',
        "()",
        "..",
        "\n",
        "\r",
        "\\",
        '"',
        "'",
        "(*",
        "*)",
        "%{",
    )
} | {
    "NUL": b"\0",
    "no UTF-8": b"\xff",
    "a surrogate": b"\xed\xa0\x80",
    "a surrogate in JSON": b'"\\ud800"',
    "NUL in JSON": b'"\\u0000"',
    "from right to left": b"\xe2\x80\xae",
    "5000 digits": b"9" * 5000,
    "a long name": b"a" * 300,
    "a way out": b'"../../x"',
    "deep lists": b"[" * 10_000,
    "deep objects": b'{"a":' * 10_000,
    "deep tables": b"a = {" * 3000,
    "deep brackets": b"(" * 10_000,
    "many minus": b"- " * 5000,
    "many not": b"!" * 5000,
    "many and": b"&" * 2000,
    "many headers": b"[[a]]\n" * 500,
    "a long path": b"a." * 5000 + b"a = 1\n",
}
WORD = re.compile(rb'[\w.-]+|"[^"]*"|[^\w\s]')


class Shown(bytes):
    """Bytes that are told by their beginning."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{bytes(self[:300])!r} ({len(self)} bytes)"


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> Shown:
    """Something like this: with parts cut out, doubled or exchanged for what nobody means well with."""
    content = seed
    for _ in range(draw(st.integers(1, 3))):
        words = list(WORD.finditer(content[:5000]))
        if not words:
            break
        word = words[draw(st.integers(0, len(words) - 1))]
        before, after = content[: word.start()], content[word.end() :]
        other = HOSTILE[draw(st.sampled_from(sorted(HOSTILE)))]
        match draw(st.sampled_from(["cut", "drop", "double", "put", "before"])):
            case "cut":
                content = content[: word.start()]
            case "drop":
                content = before + after
            case "double":
                content = before + word[0] * 2 + after
            case "put":
                content = before + other + after
            case _:
                content = before + other + word[0] + after
    return Shown(content)


@pytest.mark.parametrize("name", READERS)
def test_each_hostile_thing_is_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    seed, read = READERS[name]
    words = list(WORD.finditer(seed))
    for at, hostile in enumerate((b"", *HOSTILE.values())):
        word = words[at * 7 % len(words)]
        for content in (hostile, seed + hostile, seed[: word.start()] + hostile + seed[word.end() :]):
            with bounded(), suppress(*REFUSALS):
                read(tmp_path, content)


@pytest.mark.parametrize("name", READERS)
@FEW
@given(data=st.data())
def test_any_content_is_read_or_refused_in_words(tmp_path: Path, name: str, data: st.DataObject) -> None:
    seed, read = READERS[name]
    content = data.draw(
        mutated(seed) | st.binary(max_size=60).map(Shown) | st.sampled_from([*map(Shown, HOSTILE.values())])
    )
    with bounded(), suppress(*REFUSALS):
        read(tmp_path, content)


IN_PLACE_OF = [
    "config.py",
    "unikernel.ml",
    "mpy.toml",
    "mpy.lock",
    "mirage/choices.json",
    "mirage/owned.json",
    "mirage/devices.json",
]
"""Files that mpy reads and a person, or a checkout, may have put there."""


@pytest.mark.parametrize("name", IN_PLACE_OF)
def test_pipe_in_place_of_a_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "mirage").mkdir()
    os.mkfifo(tmp_path / name)
    readers: dict[str, Callable[[], object]] = {
        "config.py": lambda: load(tmp_path / "config.py"),
        "unikernel.ml": lambda: ocaml_modules(tmp_path, None, "config.py"),
        "mpy.toml": lambda: named(tmp_path),
        "mpy.lock": lambda: read_lock(tmp_path),
        "mirage/choices.json": lambda: read_state(tmp_path / "mirage"),
        "mirage/owned.json": lambda: Tree(tmp_path).preview({}, {}),
        "mirage/devices.json": lambda: read_devices(tmp_path),
    }
    with bounded(), pytest.raises(MpyError):
        readers[name]()
