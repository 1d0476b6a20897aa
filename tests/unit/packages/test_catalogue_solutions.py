"""Every device of the catalogue can be had on some host: its packages, with those of a unikernel, have a solution.

The metadata is the public repository's and the ports' to dune; the hosts have Debian 13's compiler, or OCaml 4.14.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import pytest

import mirage_py as language
from mirage_py.dsl.config import Config
from mirage_py.errors import UnsupportedDevice, UnsupportedTarget
from mirage_py.packages.candidates import Candidates, Given, environment
from mirage_py.packages.requests import wanted
from mirage_py.packages.snapshot import Snapshot, from_archive, store
from mirage_py.packages.solve import Failed, Solution, solve
from mirage_py.project.loader import load
from mirage_py.workflow.machine import BASE
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolve_all

DATA: Final = Path(__file__).parents[3].parent / "shared" / "opam"
TARGETS: Final = ("spt", "unix", "xen", "qubes")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.is_dir(), reason="the repository's metadata is not here")]

ALWAYS: Final = ("ccm_block", "git_http", "git_ssh", "git_tcp", "docteur", "chamelon")
"""Those that were in doubt; of the others a part, all of them where MPY_TEST_ALL is set."""

NOWHERE: Final = {"httpaf_server": "httpaf-mirage"}
"""Devices of packages that the public repository has in no version: a pin or a repository of one's own brings them."""

HOSTS: Final = ("5.3.0", "4.14.2")

GIVEN: Final = {
    "str": '"x"',
    "Impl[Block]": 'block_of_file("disk")',
    "Impl[Conduit]": "conduit_direct(generic_stackv4v6(default_network))",
    "Impl[Ethernet]": "ethif(default_network)",
    "Impl[Arpv4]": "arp(ethif(default_network))",
    "Impl[Network]": "default_network",
    "Impl[Stackv4v6]": "generic_stackv4v6(default_network)",
    "Impl[HappyEyeballs]": "generic_happy_eyeballs(generic_stackv4v6(default_network))",
    "Impl[Resolver]": "resolver_dns(generic_stackv4v6(default_network))",
    "Impl[KvRo]": 'crunch("t")',
    "Impl[Tcp[V4V6]]": "tcpv4v6_of_stackv4v6(generic_stackv4v6(default_network))",
    "Impl[Qubesdb]": "default_qubesdb",
    "RuntimeArg": 'runtime_arg("Unikernel.x")',
    "Impl[Argv]": "default_argv",
}
GIVEN_LAST: Final = {
    "Impl[DnsClient]": f"generic_dns_client({GIVEN['Impl[Stackv4v6]']}, {GIVEN['Impl[HappyEyeballs]']})",
    "Impl[Ip[V4]]": f"create_ipv4({GIVEN['Impl[Ethernet]']}, {GIVEN['Impl[Arpv4]']})",
    "Impl[Ip[V6]]": f"create_ipv6(default_network, {GIVEN['Impl[Ethernet]']})",
}
GIVEN_LAST["Impl[Ip[V]]"] = GIVEN_LAST["Impl[Ip[V4]]"]
GIVEN_LAST["Impl[Mimic]"] = (
    f"mimic_happy_eyeballs({GIVEN['Impl[Stackv4v6]']}, {GIVEN['Impl[HappyEyeballs]']}, {GIVEN_LAST['Impl[DnsClient]']})"
)
GIVEN_LAST["Impl[GitClient]"] = f"git_tcp({GIVEN['Impl[Tcp[V4V6]]']}, {GIVEN_LAST['Impl[Mimic]']})"


def devices() -> Iterator[tuple[str, str]]:
    """Each device of the catalogue, as a config.py writes it."""
    for name in sorted(language.__all__):
        thing: Any = getattr(language, name)
        if isinstance(thing, language.Impl) and not name.startswith("no_") and thing.type is not language.job:
            yield name, name
        elif isinstance(thing, FunctionType) and str(thing.__annotations__.get("return", "")).startswith("Impl["):
            yield name, call(name, thing)


def call(name: str, function: Any) -> str:
    real = function.__wrapped__
    code, annotations = real.__code__, real.__annotations__
    places = code.co_varnames[: code.co_argcount - len(real.__defaults__ or ())]
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    given = GIVEN | GIVEN_LAST
    words = [given[annotations[one]] for one in places]
    words += [f"{one}={given[annotations[one]]}" for one in named if one not in (real.__kwdefaults__ or {})]
    return f"{name}({', '.join(words)})"


SAMPLE: Final = [
    one for number, one in enumerate(devices()) if one[0] in ALWAYS or os.environ.get("MPY_TEST_ALL") or number % 8 == 0
]


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, ...]:
    folder = tmp_path_factory.mktemp("repositories")
    return tuple(store(from_archive(next(DATA.glob(f"opam-{name}-*"))), folder) for name in ("repository", "overlays"))


def solution(
    config: Config, folder: Path, target: str, repositories: tuple[Snapshot, ...], ocaml: str = "5.3.0"
) -> Solution | Failed:
    (one,) = resolve_all(Request(file=folder / "config.py", config=config, targets=(target,)))
    wish = wanted(one.plan.label, target, one.info.requirements)
    candidates = Candidates(
        repositories=repositories,
        given=Given(ocaml=ocaml, dune="3.17.2", tools={"ocaml-solo5": "1.1.0", "solo5": "0.10.0"} | BASE),
        environment=environment(),
        freestanding=frozenset(asked.name for asked in wish.asked) if wish.freestanding else frozenset(),
    )
    return solve(wish.asked, candidates)


@pytest.mark.parametrize(("name", "expression"), [pytest.param(*one, id=one[0]) for one in SAMPLE])
def test_device_can_be_had_on_some_host(
    name: str, expression: str, tmp_path: Path, repositories: tuple[Snapshot, ...]
) -> None:
    without = ", random=no_random" if name == "ccm_block" else ""  # its releases are written for mirage-crypto 0.11
    (tmp_path / "config.py").write_text(
        "from mirage_py import *\n"
        f"device = {expression}\n"
        f'register("x", [main("Unikernel", job, deps=[device])]{without})\n'
    )
    (tmp_path / "unikernel.ml").write_text("let x = 1\nlet start _ = Lwt.return_unit\n")
    (tmp_path / "t").mkdir()
    config = load(tmp_path / "config.py")
    told = []
    for target, ocaml in product(TARGETS, HOSTS):
        try:
            found = solution(config, tmp_path, target, repositories, ocaml)
        except (UnsupportedDevice, UnsupportedTarget) as refused:
            told.append(f"{target}: {refused}")
            continue
        if isinstance(found, Solution):
            assert name not in NOWHERE
            return
        told.append(f"{target}, OCaml {ocaml}: {', '.join(one.name for one in found.core)}")
    assert name in NOWHERE, f"{expression}\n" + "\n".join(told)
    assert not any(one.versions(NOWHERE[name]) for one in repositories)


def test_encrypted_blocks_and_the_default_randomness_are_of_two_generations(
    tmp_path: Path, repositories: tuple[Snapshot, ...]
) -> None:
    """A release of mirage-block-ccm that follows mirage-crypto would make the word in its documentation wrong."""
    (tmp_path / "config.py").write_text(
        "from mirage_py import *\n"
        'device = ccm_block(runtime_arg("Unikernel.x"), block_of_file("disk"))\n'
        'register("x", [main("Unikernel", job, deps=[device])])\n'
    )
    found = solution(load(tmp_path / "config.py"), tmp_path, "spt", repositories)
    assert isinstance(found, Failed)
    assert {one.name for one in found.core} == {"mirage-block-ccm", "mirage-crypto-rng-mirage"}
