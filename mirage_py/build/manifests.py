"""The devices that images declare to their tender: read back from what was linked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mirage_py.build.ending import Ending
from mirage_py.doors.processes import Result, failure
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command

__all__ = ["check", "devices", "question"]


def devices(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Type and name of each device that a manifest declares."""
    return tuple(f"{device['type']} {device['name']}" for device in manifest["devices"])


def question(ending: Ending) -> tuple[Command, ...]:
    """The command that reads back what an image wants of its tender; none for one without a tender."""
    if ending.elftool is None:
        return ()
    argv = (str(ending.elftool), "query-manifest", str(ending.linked))
    return (Command(argv=argv, purpose=f"read the devices of {ending.image}"),)


def check(ending: Ending, answers: tuple[Result, ...]) -> None:
    """ToolFailed where what the command answers is not what was configured."""
    for answer in answers:
        _check(ending, answer)


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
