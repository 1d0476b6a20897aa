"""Whole sessions, command by command, as golden output at 80 columns: without colour, and on a terminal."""

from __future__ import annotations

import pytest

from tests.cli.terminal import transcript
from tests.conftest import Golden, MakeProject

pytestmark = pytest.mark.slow

HELLO = """\
from mirage_py import job, main, package, register

register("hello", [main("Unikernel", job, packages=[package("duration")])])
"""
NETWORK = """\
from mirage_py import default_network, generic_stackv4v6, job, main, register, runtime_arg, stackv4v6

hello = runtime_arg("Unikernel.hello", option="hello")
unikernel = main("Unikernel.Main", stackv4v6 >> job, runtime_args=[hello])

register("network", [unikernel(generic_stackv4v6(default_network))])
"""
KEYS = """\
from mirage_py import if_impl, job, key, main, match_impl, register

kind = key.enum("kind", ["fast", "small"], default="fast", doc="what matters more than all else to whoever builds it")
level = key.integer("level", default=4, doc="how much of it")
place = key.string("place", docv="CITY", doc="where it runs")
tags = key.strings("tag", doc="words to find it by")
safe = key.flag("safe", doc="check everything twice")
fast, small = main("Fast", job), main("Small", job)
chosen = match_impl(kind, {"small": small}, default=fast)

register("keys", [if_impl(safe & level.is_(5) & place.is_("here") & tags.is_(()), small, chosen)])
"""
TWO = """\
from mirage_py import job, main, register

register("one", [main("One", job)])
register("two", [main("Two", job)])
"""
STORE = """\
from mirage_py import generic_block, generic_kv_ro, block, job, kv_ro, main, register

unikernel = main("Unikernel.Main", kv_ro >> (block >> job))

register("store", [unikernel(generic_kv_ro("htdocs"), generic_block("storage"))])
"""
WRONG = """\
from mirage_py import block, default_network, generic_kv_ro, http, job, kv_ro, main, ramdisk, register

dispatch = main("Dispatch.HTTPS", kv_ro >> (kv_ro >> (http >> job)))

register("https", [dispatch(generic_kv_ro("htdocs"), ramdisk("disk"), default_network)])
"""

SESSIONS: dict[str, tuple[str, list[str]]] = {
    "help": ("", ["mpy", "mpy toolchain --help", "mpy configure --help", "mpy audit --help"]),
    "help-with-keys": (KEYS, ["mpy configure --help", "mpy query -h"]),
    "help-of-broken": ("from mirage_py import job\nregister(", ["mpy configure --help"]),
    "first-steps": (
        HELLO,
        [
            "mpy configure",
            "mpy configure",
            "mpy configure -t hvt --dry-run",
            "mpy configure -t hvt -t xen",
            "mpy query files",
            "mpy clean",
            "mpy clean",
        ],
    ),
    "choices": (
        KEYS,
        [
            "mpy configure --kind small --safe --tag a --tag=b",
            "mpy query keys",
            "MPY_KEY_LEVEL=7 mpy configure --safe=false",
            "mpy query keys",
            "mpy describe --place there",
            "mpy configure --reset",
            "mpy query keys",
        ],
    ),
    "query": (
        NETWORK,
        [
            f"mpy query {kind} -t hvt"
            for kind in ("name", "packages", "libraries", "runtime-args", "graph", "plan", "files")
        ],
    ),
    "query-json": (
        HELLO,
        ["mpy query name --json", "mpy query libraries --json -t hvt", "mpy query files -t unix -t xen --json"],
    ),
    "several": (
        TWO,
        ["mpy configure -t unix", "mpy query name", "mpy query packages -u two -t unix -t hvt", "mpy query files"],
    ),
    "global-options": (
        HELLO,
        [
            "mpy -q configure",
            "mpy configure -q -t spt",
            "mpy -v configure -t hvt",
            "mpy configure -v -t xen",
            "mpy --log-format json configure -t muen",
            "mpy configure --log-format=json -t virtio",
            "mpy configure --log-format json -t nothing",
            "mpy configure --nothing --log-format json",
            "mpy --color always configure -t nothing",
        ],
    ),
    "describe": (NETWORK, ["mpy describe -t hvt", "mpy describe -t unix --net host"]),
    "describe-dot": (STORE, ["mpy describe -t hvt --format dot"]),
    "describe-mermaid": (STORE, ["mpy describe -t hvt --format mermaid"]),
    "init": ("", ["mpy init .", "mpy init .", "mpy init sub/dir --template device", "mpy init x --template nothing"]),
    "usage": (
        HELLO,
        [
            "mpy --version",
            "mpy confgure",
            "mpy --nothing",
            "mpy configure --reset=yes",
            "mpy configure -o",
            "mpy query",
            "mpy query nme",
            "mpy build -j 0",
            "mpy build -j many",
            "mpy configure -f other.py",
            "mpy describe --format png",
            "mpy toolchain",
            "mpy toolchain shw",
            "mpy completion tcsh",
        ],
    ),
}

ON_TERMINAL: dict[str, tuple[str, list[str]]] = {
    "configure": (KEYS, ["mpy configure --kind small", "mpy configure"]),
    "describe": (NETWORK, ["mpy configure -t hvt --no-dhcp", "mpy describe"]),
    "refused": (NETWORK, ["mpy configure -t hvt --net host", "NO_COLOR=1 mpy configure -t hvt --net host"]),
    "wrong-application": (WRONG, ["mpy configure", "mpy configure --color never"]),
    "usage": (HELLO, ["mpy configure --dry-rum"]),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_session(name: str, project: MakeProject, golden: Golden) -> None:
    config, lines = SESSIONS[name]
    folder = project({"config.py": config} if config else {})
    golden.text(transcript(lines, folder), f"golden/cli/{name}.txt")


@pytest.mark.parametrize("name", ON_TERMINAL)
def test_session_on_a_terminal(name: str, project: MakeProject, golden: Golden) -> None:
    config, lines = ON_TERMINAL[name]
    golden.text(transcript(lines, project({"config.py": config}), terminal=True), f"golden/cli/terminal/{name}.txt")
