"""Converted from config.ml."""

from mirage_py import Impl, Package, job, main, package, register
from mirage_py.types import Job

names = ["alpha", "beta"]
group = "blue"

found_list: list[Package] = []
for name_2 in names:
    found_list = [package(f"fold-{name_2}"), *found_list]
found: list[Package] = []
for name_value in reversed(names):
    found = [package(f"back-{name_value}"), *found]
packages = [
    *[package(name) for name in names],
    *[package(f"{name}{place}") for place, name in enumerate(names)],
    *[
        found
        for found in [
            None if name == "alpha" else package(f"kept-{name}") for name in names
        ]
        if found is not None
    ],
    *[
        item
        for name in names
        for item in [package(f"left-{name}"), package(f"right-{name}")]
    ],
    *found_list,
    *found,
    *list(reversed([package(f"number{n}") for n in range(2)])),
    *[
        package(f"both-{name}", min=version)
        for name, version in zip(names, ["1.0", "2.0"], strict=True)
    ],
    package("flat"),
    *(
        [package("there")]
        if "alpha" in names and any(name != "alpha" for name in names)
        else []
    ),
]

versions = [("fmt", "0.9.0"), ("logs", "0.7.0")]


def versioned(given: tuple[str, str]) -> Package:
    name, version = given
    return package(name, min=version)


given_value = "-".join([name.lower() for name in ["Upper", "Case"]])
text = package(given_value.strip())

min = dict(versions).get("lwt", "5.7.0")

given = package(f"map-{group}") if group is not None else None
options = [
    package(group if group is not None else "none"),
    package(f"in-{group}" if group is not None else "alone"),
    package("lwt", min=min),
    package(f"{versions[0][0]}-{versions[1][0]}", max=versions[1][1]),
    *([given] if given is not None else []),
    *[package(one) for one in "comma,separated".split(",")],
]


def unikernel(name: str) -> Impl[Job]:
    return main(
        name,
        job,
        packages=[
            text,
            *packages,
            *options,
            *[versioned(version) for version in versions],
        ],
    )


print("configuring")
for name in names:
    register(name, [unikernel(f"{name[:1].upper() + name[1:]}.Main")])
