"""Converted from config.ml."""

from functools import partial
from os import environ
from typing import Any

from mirage_py import (
    FunctorType,
    Impl,
    ModuleType,
    Package,
    if_impl,
    impl,
    job,
    key,
    kv_ro,
    main,
    noop,
    package,
    register,
)


# what may be left out is passed on
def unikernel(
    typ: ModuleType[Any] | FunctorType[*tuple[Any, ...]],
    *,
    name: str = "Unikernel",
    packages: list[Package] | None = None,
    deps: list[Impl[Any]] | None = None,
    entry: str,
) -> Any:
    return main(f"{name}.{entry}", typ, packages=packages or [], deps=deps or [])


secure = key.flag("secure", doc="serve https")
when_secure = partial(if_impl, secure)
try:
    debug = environ["DEBUG"] == "1"
except KeyError:
    debug = False

number = environ.get("LEVEL")
if number is not None:
    try:
        level = int(number)
    except (ValueError, LookupError):
        level = 0
else:
    level = 1

if not level >= 0:
    raise ValueError("this cannot be")

# a package of the switch is linked, unless it is a tool
tools = [
    package("in-switch", scope="switch", libs=["in-switch"]),
    package("a-tool", scope="switch", build=True),
]

assets = impl(
    "Assets",
    kv_ro,
    dune=lambda _: (
        ("rule", ("targets", "assets.ml"), ("action", ("run", "make-assets"))),
    ),
    packages=[package("assets", pin="git+https://example.org/assets.git", min="1.0.0")],
    connect="{module}.connect ()",
)

stores = unikernel(kv_ro >> job, packages=tools, entry="Stores")(assets)
other = unikernel(job, name="Other", deps=[assets], entry="Main")
register(
    "passed-on-debug" if debug else "passed-on", [when_secure(stores, noop), other]
)
