"""`mpy describe` beyond its text: pictures that Graphviz and XML readers accept, files that it writes, deep graphs."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.test_sessions import HELLO, NETWORK
from tests.conftest import MakeProject, Mpy

SVG = "{http://www.w3.org/2000/svg}"
DEPTH = 10_000
DEEP = f"""\
from mirage_py import impl, job, main, register, typ


class Layer:
    pass


layer = typ(Layer)
on = impl("On.Make", layer >> layer)
top = impl("Bottom", layer)
for _ in range({DEPTH}):
    top = on(top)

register("deep", [main("Unikernel.Main", layer >> job)(top)])
"""
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not on PATH")


@needs_dot
def test_svg_shows_every_device_in_the_middle_of_its_box(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    root = ET.fromstring(mpy("describe", "-t", "hvt", "--format", "svg", code=0).stdout)
    nodes = [group for group in root.iter(f"{SVG}g") if group.get("class") == "node"]
    words = {"".join(text.itertext()).strip() for group in nodes for text in group.iter(f"{SVG}text")}
    assert {"Ethernet.Make", "ethernet_make__12", "Unikernel.Main", "Netif"} <= words
    assert len(nodes) == 23
    assert {text.get("text-anchor") for group in nodes for text in group.iter(f"{SVG}text")} == {"middle"}


@needs_dot
def test_dot_is_what_graphviz_reads(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    dot = mpy("describe", "-t", "unix", "--format", "dot", code=0).stdout
    plain = subprocess.run(("dot", "-Tplain"), input=dot, capture_output=True, text=True, check=True)
    assert plain.stderr == ""
    assert len(re.findall("^node ", plain.stdout, re.MULTILINE)) == dot.count("[label=<<b>")


def test_svg_without_graphviz_says_what_brings_it(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": HELLO})
    done = mpy("describe", "--format", "svg", code=5, env={"PATH": "/nowhere"})
    assert "dot is not on this machine" in done.stderr
    assert "apt install graphviz" in done.stderr


def test_it_writes_the_file_that_is_named(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO})
    done = mpy("describe", "--format", "mermaid", "-o", "graph.mmd", code=0)
    assert (done.stdout, done.stderr) == ("", "wrote graph.mmd\n")
    first = (folder / "graph.mmd").read_text()
    assert "flowchart TD" in first
    mpy("describe", "--format", "mermaid", "-o", "graph.mmd", "-t", "hvt", code=0)
    assert (folder / "graph.mmd").read_text() != first


def test_it_leaves_a_source_alone(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO, "unikernel.ml": "let start () = Lwt.return_unit\n"})
    mpy("describe", "--format", "dot", "-o", "unikernel.ml", code=7)
    assert (folder / "unikernel.ml").read_text() == "let start () = Lwt.return_unit\n"


def test_text_in_a_file_has_no_colour(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO})
    mpy("describe", "--color", "always", "-o", "hello.txt", code=0)
    assert "\x1b" not in (folder / "hello.txt").read_text()


@pytest.fixture
def deep(project: MakeProject) -> Path:
    return project({"config.py": DEEP})


def test_ten_thousand_devices_in_a_chain_are_described(deep: Path, mpy: Mpy) -> None:
    """No recursion, and no line that grows with the depth: what lies deep gets a root of its own."""
    text = mpy("describe", "-t", "hvt", code=0, cwd=deep).stdout
    assert text.count("On.Make") >= DEPTH
    assert max(map(len, text.splitlines())) < 120


def test_ten_thousand_devices_in_a_chain_are_configured_and_asked_about(deep: Path, mpy: Mpy) -> None:
    mpy("configure", "-t", "unix", code=0, cwd=deep)
    assert mpy("query", "graph", code=0, cwd=deep).stdout.count("On.Make") == DEPTH
    assert "digraph" in mpy("describe", "--format", "dot", code=0, cwd=deep).stdout
