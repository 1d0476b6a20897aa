"""What the package says of itself where it is published: the README with links that work there, and where it lives.

Links to files of this repository mean nothing on an index of packages. `MPY_PROJECT_URL` names the page of the project
when it is built to be published: they lead there then, and "Project-URL" tells of it. Without it they become names.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)([^)]+)\)")
HOME = "MPY_PROJECT_URL"


class Metadata(MetadataHookInterface):
    """Fills in `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:  # any: what pyproject.toml may hold
        """As hatchling asks for it."""
        home = os.environ.get(HOME, "").rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": published(text, home)}
        metadata["urls"] = urls(home)


def published(readme: str, home: str) -> str:
    """The README with absolute links below `home`, or with names instead of links where there is none."""
    return LINK.sub(rf"[\1]({home}/blob/HEAD/\2)" if home else r"\1 (`\2`)", readme)


def urls(home: str) -> dict[str, str]:
    """The pages to name beside the package."""
    ours = {
        "Homepage": home,
        "Documentation": f"{home}/blob/HEAD/docs/index.md",
        "Changelog": f"{home}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }
    return (ours if home else {}) | {"MirageOS": "https://mirage.io"}
