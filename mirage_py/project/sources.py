"""The user's own OCaml and C files beside config.py, and those that devices of Python packages bring."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from mirage_py.dsl.device import CSources
from mirage_py.dsl.term import Device
from mirage_py.errors import ConfigError, Location
from mirage_py.model.plan import CStub
from mirage_py.project.reading import exact_text_of

GENERATED = "main.ml"
RESERVED_STEMS = frozenset({"manifest", "main"})
_MODULE_FILE = re.compile(r"[A-Za-z][A-Za-z0-9_']*\.mli?")
"""What dune takes for a module; editors leave files with other names beside it."""
NOT_MODULES = frozenset({"config.ml", "myocamlbuild.ml"})
"""Files of other tools that may lie beside config.py."""


def ocaml_modules(folder: Path, named: tuple[str, ...] | None, config_file: str) -> tuple[str, ...]:
    """The .ml and .mli files of a unikernel: all beside config.py, or those of the named modules; sorted.

    Raises `ConfigError` for a named module that has no file, what is no file, and one that would meet the generated
    main.ml.
    """
    present = {path.name for path in folder.glob("*.ml*") if _MODULE_FILE.fullmatch(path.name)}
    present -= NOT_MODULES | {config_file}
    chosen = present if named is None else set(_of_modules(present, named, config_file))
    for name in sorted(chosen):
        if not (folder / name).is_file():
            raise ConfigError("this is no file with a module in it", location=Location(name), hint="move it away")
    if GENERATED in chosen:
        raise ConfigError(
            f"{GENERATED} beside {config_file} has the name of the generated one",
            location=Location(GENERATED),
            hint="rename it, or name the unikernel's modules: main(..., modules=[...])",
        )
    return tuple(sorted(chosen))


def _of_modules(present: Iterable[str], named: tuple[str, ...], config_file: str) -> Iterable[str]:
    for module in named:
        stem = Path(module).stem
        files = [name for name in present if Path(name).stem.lower() == stem.lower()]
        if not files:
            raise ConfigError(
                f"modules names {module}, and there is no {stem.lower()}.ml", location=Location(config_file)
            )
        yield from files


def device_modules(devices: Iterable[Device], folder: Path, own: tuple[str, ...]) -> dict[str, str]:
    """The texts of the .ml and .mli files that devices of Python packages bring, by name; `own` lie beside config.py.

    Raises `ConfigError` for globs that match nothing, for a file that cannot be read, and for two different files of
    one name.
    """
    found: dict[str, tuple[Path, str]] = {}
    for device in devices:
        for path in _brought(device):
            text = _text(device, path)
            mine = folder / path.name
            twin = (mine, _text(device, mine)) if path.name in own else found.setdefault(path.name, (path, text))
            if path.name == GENERATED or twin[1] != text:
                raise _taken(device, path, twin[0])
    return {name: text for name, (_, text) in sorted(found.items())}


def _text(device: Device, path: Path) -> str:
    try:
        return exact_text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError(
            f"{path}, which {device.module} brings, cannot be read: {reason}", location=device.location
        ) from None


def _taken(device: Device, path: Path, twin: Path) -> ConfigError:
    other = "main.ml is generated" if path.name == GENERATED else f"{Location.of(twin)} has that name too"
    return ConfigError(
        f"{device.module} brings {path.name}, and {other}",
        location=device.location,
        details=(f"it lies in {path.parent}",),
        hint="the modules of a unikernel have names of their own: rename one, and what refers to it",
    )


def _brought(device: Device) -> list[Path]:
    """The OCaml files of a device: those that its globs match, or all beside its Python file, its own among them."""
    if device.home is None:
        return []
    home = Path(device.home)
    if device.sources is not None:
        return [path for pattern in device.sources for path in _globbed(device, home, pattern)]
    stem = device.module.partition(".")[0]
    beside = sorted(path for path in home.glob("*.ml*") if _MODULE_FILE.fullmatch(path.name) and path.is_file())
    of_it = [path for path in beside if path.stem[0].upper() + path.stem[1:] == stem]
    if not of_it or (home / "dune").exists():
        return []
    return of_it if device.home in sys.path else [path for path in beside if path.name not in NOT_MODULES]


def _globbed(device: Device, home: Path, pattern: str) -> list[Path]:
    outside = Path(pattern).is_absolute() or ".." in Path(pattern).parts
    paths = [] if outside else sorted(path for path in home.glob(pattern) if _MODULE_FILE.fullmatch(path.name))
    if not paths:
        what = "leaves its folder" if outside else "matches no .ml or .mli file"
        raise ConfigError(
            f"sources {pattern!r} of {device.module} {what}", location=device.location, hint=f"looked for from {home}/"
        )
    return paths


def c_stubs(folder: Path, sources: tuple[CSources, ...], location: Location | None) -> tuple[CStub, ...]:
    """The C files that the globs of `c_sources` match, sorted; a `ConfigError` for a glob that matches nothing."""
    found: dict[str, CStub] = {}
    for source in sources:
        for pattern in source.globs:
            for path in _matches(folder, pattern, location):
                found[path] = CStub(path=path, flags=source.flags, pkg_config=source.pkg_config)
    _check_stems(found, location)
    return tuple(found[path] for path in sorted(found))


def _check_stems(paths: Iterable[str], location: Location | None) -> None:
    by_stem: dict[str, str] = {}
    for path in paths:
        twin = by_stem.setdefault(Path(path).stem, path)
        if twin != path or Path(path).stem in RESERVED_STEMS:
            clash = f"and {twin} have" if twin != path else "has"
            raise ConfigError(
                f"C stubs are compiled in one folder: {path} {clash} a name that is taken there", location=location
            )


def _matches(folder: Path, pattern: str, location: Location | None) -> list[str]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ConfigError(
            f"c_sources {pattern!r} leaves the folder of config.py", location=location, hint="copy the files"
        )
    paths = [str(p.relative_to(folder)) for p in folder.glob(pattern) if p.is_file() and p.suffix == ".c"]
    if not paths:
        raise ConfigError(
            f"c_sources {pattern!r} matches no .c file", location=location, hint=f"it is looked for from {folder.name}/"
        )
    return paths
