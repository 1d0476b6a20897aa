"""Constructors and tags as the words that mpy has for them."""

from __future__ import annotations

import re

_WORDS = {
    "MacOSX": "macosx",
    "Firecracker": "unikraft-firecracker",
    "QEMU": "unikraft-qemu",
    "Qemu": "unikraft-qemu",
    "XenstoreId": "xenstore",
    "BlockFile": "file",
    "OCaml": "ocaml",
    "Socket": "host",
    "Host": "host",
}
"""Tags of the OCaml tool whose words here are not their own in lower case."""


def word_of(name: str, *, tag: bool) -> str:
    """The word for a tag of the OCaml tool's, or for a constructor of the file's own."""
    if tag and name in _WORDS:
        return _WORDS[name]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower().replace("_", "-")
