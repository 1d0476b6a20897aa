"""The options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from mirage_py.cli.command import option
from mirage_py.dsl.key import TARGETS
from mirage_py.errors import UsageError, suggestion

if TYPE_CHECKING:
    from mirage_py.model.toolchain import ToolchainChoice

CONFIG: Final = Path("config.py")
"""The default of a parameter that is the configuration: the one here or, when there is none, the nearest above."""

File = Annotated[Path, option("-f", "--file", metavar="FILE", help="the configuration; default: config.py or .ml")]
Targets = Annotated[
    list[str] | None,
    option("-t", "--target", metavar="TARGET", words=TARGETS, help="a target; may be given several times"),
]
Unikernels = Annotated[
    list[str] | None,
    option("-u", "--unikernel", metavar="NAME", help="one of several unikernels; may be given several times"),
]
Output = Annotated[str | None, option("-o", "--output", metavar="NAME", help="name of the image")]
Json = Annotated[bool, option("--json", help="answer in JSON, one object a line")]

Mirrors = Annotated[
    list[str] | None,
    option(
        "--mirror",
        metavar="DIR_OR_URL",
        help="where archives lie by checksum, as in opam's cache; asked first; may be given several times",
    ),
]
Offline = Annotated[bool, option("--offline", help="open no connection")]

ToolchainFile = Annotated[
    Path | None, option("--toolchain", metavar="FILE", help="a TOML file that describes the toolchain")
]
Switch = Annotated[str | None, option("--switch", metavar="NAME", help="the opam switch to build with")]
Prefixes = Annotated[
    list[Path] | None,
    option("--solo5-prefix", metavar="DIR", help="where Solo5 is installed; may be given several times"),
]
LinkWay = Literal["cross", "pkg-config"]
Link = Annotated[LinkWay | None, option("--link", help="which generation of toolchains links a freestanding image")]


def stated(toolchain: Path | None, switch: str | None, prefixes: list[Path] | None) -> ToolchainChoice | None:
    """What the command line alone says about the toolchain; None when it says nothing."""
    if toolchain is None and switch is None and not prefixes:
        return None
    from mirage_py.model.toolchain import ToolchainChoice

    return ToolchainChoice(description=toolchain, switch=switch, prefixes=tuple(prefixes or ()))


def choice(
    toolchain: Path | None, switch: str | None, prefixes: list[Path] | None, link: LinkWay | None
) -> ToolchainChoice:
    """What the command line and then the environment say about the toolchain."""
    from mirage_py.dataclass import replace
    from mirage_py.model.toolchain import ToolchainChoice
    from mirage_py.toolchain.discover import from_environment

    return from_environment(replace(stated(toolchain, switch, prefixes) or ToolchainChoice(), link=link))


def checked_targets(targets: list[str] | None) -> tuple[str, ...]:
    """The targets, each once; a usage error for one that does not exist."""
    for target in targets or ():
        if target not in TARGETS:
            raise UsageError(
                f"no target {target!r}", hint=suggestion(target, TARGETS) or f"there is {', '.join(TARGETS)}"
            )
    return tuple(dict.fromkeys(targets or ()))
