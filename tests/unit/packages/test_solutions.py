"""What opam itself answered for requests of the catalogue, on the public repository and the overlays.

A request has a solution here where it has one there, and none where it has none; the versions are the same, or the
difference is one that the criteria explain: nothing that was asked for is older in sum, nor is all else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from mirage_py.model.version import version_key
from mirage_py.packages.candidates import Candidates, Given, environment
from mirage_py.packages.formula import conjuncts, formula
from mirage_py.packages.requests import Asked
from mirage_py.packages.snapshot import Snapshot, from_archive, store
from mirage_py.packages.solve import Failed, Solution, solve
from mirage_py.packages.syntax import parse

ROOT: Final = Path(__file__).parents[3]
DATA: Final = ROOT.parent / "shared" / "opam"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the repository's metadata and opam's answers are not here"),
]

OCAML: Final = {
    "debian12": "4.13.1",
    "ocaml4131": "4.13.1",
    "ocaml4142": "4.14.2",
    "ocaml530": "5.3.0",
    "ocaml541": "5.4.1",
}
SWITCH: Final = ("ocaml-solo5", "solo5")
WITH_COMPILER: Final = ("dune", "ocaml")


@cache
def answers() -> dict[str, Any]:
    return dict(json.loads((DATA / "solutions.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Snapshot, ...]]:
    folder = tmp_path_factory.mktemp("repositories")
    made = {name: store(from_archive(next(DATA.glob(f"opam-{name}-*"))), folder) for name in ("repository", "overlays")}
    return {"plain": (made["repository"],), "vendor": (made["repository"], made["overlays"])}


def request(answer: dict[str, Any]) -> list[Asked]:
    text = "depends: [\n" + "\n".join(answers()["requests"][answer["request"]]) + "\n]"
    wanted = conjuncts(formula(parse(text, "request").fields["depends"], environment()))
    left_out = SWITCH if answer["universe"] == "vendor" else ()
    return [Asked(name=one.name, bound=one.bound) for one in wanted if one.name not in left_out]  # type: ignore[union-attr]


def dune_of(answer: dict[str, Any], repositories: tuple[Snapshot, ...]) -> str:
    """Hosts other than Debian 12's left dune open: the newest."""
    return "2.9.3" if answer["host"] == "debian12" else max(repositories[0].versions("dune"), key=version_key)


def sampled(host: str) -> list[dict[str, Any]]:
    """Some of the answers, all of them where MPY_TEST_ALL is set: they take minutes."""
    found = [one for one in answers()["answers"] if one["host"] == host]
    return found if os.environ.get("MPY_TEST_ALL") else found[::6]


def solved(answer: dict[str, Any], repositories: tuple[Snapshot, ...]) -> tuple[Candidates, Solution | Failed]:
    given = Given(ocaml=OCAML[answer["host"]], dune=dune_of(answer, repositories))
    candidates = Candidates(
        repositories=repositories, given=given, environment=environment(), vendored=answer["universe"] == "vendor"
    )
    return candidates, solve(request(answer), candidates)


def lag(candidates: Candidates, versions: Iterator[tuple[str, str]]) -> int:
    """How many newer versions there are, in sum."""
    return sum([one for one, _ in candidates.versions(name)].index(version) for name, version in versions)


@pytest.mark.parametrize("host", OCAML)
def test_solution_is_found_where_opam_finds_one(host: str, repositories: dict[str, tuple[Snapshot, ...]]) -> None:
    for answer in sampled(host):
        what = f"{answer['request']} ({answer['universe']})"
        candidates, found = solved(answer, repositories[answer["universe"]])
        assert isinstance(found, Solution) == bool(answer["packages"]), what
        if isinstance(found, Solution):
            check_versions(what, answer["packages"], found, candidates)


def check_versions(what: str, theirs: dict[str, str], found: Solution, candidates: Candidates) -> None:
    compared = {name: one.version for name, one in found.chosen.items() if one.served != "given" and name in theirs}
    asked = {one.name for one in found.asked} & {*compared}
    assert lag(candidates, ((n, compared[n]) for n in asked)) <= lag(candidates, ((n, theirs[n]) for n in asked)), what
    all_theirs = lag(candidates, ((name, theirs[name]) for name in compared))
    differing = {name for name, version in compared.items() if theirs[name] != version}
    assert lag(candidates, iter(compared.items())) <= all_theirs or differing & asked, (what, differing)
    extra = {name for name, one in found.chosen.items() if one.served != "given" and name not in theirs}
    assert len(extra) <= len({*theirs} - {*found.chosen}) or differing, (what, extra)


@pytest.mark.parametrize("name", ["tls-mirage", "git-mirage", "dns-client-mirage"])
def test_freestanding_image_has_the_port_of_gmp_and_not_the_c_library_of_the_host(
    name: str, repositories: dict[str, tuple[Snapshot, ...]]
) -> None:
    candidates = Candidates(
        repositories=repositories["vendor"],
        given=Given(ocaml="5.3.0", dune="3.20.2", tools={"ocaml-solo5": "1.1.0", "solo5": "0.12.1"}),
        environment=environment(),
        freestanding=frozenset((name,)),
    )
    found = solve([Asked(name=name)], candidates)
    assert isinstance(found, Solution)
    assert "mirage" in found.chosen["zarith"].version
    assert found.chosen["gmp"].served == "vendored"
