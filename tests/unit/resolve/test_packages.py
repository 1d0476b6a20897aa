"""Merging packages: nothing asked for is lost, and what no version can satisfy is a conflict that names both."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, strategies as st

from mirage_py.dsl.package import Package, Pin, Stubs, package
from mirage_py.errors import ConfigError, Location, PackageConflict
from mirage_py.model.version import compare_versions, fits
from mirage_py.resolve.packages import Asked, merge

pytestmark = pytest.mark.slow

version = st.one_of(st.none(), st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(~b)?", fullmatch=True))
one = st.builds(
    Package,
    name=st.sampled_from(["lwt", "tcpip"]),
    libraries=st.lists(st.sampled_from(["lwt", "lwt.unix", "tcpip"])).map(tuple),
    build=st.booleans(),
    min=version,
    max=version,
)
many = st.lists(one, max_size=6)


def asked(packages: list[Package]) -> list[Asked]:
    return [Asked(package=p, by=f"Device{i}", location=Location("config.py", i + 1)) for i, p in enumerate(packages)]


def facts(packages: list[Package]) -> object:
    try:
        found = merge(asked(packages), ())
    except PackageConflict:
        return "conflict"
    return [(r.name, r.scope, r.build, r.libraries, set(r.min), set(r.max), r.pin) for r in found]


@given(many, st.randoms())
def test_order_of_asking_does_not_matter(packages: list[Package], random: Random) -> None:
    shuffled = list(packages)
    random.shuffle(shuffled)
    assert facts(packages) == facts(shuffled)


@given(many)
def test_all_bounds_and_libraries_are_kept_or_there_is_a_conflict(packages: list[Package]) -> None:
    contradictory = any(
        p.min and q.max and p.name == q.name and compare_versions(p.min, q.max) >= 0 for p in packages for q in packages
    )
    try:
        found = {r.name: r for r in merge(asked(packages), ())}
    except PackageConflict:
        assert contradictory
        return
    assert not contradictory
    assert list(found) == sorted({p.name for p in packages})
    for p in packages:
        requirement = found[p.name]
        assert {p.min, p.max} - {None} <= {*requirement.min, *requirement.max}
        assert p.build or set(p.libraries) <= set(requirement.libraries)
    for requirement in found.values():  # the highest lower bound is a version that fits them all
        if requirement.min:
            assert all(fits(requirement.min[-1], low, None) for low in requirement.min)
            assert all(fits(requirement.min[-1], None, high) for high in requirement.max)


def test_bounds_are_in_the_order_of_opam() -> None:
    (found,) = merge(asked([package("lwt", min="10.0.0"), package("lwt", min="9.0.0")]), ())
    assert found.min == ("9.0.0", "10.0.0")


def test_contradiction_names_both_devices_and_their_places() -> None:
    with pytest.raises(PackageConflict, match="no version of package lwt fits") as conflict:
        merge(asked([Package(name="lwt", libraries=(), min="6"), Package(name="lwt", libraries=(), max="6")]), ())
    assert conflict.value.details == (">= 6 by Device0 (config.py:1)", "< 6 by Device1 (config.py:2)")


def test_override_settles_a_contradiction() -> None:
    contradictory = [Package(name="lwt", libraries=("lwt",), min="6"), Package(name="lwt", libraries=("lwt",), max="6")]
    (found,) = merge(asked(contradictory), [package("lwt", min="5")])
    assert (found.min, found.max, found.libraries) == (("5",), (), ("lwt",))


def test_library_that_one_device_links_is_linked() -> None:
    (found,) = merge(asked([package("lwt", build=True), package("lwt")]), ())
    assert (found.build, found.libraries) == (False, ("lwt",))


def test_scopes_that_differ_are_a_conflict() -> None:
    with pytest.raises(PackageConflict, match="two scopes: monorepo and switch"):
        merge(asked([package("lwt"), package("lwt", scope="switch")]), ())


def test_pins_that_differ_are_a_conflict_and_equal_ones_are_one() -> None:
    here, there = package("lwt", pin="git+https://here", min="5"), package("lwt", pin="git+https://there")
    with pytest.raises(PackageConflict, match="pinned to two places"):
        merge(asked([here, there]), ())
    (found,) = merge(asked([here, here, package("lwt", max="4")]), ())
    assert (found.pin, found.min, found.max) == (Pin(url="git+https://here"), (), ())


def test_bounds_beside_a_pin_stay_where_nobody_else_asks() -> None:
    (found,) = merge(asked([package("lwt", pin="git+https://here", min="5")]), ())
    assert (found.pin, found.min, found.max) == (Pin(url="git+https://here"), ("5",), ())


def test_stubs_declared_differently_are_a_conflict() -> None:
    with pytest.raises(PackageConflict, match="declared twice"):
        merge(asked([package("p", stubs=Stubs("a.c")), package("p", stubs=Stubs("b.c"))]), ())


@pytest.mark.parametrize("name", ["", "bar.subfoo", "000", "é", "a b", "a/b", 'a"b', "a\nb"])
def test_name_that_opam_refuses_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is invalid"):
        package(name)


@pytest.mark.parametrize("bad", ["", "1 2", '1"', "1\n", "é"])
def test_version_that_opam_refuses_is_refused(bad: str) -> None:
    with pytest.raises(ConfigError, match="not an opam version"):
        package("lwt", min=bad)


@pytest.mark.parametrize("library", ["", "a b", "(a)", "a..b", '"'])
def test_library_name_that_breaks_dune_is_refused(library: str) -> None:
    with pytest.raises(ConfigError, match="library name"):
        package("lwt", libs=[library])


def test_sublibraries_stand_below_the_package() -> None:
    assert package("tcpip", sublibs=["", "icmpv4"]).libraries == ("tcpip", "tcpip.icmpv4")
    assert package("tcpip", libs=[]).libraries == ()
    with pytest.raises(ConfigError, match="both libs and sublibs"):
        package("tcpip", libs=[], sublibs=[])
    with pytest.raises(ConfigError, match="libs is a list"):
        package("tcpip", libs="tcpip")
