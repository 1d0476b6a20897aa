"""How Sphinx builds the documentation: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from mirage_py import __version__

project = "mpy"
author = "the mpy developers"
project_copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser", "mpy_reference"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "smartquotes"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"mpy {version}"
html_static_path = ["_static"]
html_css_files = ["mpy.css"]
html_copy_source = False
html_show_sphinx = False
