"""What an image says of itself, held against what it is about to be run as."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import run
from mirage_py.errors import Location, MpyError, ToolFailed, UnsupportedTarget
from mirage_py.model.command import Command
from mirage_py.runner.request import RunRequest, shown

__all__ = ["Image", "check_image", "check_there", "read_image"]

KINDS: Final = {"NET_BASIC": "network interface", "BLOCK_BASIC": "disk"}


@dataclass(frozen=True, kw_only=True)
class Image:
    """The notes of an image: the tender it was linked for, and the devices it declares, each a kind and a name."""

    abi: str
    devices: tuple[tuple[str, str], ...] = ()


def check_there(request: RunRequest) -> None:
    """Refuse to run what was not built."""
    if not request.image.is_file():
        raise MpyError(
            "the image is not there: it was not built, or was removed",
            location=Location(request.place),
            hint=f"mpy build -t {request.plan.target}",
        )
    if request.plan.abi is None and not os.access(request.image, os.X_OK):
        raise MpyError(
            "the image may not be executed", location=Location(request.place), hint=f"chmod +x {request.place}"
        )


def check_image(request: RunRequest, elftool: Path) -> None:
    """Refuse an image that was linked for another tender, or for devices other than those configured now."""
    image = read_image(request.image, elftool, rebuild=f"mpy build -t {request.plan.target}")
    if image.abi != request.plan.abi:
        raise UnsupportedTarget(
            f"the image is linked for {image.abi}, and cannot run as {request.plan.target}",
            location=Location(request.place),
            details=("its ABI note says so, which a tender goes by, not the name of the file",),
            hint=f"mpy build -t {request.plan.target}",
        )
    configured = _devices((request.plan.manifest or {}).get("devices", ()))
    if image.devices != configured:
        raise MpyError(
            "the image was built for other devices than are configured now",
            location=Location(request.place),
            details=(f"in the image: {_listed(image.devices)}", f"configured: {_listed(configured)}"),
            hint=f"mpy build -t {request.plan.target}",
        )


def read_image(path: Path, elftool: Path, *, rebuild: str = "build it again") -> Image:
    """The notes of an image; `MpyError` for a file that has none."""
    abi = _query("abi", path, elftool, rebuild)
    manifest = _query("manifest", path, elftool, rebuild)
    return Image(abi=str(abi.get("target")), devices=_devices(manifest.get("devices", ())))


def _query(what: Literal["abi", "manifest"], path: Path, elftool: Path, rebuild: str) -> dict[str, Any]:
    """One note, in elftool's JSON: Any, as it comes from outside."""
    command = Command(argv=(str(elftool), f"query-{what}", str(path)), purpose=f"read the {what} of {shown(path)}")
    result = run(command, check=False)
    try:
        answer = json.loads(result.stdout) if result.ok else None
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    raise ToolFailed(
        f"the image has no {what} that Solo5 could read",
        location=Location(shown(path)),
        details=("it is cut short, or no Solo5 image at all",),
        hint=rebuild,
        output=result.output,
    )


def _devices(entries: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    """Kind and name of each entry of a manifest. Any: JSON."""
    return tuple((KINDS.get(entry["type"], entry["type"]), entry["name"]) for entry in entries)


def _listed(devices: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{kind} {name}" for kind, name in devices) or "none"
