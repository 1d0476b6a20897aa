"""One list of libraries: what is configured, audited, described and built is what the linker's map tells of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from mirage_py.build.linkmap import linked_objects
from mirage_py.model.closure import Served
from mirage_py.model.library import Library
from mirage_py.workflow.closures import closures_or_none
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolution
from tests.conftest import MakeProject, Mpy
from tests.sources import lay_sources

pytestmark = [pytest.mark.slow, pytest.mark.ocaml, pytest.mark.solo5]

NETWORK = {
    "config.py": """from mirage_py import default_network, generic_stackv4v6, job, main, register, stackv4v6

register("echo", [main("Unikernel.Main", stackv4v6 >> job)(generic_stackv4v6(default_network))])
""",
    "unikernel.ml": """module Main (S : Tcpip.Stack.V4V6) = struct
  let start s =
    S.TCP.listen (S.tcp s) ~port:8080 (fun flow -> S.TCP.close flow);
    S.listen s
end
""",
}

OF_COMPILER = ("stdlib.a", "unix.a")


def listed(mpy: Mpy, target: str) -> dict[str, set[str]]:
    """The libraries of the image by who tells of them."""
    audit = json.loads(mpy("audit", "-t", target, "--json").stdout)
    describe = json.loads(mpy("describe", "-t", target, "--json", code=0).stdout)
    return {
        "query": set(mpy("query", "libraries", "-t", target, code=0).stdout.split()),
        "describe": set(describe["served"]),
        "audit": {one["library"] for one in audit["libraries"]},
    }


def linked(folder: Path, name: str) -> set[str]:
    """The libraries whose OCaml archives the linker's map of an image tells of, a path where none has it."""
    request = Request(file=folder / "config.py", targets=("spt",))
    image = closures_or_none(request, resolution(request))[name].image
    newest = max((folder / f"mirage/.stubs/maps/{name}").glob("*.map"), key=lambda file: file.stat().st_mtime)
    objects = linked_objects(newest.read_text("utf-8", "surrogateescape"), folder)
    files = {one.file for one in objects if one.file.suffix == ".a" and not one.file.name.startswith("lib")}
    return {_library_of(file, folder, image) for file in files if file.name not in OF_COMPILER}


def _library_of(file: Path, folder: Path, image: Iterable[Served]) -> str:
    installed = next((one.library.name for one in image if file.with_suffix(".cmxa") in one.library.archives), "")
    if installed:
        return installed
    inside = str(file.parent.relative_to(folder)).removeprefix("mirage/machine/")
    built = [one.library for one in image if one.library.compiled_here]
    places = {one.name: _place(one, folder) for one in built}
    here = [name for name, place in places.items() if f"{inside}/".startswith(f"{place}/")]
    stem = re.sub(r"[._]", "-", file.stem)
    return max(here, key=lambda name: SequenceMatcher(None, name.replace(".", "-"), stem).ratio(), default=str(file))


def _place(library: Library, folder: Path) -> str:
    """The folder that dune compiles it in: of its sources, or of its package's copy of what comes with mpy."""
    bundled = library.origin == "bundled"
    return f"runtime/{library.package}" if bundled else str(library.directory.relative_to(folder))


def check(mpy: Mpy, folder: Path, name: str) -> None:
    """All lists of the spt image are one, and it holds what was linked."""
    mpy("build", "-t", "spt", code=0)
    lists = listed(mpy, "spt")
    assert len({frozenset(one) for one in lists.values()}) == 1, lists
    assert f"libraries of {name}  {len(lists['query'])} are here" in mpy("doctor", "-t", "spt", code=0).stdout
    found = linked(folder, name)
    assert found <= lists["query"]
    assert len(found) > len(lists["query"]) // 2, "most of what is listed is linked"


def test_hello_has_one_list(project: MakeProject, mpy: Mpy) -> None:
    check(mpy, project("hello"), "hello-spt")


def test_network_unikernel_has_one_list(project: MakeProject, mpy: Mpy) -> None:
    folder = project(NETWORK)
    lay_sources(folder, "devices", mpy)
    check(mpy, folder, "echo-spt")
