"""Converted from config.ml."""

from collections.abc import Callable
from functools import partial
from os import environ
from typing import Any, NamedTuple

from mirage_py import (
    FunctorType,
    Impl,
    ModuleType,
    Package,
    both,
    if_impl,
    impl,
    job,
    key,
    kv_ro,
    main,
    noop,
    ocaml_string,
    package,
    register,
    runtime_arg,
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

if not (level >= 0 and all(10 > right for right in [level, 2])):
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


# verbs under other names, and a let of its own
def let_times(value: Any, f: Any) -> list[Any]:
    return [] if value is None else f(value)


extra = let_times("extra", lambda name: [package(name)])

size = key.enum("size", ["small", "large"], default="small", doc="how much of it")


def step(size: Any, secure: bool) -> list[str]:
    if size == "small" and secure is False:
        return []
    if size == "small" and secure:
        return ["tls"]
    return ["all"]


sized = both(size, secure).map(lambda given: step(given[0], given[1]))

on_a_host = key.target.match({"unix": True, "macosx": True}, False)

named = impl(
    "Named",
    job,
    extra_deps=[noop],
    connect=lambda c: f"{c.module}.start ~name:{ocaml_string(c.unikernel.name)}",
)

shown = "".join("-" if c == "." else c for c in "a.b |  c")
wanted = main(
    "Wanted",
    job,
    packages=sized.map(lambda value: [package(one) for one in value]),
    runtime_args=[runtime_arg(f"Args.shown {ocaml_string(shown)}")],
)


# patterns take things apart wherever a name can stand
class Place(NamedTuple):
    port: int
    hosts: list[str]
    certificate: tuple[bool, str]


place = Place(port=80, hosts=["a", "b"], certificate=(True, "cert"))
port = place.port
file = place.certificate[1]
one = "One"
two = "Two"
three = "Three"


def with_min(min: str) -> Callable[[list[str]], list[Package]]:
    return lambda second: [package(name, min=min) for name in second]


counted = with_min(str(port))([file, f"{one}{two}{three}"])

stores = unikernel(kv_ro >> job, packages=[*tools, *extra, *counted], entry="Stores")(
    assets
)
other = unikernel(job, name="Other", deps=[assets], entry="Main")
register(
    "passed-on-debug" if debug else "passed-on",
    [when_secure(stores, noop), other, named, if_impl(on_a_host, wanted, noop)],
)
