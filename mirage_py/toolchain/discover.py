"""Which toolchain builds for a target on this machine.

The sources, in this order: a description that the user names; an opam switch; a findlib toolchain `solo5`; pkg-config.
Where both generations are, the cross compiler goes first, unless `--link pkg-config` says otherwise. What was named
on the command line goes before what the environment happens to offer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from mirage_py.dataclass import dataclass, replace
from mirage_py.errors import MpyError, ToolNotFound, ToolTooOld, UnsupportedTarget, UsageError
from mirage_py.model.toolchain import ABIS, HostToolchain, Link, Toolchain, ToolchainChoice
from mirage_py.toolchain.cross import Place, cross_toolchain, is_cross_prefix, places
from mirage_py.toolchain.description import read_description
from mirage_py.toolchain.freestanding import freestanding_toolchain, is_described_prefix, linked_by_hand, pkg_config_of
from mirage_py.toolchain.host import as_target, discover_host, switch_prefix
from mirage_py.toolchain.install import private_prefix

__all__ = [
    "Toolchains",
    "discover",
    "discover_host",
    "from_environment",
    "refuse_misnamed",
    "refuse_unlinkable",
    "toolchains_for",
]

PREFIX: Final = "it is the folder that holds bin/ and lib/ of Solo5, as given to its `make install`"


def discover(target: str, choice: ToolchainChoice, host: HostToolchain | None = None) -> Toolchain:
    """The toolchain for a target. ToolNotFound, ToolTooOld or UsageError say what is missing, too old or misspelt."""
    description = read_description(choice, target)
    if description.complete:
        generation = "host" if target not in ABIS else description.choice.link or "cross"
        made = Toolchain(target=target, generation=generation, **description.facts)
    else:
        host = host or discover_host(description.choice)
        made = _found(target, description.choice, host)
    return _overlaid(made, description.facts, choice.description)


@dataclass(frozen=True, kw_only=True)
class Toolchains:
    """The host's tools, by target the toolchain that makes its images, and for the other targets why there is none."""

    host: HostToolchain
    toolchains: Mapping[str, Toolchain]
    failures: Mapping[str, MpyError]


def toolchains_for(
    targets: Iterable[str],
    choice: ToolchainChoice | None,
    links: Mapping[str, Link | None],
    *,
    linkable: bool = True,
) -> Toolchains:
    """The host's tools, and the toolchain of each target; `links` says by target how its image is linked.

    One that cannot link counts as none, unless `linkable` is False.

    Raises what is wrong with the host's own tools, without which nothing can be built.
    """
    stated = from_environment(choice or ToolchainChoice())
    host = discover_host(stated)
    found: dict[str, Toolchain] = {}
    failures: dict[str, MpyError] = {}
    for target in dict.fromkeys(targets):
        try:
            found[target] = discover(target, replace(stated, link=links.get(target) or stated.link), host)
            if linkable:
                refuse_unlinkable(found[target])
        except (ToolNotFound, ToolTooOld, UnsupportedTarget) as error:
            found.pop(target, None)
            failures[target] = error
    return Toolchains(host=host, toolchains=found, failures=failures)


def from_environment(choice: ToolchainChoice) -> ToolchainChoice:
    """The choice, with what the environment says where it is silent.

    MPY_TOOLCHAIN, MPY_SWITCH, MPY_SOLO5_PREFIX (several, with colons between) and MPY_LINK are read.
    """
    described = os.environ.get("MPY_TOOLCHAIN")
    prefixes = [Path(one) for one in os.environ.get("MPY_SOLO5_PREFIX", "").split(os.pathsep) if one]
    return ToolchainChoice(
        description=choice.description or (Path(described) if described else None),
        switch=choice.switch or os.environ.get("MPY_SWITCH") or None,
        prefixes=choice.prefixes or tuple(prefixes),
        link=choice.link or _link(os.environ.get("MPY_LINK", "")),
    )


def refuse_misnamed(choice: ToolchainChoice) -> None:
    """UsageError for what is named and cannot be: a description, an opam switch, a prefix without a toolchain."""
    described = read_description(choice, "").choice
    switch_prefix(described.switch)
    _check_prefixes(described)


def refuse_unlinkable(toolchain: Toolchain) -> None:
    """Refuse to link where the bindings of the target are not: UnsupportedTarget for genode, else ToolNotFound."""
    if toolchain.bindings is not None or not toolchain.freestanding:
        return
    if toolchain.target == "genode":
        raise UnsupportedTarget(
            "no Solo5 of today links an image for genode",
            details=("its bindings were dropped with Solo5 0.7: the linker script does not exist",),
            hint="configure and query work; Solo5 0.6 with ocaml-freestanding links it (--link pkg-config)",
        )
    raise ToolNotFound(
        f"this Solo5 has no bindings for {toolchain.target}: solo5_{toolchain.abi}.o is not there",
        details=(f"the toolchain is in {toolchain.prefix}",),
        hint="reinstall solo5; it was built without them",
    )


def _link(value: str) -> Link | None:
    match value:
        case "":
            return None
        case "cross" | "pkg-config":
            return value
        case _:
            raise UsageError(f"MPY_LINK={value} is none of {', '.join(get_args(Link))}")


def _found(target: str, choice: ToolchainChoice, host: HostToolchain) -> Toolchain:
    if target not in ABIS:
        return as_target(host, target)
    _check_prefixes(choice)
    if choice.link == "pkg-config":
        return _by_pkg_config(target, choice, host)
    return _by_cross(target, choice, host)


def _by_cross(target: str, choice: ToolchainChoice, host: HostToolchain) -> Toolchain:
    place = next(places(choice, host), None) or _own_place(choice, host)
    if place is not None:
        return cross_toolchain(place, host, target)
    pkg_config = pkg_config_of(choice, host, target) if choice.link is None else None
    if pkg_config is not None:
        return freestanding_toolchain(pkg_config, host, target)
    raise _nothing(target, choice)


def _own_place(choice: ToolchainChoice, host: HostToolchain) -> Place | None:
    """The toolchain that `mpy toolchain install` made; only where no other is, and none was named."""
    prefix = None if choice.prefixes or choice.switch else private_prefix()
    return next(places(replace(choice, prefixes=(prefix,)), host), None) if prefix else None


def _by_pkg_config(target: str, choice: ToolchainChoice, host: HostToolchain) -> Toolchain:
    """Descriptions where there are any; else a cross toolchain can be linked in the same way."""
    pkg_config = pkg_config_of(choice, host, target)
    if pkg_config is not None:
        return freestanding_toolchain(pkg_config, host, target)
    place = next(places(choice, host), None)
    if place is None:
        raise _nothing(target, choice)
    return linked_by_hand(cross_toolchain(place, host, target), host)


def _check_prefixes(choice: ToolchainChoice) -> None:
    """UsageError for a prefix without anything of a toolchain: Solo5 and ocaml-solo5 may each have one of their own."""
    for prefix in choice.prefixes:
        if not prefix.is_dir():
            raise UsageError(
                f"the Solo5 prefix {prefix} is no folder",
                hint=PREFIX,
            )
        if not (_has_tools(prefix) or is_cross_prefix(prefix) or is_described_prefix(prefix)):
            raise UsageError(
                f"there is no Solo5 toolchain in the prefix {prefix}",
                details=("neither bin/ nor lib/ below it has anything of Solo5 or of ocaml-solo5",),
                hint=PREFIX,
            )


def _has_tools(prefix: Path) -> bool:
    return any((prefix / "bin").glob("*solo5*"))


def _nothing(target: str, choice: ToolchainChoice) -> MpyError:
    named = ", ".join(map(str, choice.prefixes)) or choice.switch
    looked = [f"nothing in {named}"] if named else ["no opam switch is active that has one"]
    if choice.link != "pkg-config":
        looked.append("findlib's configuration defines no toolchain solo5, and PATH has no *-solo5-none-static-cc")
    if choice.link != "cross":
        looked.append("pkg-config knows no ocaml-freestanding in the target's places")
    return ToolNotFound(
        f"there is no toolchain for target {target} on this machine",
        details=tuple(looked),
        hint="mpy toolchain install, which has opam build one apart from your switches\n"
        "or opam install solo5 ocaml-solo5 && eval $(opam env), or --solo5-prefix DIR, or --toolchain FILE",
    )


def _overlaid(found: Toolchain, facts: Any, description: Path | None) -> Toolchain:
    """The stated facts over the found ones. Any: each fact has its field's type, which the schema has checked."""
    if not facts:
        return found
    changes: dict[str, Any] = dict(facts)
    return replace(found, **changes, sources={**found.sources, **dict.fromkeys(facts, str(description))})
