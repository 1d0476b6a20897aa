"""What a toolchain adds to an audit: certainty, of every library that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from mirage_py.errors import MpyError
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.audit import AuditReport
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment
from mirage_py.workflow import audit as workflow

pytestmark = [pytest.mark.slow, pytest.mark.ocaml, pytest.mark.solo5]

TARGETS: Final = ("spt", "xen", "unikraft-qemu", "unix")


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    try:
        return discover("spt", from_environment(ToolchainChoice()))
    except MpyError as error:
        pytest.skip(f"no Solo5 toolchain: {error}")


@pytest.fixture(scope="module")
def names(toolchain: Toolchain) -> tuple[str, ...]:
    """The installed libraries, without packages of which the toolchain has a version of its own."""
    own = {folder.name for place in toolchain.libraries if place.is_dir() for folder in place.iterdir()}
    return tuple(name for name in Findlib.discover().names() if name.partition(".")[0] not in own)


def verdicts(report: AuditReport) -> dict[tuple[str, str], str]:
    return {(row.library, row.target): row.verdict for row in report.libraries if row.root}


def test_a_verdict_is_never_worse_with_a_toolchain(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = verdicts(workflow.audit_libraries(tmp_path, names, TARGETS))
    monkeypatch.setattr(workflow, "toolchain_or_none", lambda _: None)
    guessed = verdicts(workflow.audit_libraries(tmp_path, names, TARGETS))
    assert len(guessed) >= len(names)
    both = {place: (known.get(place, "not here"), verdict) for place, verdict in guessed.items()}
    other = {place: pair for place, pair in both.items() if pair[0] != pair[1]}
    assert not {place: pair for place, pair in other.items() if pair[0] in ("unsure", "not here")}
    assert not {place: pair for place, pair in other.items() if pair[1] == "unix"}, "objects told that all along"
    assert not {place: pair for place, pair in other.items() if not has_own(place[1])}, "the host's compiler is none"


def has_own(target: str) -> bool:
    """Whether this machine has a toolchain of the target's own, and not only the host's compiler."""
    try:
        return discover(target, from_environment(ToolchainChoice())).freestanding
    except MpyError:
        return False
