"""Which configuration a folder has where none is named."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT = "config.py"
OCAML = "config.ml"


def default_file() -> Path:
    """The configuration of the current folder: config.py, or a config.ml that has none beside it."""
    return Path(OCAML if not os.path.lexists(DEFAULT) and os.path.isfile(OCAML) else DEFAULT)
