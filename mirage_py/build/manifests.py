"""The devices that images declare to their tender: read back from what was linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mirage_py.build.ending import Ending
from mirage_py.doors.processes import Result, failure, run_together
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command

__all__ = ["check_manifests", "devices"]


def devices(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Type and name of each device that a manifest declares."""
    return tuple(f"{device['type']} {device['name']}" for device in manifest["devices"])


def check_manifests(endings: Sequence[Ending]) -> None:
    """Read back what images want of their tender; ToolFailed where that is not what was configured."""
    asked = [(one, _question(one, one.elftool)) for one in endings if one.elftool]
    for (one, _), answer in zip(asked, run_together([command for _, command in asked]), strict=True):
        _check(one, answer)


def _question(ending: Ending, elftool: Path) -> Command:
    argv = (str(elftool), "query-manifest", str(ending.linked))
    return Command(argv=argv, purpose=f"read the devices of {ending.image}")


def _check(ending: Ending, answer: Result) -> None:
    import json

    if not answer.ok:
        raise failure(answer)
    found, wanted = devices(json.loads(answer.stdout)), ending.devices
    if found != wanted:
        raise ToolFailed(
            f"{ending.image} declares other devices than were configured",
            details=(f"configured: {', '.join(wanted) or 'none'}", f"in the image: {', '.join(found) or 'none'}"),
            hint="mpy clean, and build again; if it stays, this solo5-elftool does not fit its Solo5",
        )
