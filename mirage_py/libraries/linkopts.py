"""`freestanding_linkopts`: how a library of the pkg-config generation says which archive an image links.

    freestanding_linkopts = "-l:freestanding/libbigstringaf_freestanding_stubs.a"
    freestanding_linkopts = "-lzarith-freestanding -L@gmp-freestanding -lgmp-freestanding"
    freestanding_linkopts = "@digestif/c/freestanding/libdigestif.a"

The library's own folder goes before all as `-L`; `@package/file` is below the folder of all packages. Xen had words of
its own, `xen_linkopts`, until mirage 3.9 let the same archives serve it.
"""

from __future__ import annotations

from pathlib import Path

from mirage_py.dataclass import dataclass
from mirage_py.libraries.archives import is_empty, machine_of
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.library import Library
from mirage_py.model.toolchain import Toolchain

__all__ = ["LinkOptions", "link_options"]


@dataclass(frozen=True, kw_only=True)
class LinkOptions:
    """What a library's own words come to: flags, the archives they mean, and what is wrong with them."""

    variable: str
    flags: tuple[str, ...]
    archives: tuple[Path, ...]
    problems: tuple[str, ...] = ()


def link_options(library: Library, findlib: Findlib, toolchain: Toolchain) -> LinkOptions | None:
    """The library's freestanding archives for a target; None where its META file names none."""
    variables = ("freestanding_linkopts", *(("xen_linkopts",) if toolchain.abi == "xen" else ()))
    for variable in variables:
        value = findlib.property(library.name, variable, ("native",))
        if value and value.split():
            return _options(library, findlib, toolchain, variable, value.split())
    return None


def _options(library: Library, findlib: Findlib, toolchain: Toolchain, variable: str, words: list[str]) -> LinkOptions:
    flags = (f"-L{library.directory}", *(_expanded(word, library, findlib) for word in words))
    folders = [Path(flag[2:]) for flag in flags if flag.startswith("-L")]
    found = {flag: _file(flag, folders) for flag in flags if not flag.startswith("-L")}
    archives = tuple(file for file in found.values() if file is not None)
    missing = [f"{variable} names {flag}, which is not in {_listed(folders)}" for flag in found if not found[flag]]
    problems = (*missing, *(text for file in archives if (text := _wrong(file, toolchain))))
    return LinkOptions(variable=variable, flags=flags, archives=archives, problems=problems)


def _expanded(word: str, library: Library, findlib: Findlib) -> str:
    """`@package` in its full form; a package without a META file is beside the library's."""
    before, at, name = word.partition("@")
    if not at:
        return word
    package, slash, rest = name.partition("/")
    known = findlib.find(package)
    root = library.meta.parent.parent if library.meta else library.directory.parent
    return f"{before}{known.directory if known else root / package}{slash}{rest}"


def _file(flag: str, folders: list[Path]) -> Path | None:
    if not flag.startswith("-l"):
        places = [Path(flag)] if flag.startswith("/") else [folder / flag for folder in folders]
    else:
        name = flag[3:] if flag.startswith("-l:") else f"lib{flag[2:]}.a"
        places = [folder / name for folder in folders]
    return next((place for place in places if place.is_file()), None)


def _wrong(file: Path, toolchain: Toolchain) -> str | None:
    if is_empty(file):
        return (
            f"{file} is empty: its package was built where pkg-config did not know ocaml-freestanding,"
            " and says so in no other way; build it again with PKG_CONFIG_LIBDIR set (mpy toolchain export)"
        )
    machine = machine_of(file)
    if machine != toolchain.architecture:
        return f"{file} is for {machine or 'no machine'}, the target is {toolchain.architecture}"
    return None


def _listed(folders: list[Path]) -> str:
    return ", ".join(map(str, folders))
