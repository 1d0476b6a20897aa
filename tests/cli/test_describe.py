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


def test_svg_shows_every_device_in_the_middle_of_its_box(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    root = ET.fromstring(mpy("describe", "-t", "hvt", "--format", "svg", code=0, env={"PATH": "/nowhere"}).stdout)
    nodes = [group for group in root.iter(f"{SVG}g") if str(group.get("class")).startswith("node ")]
    words = {"".join(text.itertext()).strip() for group in nodes for text in group.iter(f"{SVG}text")}
    assert {"Ethernet.Make", "ethernet_make__12", "Unikernel.Main", "Netif"} <= words
    assert "struct end" not in words
    assert len(nodes) == 22
    assert {text.get("text-anchor") for group in nodes for text in group.iter(f"{SVG}text")} == {"middle"}


def test_no_two_boxes_of_a_picture_overlap(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    for target in ("unix", "qubes"):
        root = ET.fromstring(mpy("describe", "-t", target, "--format", "svg", code=0).stdout)
        boxes = [
            [float(group.find(f"{SVG}rect").get(what)) for what in ("x", "y", "width", "height")]  # type: ignore[union-attr, arg-type]
            for group in root.iter(f"{SVG}g")
            if str(group.get("class")).startswith("node ")
        ]
        for number, (x, y, width, height) in enumerate(boxes):
            for x2, y2, width2, height2 in boxes[:number]:
                assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y


def test_page_stands_alone_and_shows_the_targets_side_by_side(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    page = mpy("describe", "-t", "hvt", "-t", "unix", "--format", "html", code=0).stdout
    assert page.count("<figure") == 2
    assert not re.search(r"""(?:src|href)=["']|@import|url\((?!#)""", page)
    for name, hvt, unix in (("mirage-net-solo5", "1", "&ndash;"), ("net tap0", "&ndash;", "1")):
        assert f"<td><code>{name}</code></td><td>{hvt}</td><td>{unix}</td>" in page
    assert len(re.findall(r'<g class="node \w+ alone"', page)) == 2, "the interface is another one on each"


def test_page_of_equal_targets_says_so(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    assert "None: all have the same" in mpy("describe", "-t", "hvt", "-t", "spt", "--format", "html", code=0).stdout


def test_a_column_is_no_wider_than_what_stands_in_it(project: MakeProject, mpy: Mpy) -> None:
    """A network is looked at as a whole: half of the picture must not be empty."""
    project({"config.py": NETWORK})
    root = ET.fromstring(mpy("describe", "-t", "hvt", "--format", "svg", code=0).stdout)
    assert float(root.get("width", "0")) < 1000


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CLICK = """<script>
const node = document.querySelector('[data-device="ethernet_make__12"]');
node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
</script>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to click in")
def test_click_on_a_device_tells_what_it_is(project: MakeProject, mpy: Mpy, tmp_path: Path) -> None:
    project({"config.py": NETWORK})
    page = mpy("describe", "-t", "hvt", "--format", "html", code=0).stdout
    (tmp_path / "page.html").write_text(page.replace("</body>", f"{CLICK}</body>"), encoding="utf-8")
    argv = (
        *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"),
        (tmp_path / "page.html").as_uri(),
    )
    dom = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    panel = dom[dom.index('<section id="device">') : dom.index("</section>")]
    assert "<h2>Ethernet.Make</h2>" in panel
    assert "netif__11" in panel
    assert "Ethernet_make__12.connect _netif__11" in panel
    assert 'class="node functor chosen"' in dom


@needs_dot
def test_dot_is_what_graphviz_reads(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": NETWORK})
    dot = mpy("describe", "-t", "unix", "--format", "dot", code=0).stdout
    plain = subprocess.run(("dot", "-Tplain"), input=dot, capture_output=True, text=True, check=True)
    assert plain.stderr == ""
    assert len(re.findall("^node ", plain.stdout, re.MULTILINE)) == dot.count("[label=<<b>")


def test_more_devices_than_a_picture_takes_are_refused(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": DEEP})
    done = mpy("describe", "--format", "svg", code=2)
    assert "a picture takes 2000" in done.stderr


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
    assert max(map(len, text.splitlines())) < 160


@pytest.mark.slow
def test_ten_thousand_devices_in_a_chain_are_configured_and_asked_about(deep: Path, mpy: Mpy) -> None:
    mpy("configure", "-t", "unix", code=0, cwd=deep)
    assert mpy("query", "graph", code=0, cwd=deep).stdout.count("On.Make") == DEPTH
    assert "digraph" in mpy("describe", "--format", "dot", code=0, cwd=deep).stdout


def test_a_library_of_the_project_itself_is_told_of_as_such(project: MakeProject, mpy: Mpy) -> None:
    asks = 'from mirage_py import *\nregister("x", [main("Unikernel", job, packages=[package("own")])])\n'
    folder = project({"config.py": asks, "dune-project": "(lang dune 2.9)\n", "own.opam": ""})
    (folder / "lib").mkdir()
    (folder / "lib" / "dune").write_text("(library (public_name own))\n")
    told = mpy("describe", "-t", "unix", code=0).stdout
    assert re.search(r"^  own +in this tree", told, re.MULTILINE)
