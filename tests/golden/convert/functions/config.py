"""Converted from config.ml."""

from typing import Any, NamedTuple

from mirage_py import (
    Functor,
    Impl,
    Package,
    block,
    block_of_file,
    default_network,
    if_impl,
    impl,
    job,
    key,
    main,
    netif,
    network,
    package,
    ramdisk,
    register,
)
from mirage_py.types import Block, Job, Network


# Disks by what they are for; an unknown use is a mistake.
def disk(value: str, *, suffix: str = ".img") -> Impl[Block]:
    if value in ("cache", "tmp"):
        return ramdisk("scratch")
    if value == "":
        raise ValueError("a disk without a use")
    return block_of_file(f"{value}{suffix}")


def sized(n: int) -> Impl[Block]:
    if n > 10:
        return block_of_file("big")
    if n == 0:
        return ramdisk("none")
    return block_of_file(f"disk{n:02d}")


class Service(NamedTuple):
    name: str
    port: int
    libraries: list[str]


services = [
    Service(name="web", port=80, libraries=["cohttp-mirage", "uri"]),
    Service(name="dns", port=53, libraries=[]),
]

secure = services[0]._replace(name="tls", port=443)


def device(value: tuple[Any, ...]) -> Impl[Block]:
    if value[0] == "file":
        return block_of_file(value[1])
    if value[0] == "ram":
        return ramdisk(value[1][0])
    return ramdisk("nothing")


def net(value: Any) -> Impl[Network]:
    return netif(value[1], group=value[1]) if value[0] == "named" else default_network


# functions that call themselves, and each other
def packages_of(value: list[str]) -> list[Package]:
    return [] if value == [] else [package(value[0]), *packages_of(value[1:])]


def even(n: int) -> list[Package]:
    return [] if n == 0 else [package(f"even{n}"), *odd(n - 1)]


def odd(n: int) -> list[Package]:
    return [] if n == 0 else [package(f"odd{n}"), *even(n - 1)]


def twice(f: Any, x: Any) -> Any:
    return f(f(x))


wrap = impl("Wrap", network >> network)
count = [0]


def fresh() -> str:
    count[0] = count[0] + 1
    return f"unit{count[0]}"


first = "duration"
second = "randomconv"


def plus_plus(left: Any, right: Any) -> Any:
    return [*left, *right]


pair = (first, second)
one, two = pair
local = [package(one), package(two)]

secure_key = key.flag("secure", doc="Listen with TLS.")
fast = key.flag("fast")

choice = if_impl(secure_key & fast, disk("tmp"), disk("data"))


def service_job(service: Service) -> Functor[Network, Block, Block, Block, Block, Job]:
    return main(
        f"Unikernel.{service.name[:1].upper() + service.name[1:]}",
        network >> block >> block >> block >> block >> job,
        packages=packages_of(service.libraries),
    )


given = fresh()
other = main(
    f"{given[:1].upper() + given[1:]}.Main",
    network >> job,
    packages=plus_plus(plus_plus(even(2), odd(1)), local),
)


def step(service: Service) -> Impl[Job]:
    kind = (
        ("file", "secure") if service.port > 100 else ("ram", ("plain", service.port))
    )
    return service_job(service)(
        net(("named", service.name)),
        device(kind),
        sized(service.port),
        disk(service.name, suffix=".raw"),
        choice,
    )


jobs = [step(service) for service in [*services, secure]]
register("functions", [other(twice(lambda one: wrap(one), net("default"))), *jobs])
