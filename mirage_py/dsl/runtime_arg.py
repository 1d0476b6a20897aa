"""Boot-time arguments: Cmdliner terms that the unikernel evaluates when it starts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mirage_py.dataclass import dataclass, field
from mirage_py.dsl.check import listed, names, text
from mirage_py.dsl.package import Package
from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError, Location


@dataclass(frozen=True, kw_only=True)
class RuntimeArg:
    """A reference to a Cmdliner term, as OCaml code; two with the same code are one argument.

    `options` are the boot-time options that the term is known to define, without dashes: two arguments of one unikernel
    may not share one. `of_target` says that the argument exists on some targets only, so that a clash does too.
    """

    code: str
    packages: tuple[Package, ...] = field(default=(), compare=False)
    options: tuple[str, ...] = field(default=(), compare=False)
    of_target: bool = field(default=False, compare=False)
    location: Location | None = field(default=None, compare=False)


def runtime_arg(code: str, *, packages: Iterable[Package] = (), option: str | Iterable[str] = ()) -> RuntimeArg:
    """A boot-time argument: `code` is OCaml for a Cmdliner term, usually `Unikernel.NAME`.

    `option` names the option(s) it defines (`"hello"` for `--hello`), which lets mpy find at configure time that two
    arguments define the same one; the unikernel itself would find out when it boots.
    """
    if not text(code, what="code", example="Unikernel.hello").strip():
        raise ConfigError("a runtime argument needs OCaml code", location=here(), hint='runtime_arg("Unikernel.hello")')
    options = (option,) if isinstance(option, str) else names(option, what="option", example="hello")
    for name in options:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise ConfigError(f"option name {name!r} is invalid", location=here(), hint="write it without dashes")
    return RuntimeArg(
        code=code.strip(),
        packages=listed(packages, Package, what="packages", example='package("duration")'),
        options=options,
        location=here(),
    )
