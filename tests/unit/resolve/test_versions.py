"""opam's order of versions, against pairs that opam itself documents, and the laws of a total order."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from mirage_py.model.version import compare_versions, fits, version_key

versions = st.text("0123456789.~+-_abvz", max_size=8)

# opam manual, "version ordering", and deb-version(7)
ASCENDING = [
    ["~~", "~", "~beta2", "~beta10", "0.1", "1.0~beta", "1.0", "1.0-test", "1.0.1", "1.0.10", "dev", "trunk"],
    ["~~", "~~a", "~", "", "a"],
    ["0.9.0", "0.10.0", "9.0.0", "10.0.0"],
    ["1.0~rc1", "1.0~rc2", "1.0", "1.0+dfsg", "1.0.0"],
    ["v0.9.0", "v0.10.0"],
    ["1", "1a", "1+", "1.", "1.1"],
]
EQUAL = [("1", "01"), ("1.0", "1.00"), ("a", "a0"), ("", "0"), ("007", "7"), ("1.", "1.0")]


@pytest.mark.parametrize("row", ASCENDING, ids="<".join)
def test_versions_ascend(row: list[str]) -> None:
    for i, low in enumerate(row):
        for high in row[i + 1 :]:
            assert compare_versions(low, high) < 0
            assert compare_versions(high, low) > 0
    assert sorted({*row}, key=version_key) == row


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_leading_zeros_do_not_count(left: str, right: str) -> None:
    assert compare_versions(left, right) == 0


@given(versions, versions)
def test_order_is_antisymmetric(left: str, right: str) -> None:
    def sign(number: int) -> int:
        return (number > 0) - (number < 0)

    assert sign(compare_versions(left, right)) == -sign(compare_versions(right, left))


@given(versions, versions, versions)
def test_order_is_transitive(a: str, b: str, c: str) -> None:
    low, middle, high = sorted([a, b, c], key=version_key)
    assert compare_versions(low, middle) <= 0
    assert compare_versions(middle, high) <= 0
    assert compare_versions(low, high) <= 0


@given(versions)
def test_tilde_comes_before_nothing(version: str) -> None:
    assert compare_versions(version + "~", version) < 0


@given(versions, versions, versions)
def test_version_fits_from_the_lower_bound_up_to_the_upper(version: str, low: str, high: str) -> None:
    inside = compare_versions(low, version) <= 0 and compare_versions(version, high) < 0
    assert fits(version, low, high) is inside
    assert fits(version, None, None)
