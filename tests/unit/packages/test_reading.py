"""What was read of opam files is kept for the next process, and is the same as what is read anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mirage_py.packages.candidates import environment
from mirage_py.packages.formula import AllOf, AnyOf, Both, Compare, Dependency, Either
from mirage_py.packages.metadata import Metadata, Remote
from mirage_py.packages.reading import Reader, decoded, encoded
from mirage_py.packages.snapshot import Snapshot, store

words = st.text("ab-.~0", max_size=4)
operators = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))
bounds = st.recursive(
    st.builds(Compare, operators, words),
    lambda inner: st.one_of(st.builds(Both, inner, inner), st.builds(Either, inner, inner)),
    max_leaves=4,
)
dependencies = st.builds(Dependency, words, st.none() | bounds)
formulas = st.recursive(
    dependencies,
    lambda inner: st.one_of(*(st.builds(kind, st.lists(inner, max_size=3).map(tuple)) for kind in (AllOf, AnyOf))),
    max_leaves=8,
)
texts = st.lists(words, max_size=3).map(tuple)


@given(
    st.builds(
        Metadata,
        name=st.just("one"),
        version=st.just("1"),
        depends=st.none() | formulas,
        optional=texts,
        conflicts=st.lists(dependencies, max_size=3).map(tuple),
        classes=texts,
        available=st.booleans(),
        flags=st.frozensets(words, max_size=3),
        remote=st.none() | st.builds(Remote, urls=texts, checksums=texts),
        dev_repo=words,
        commands=st.booleans(),
    )
)
def test_metadata_comes_back_as_it_was(found: Metadata) -> None:
    assert decoded("one", "1", encoded(found)) == found


OPAM = b'depends: ["dune" {>= "2.0"} "cppo" {build} ("a" | "b" {< version})]\nbuild: ["dune" "build"]\n'


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return store({("one", "1.0", "opam"): OPAM}, tmp_path)


def test_what_was_read_is_kept_for_the_next_process(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Reader([snapshot], environment())
    read = [first.metadata(0, "one", "1.0", building=building) for building in (True, False)]
    first.keep()
    monkeypatch.setattr("mirage_py.packages.reading.metadata", lambda *_: pytest.fail("it is read again"))
    again = Reader([snapshot], environment())
    assert [again.metadata(0, "one", "1.0", building=building) for building in (True, False)] == read
    assert read[0].commands
    assert read[0] != read[1]
    with pytest.raises(pytest.fail.Exception):
        Reader([snapshot], {**environment(), "os": "macos"}).metadata(0, "one", "1.0")


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"one.1.0": 3}', b'{"one.1.0": [[7], 1, 2]}', b"\xff"])
def test_a_damaged_memory_is_none(damage: bytes, snapshot: Snapshot) -> None:
    reader = Reader([snapshot], environment())
    known = reader.metadata(0, "one", "1.0")
    reader.keep()
    (file,) = snapshot.data.parent.glob("*.read")
    file.write_bytes(damage)
    assert Reader([snapshot], environment()).metadata(0, "one", "1.0") == known
