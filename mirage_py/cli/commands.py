"""Which commands there are, in the order in which somebody meets them."""

from __future__ import annotations

from typing import Final

COMMANDS: Final = {
    "init": "Begin a unikernel: write config.py and its sources.",
    "configure": "Choose targets and keys; generate the build files.",
    "lock": "Choose a version of every package; write mpy.lock.",
    "why": "Tell who asked for a locked package, with which bounds.",
    "repo": "Tell which repositories versions are chosen from.",
    "pull": "Lay the sources that mpy.lock names into mirage/duniverse.",
    "build": "Build the images, into dist/.",
    "run": "Run an image that was built.",
    "verify": "Build again elsewhere; tell whether the images are the same.",
    "describe": "Tell what a unikernel is made of, and who chose it so.",
    "query": "Tell one thing about the configuration.",
    "devices": "Tell which devices there are, and what each is made of.",
    "audit": "Tell whether libraries will run on a target, and why not.",
    "doctor": "Look at this machine's tools; tell how to mend them.",
    "toolchain": "Tell what compiles and links for a target.",
    "dev": "Put a checkout of yours in the place of a vendored package.",
    "bundle": "Put all that a build needs into one archive.",
    "convert": "Turn an OCaml config.ml into a config.py.",
    "clean": "Remove what mpy generated and built, nothing else.",
    "completion": "Print the script for your shell's completion.",
}
"""Each command with the first line of its help, so that the list of commands imports none of them."""
