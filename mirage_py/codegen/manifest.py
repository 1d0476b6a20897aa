"""The Solo5 device manifest: what the tender must connect before the image boots."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

NET, BLOCK = "NET_BASIC", "BLOCK_BASIC"


def manifest(nets: Iterable[str], blocks: Iterable[str]) -> dict[str, Any]:
    """The manifest as data: interfaces first, then disks, in the order of connection."""
    devices = [{"name": name, "type": NET} for name in nets] + [{"name": name, "type": BLOCK} for name in blocks]
    return {"type": "solo5.manifest", "version": 1, "devices": devices}


def manifest_json(content: dict[str, Any]) -> str:
    """The text of manifest.json; JSON has no comments, so it carries no stamp."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
