"""mpy.lock: read back as written, the same bytes from the same lock, and every refusal with its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from mirage_py.errors import Location, LockError
from mirage_py.packages.lock import (
    FILE,
    Archive,
    Depext,
    ExtraSource,
    Folder,
    GitTree,
    Lock,
    LockedPackage,
    LockedRepository,
    LockedSource,
    LockedUnikernel,
    RepositoryFile,
    SolvedFor,
    Subst,
    Want,
)
from mirage_py.packages.lock_file import lock_text, parse_lock, read_lock

PLACE = Location(FILE)
SHA256 = f"sha256={'ab' * 32}"
SNAPSHOT = f"sha256={'cd' * 32}"
GIT = "0123456789abcdef0123456789abcdef01234567"

LWT = LockedSource(
    folder="lwt",
    origin=Archive(urls=("https://example.org/lwt.tar.gz",), checksums=(SHA256,)),
    extra_sources=(ExtraSource(name="fix.patch", urls=("https://example.org/fix",), checksums=(SHA256,)),),
    files=(
        RepositoryFile(name="dune/more.in", content=b'tab\t and "quotes" \\ \r\nend'),
        RepositoryFile(name="raw", content=b"\xff\x00"),
    ),
    patches=("fix.patch",),
    substs=(Subst(name="dune/more", package="lwt"),),
)
LIB = LockedSource(folder="lib", origin=Folder(path="../lib"))
GITTED = LockedSource(folder="git", origin=GitTree(url="https://example.org/r.git", commit=GIT, tree=GIT, ref="main"))
LOCK = Lock(
    solved_for=SolvedFor(ocaml="4.13.1", dune="2.9.3", solo5="0.6.9", ocaml_solo5="0.8.0"),
    repositories=(LockedRepository(source="https://example.org/repo", digest=SNAPSHOT),),
    unikernels=(LockedUnikernel(label="hello-hvt", target="hvt", asks=("lwt", "lib >= 1")),),
    sources=(LWT, LIB, GITTED),
    packages=(
        LockedPackage(
            name="lwt",
            version="5.6.1",
            source="lwt",
            unikernels=("hello-hvt",),
            asked=(Want(by="config.py", bound=">= 5.0.0"), Want(by="lib")),
        ),
        LockedPackage(name="lwt_ppx", version="5.6.1", source="lwt", scope="host", unikernels=(), asked=()),
        LockedPackage(name="lib", version="dev", source="lib", unikernels=("hello-hvt",), asked=()),
        LockedPackage(name="git", version="1", source="git", unikernels=(), asked=()),
        LockedPackage(name="base-unix", version="base", served="virtual", unikernels=(), asked=()),
    ),
    depexts=(Depext(package="conf-gmp", names=("libgmp-dev",), when='os-family = "debian"'),),
)


def shuffled(lock: Lock) -> Lock:
    return replace(lock, sources=lock.sources[::-1], packages=lock.packages[::-1], unikernels=lock.unikernels[::-1])


def sorted_lock(lock: Lock) -> Lock:
    """What reading gives back: the order of the file, where order has no meaning."""
    return parse_lock(lock_text(lock), PLACE)


def test_lock_is_read_back_as_written() -> None:
    back = sorted_lock(LOCK)
    assert sorted(back.packages, key=lambda one: one.name) == sorted(LOCK.packages, key=lambda one: one.name)
    assert {one.folder: one for one in back.sources} == {one.folder: one for one in LOCK.sources}
    assert back.depexts == LOCK.depexts
    assert back.solved_for == LOCK.solved_for
    assert back.repositories == LOCK.repositories
    assert {*back.unikernels[0].asks} == {*LOCK.unikernels[0].asks}


def test_order_of_the_parts_does_not_change_the_bytes() -> None:
    assert lock_text(LOCK) == lock_text(shuffled(LOCK)) == lock_text(sorted_lock(LOCK))


printable = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(contents=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.binary() | printable, max_size=3))
def test_files_of_a_repository_keep_their_bytes(contents: dict[str, bytes | str]) -> None:
    files = tuple(
        RepositoryFile(name=name, content=content if isinstance(content, bytes) else content.encode())
        for name, content in sorted(contents.items())
    )
    lock = replace(LOCK, sources=(replace(LWT, files=files), LIB, GITTED))
    assert parse_lock(lock_text(lock), PLACE).source("lwt").files == files
    assert parse_lock("#edited\n" + lock_text(lock), PLACE).source("lwt").files == files


def test_packages_of_one_source_are_found() -> None:
    assert [one.name for one in LOCK.sharing("lwt")] == ["lwt", "lwt_ppx"]
    assert [one.folder for one in LOCK.sources_of(["hello-hvt"])] == ["lwt", "lib"]


def test_lock_that_was_edited_into_another_right_one_is_read() -> None:
    text = lock_text(LOCK).replace('version = "5.6.1"', 'version = "5.6.2"')
    assert {one.version for one in parse_lock(text, PLACE).sharing("lwt")} == {"5.6.2"}


BROKEN = {
    "a newer mpy": ("format = 1", "format = 2", "newer mpy"),
    "a string for a list": ('patches = [\n  "fix.patch",\n]', 'patches = "fix.patch"', "source.lwt.patches"),
    "an unknown field": ("[[package]]", "[[package]]\ncolour = 1", "colour: there is no such field"),
    "a folder that leaves": ('folder = "lwt"', 'folder = "../lwt"', "folder"),
    "a file that leaves": ('name = "raw"', 'name = "../../raw"', "leaves its folder"),
    "an absolute file": ('name = "raw"', 'name = "/raw"', "leaves its folder"),
    "two sources for one folder": ('folder = "lib"', 'folder = "LWT"', "would be laid into the same folder"),
    "one package twice": ('name = "lwt_ppx"', 'name = "lwt"', "is there in two versions"),
    "a source that is not there": ('source = "lwt"', 'source = "lvt"', "there is no source lvt"),
    "a checksum that is none": (SHA256, "sha256=ab", "checksums"),
    "an archive without a checksum": (f'[\n  "{SHA256}",\n]', "[]", "checksums"),
    "base64 that is none": ('base64 = "', 'base64 = "?', "base64"),
    "an origin of two kinds": ('path = "../lib"', 'path = "../lib"\ngit = "https://example.org"', "source.lib"),
    "a unikernel that is not there": ('[\n  "hello-hvt",', '[\n  "bye",', "no unikernel bye"),
    "an unfinished merge": ("[[package]]", "<<<<<<< HEAD\n[[package]]", "is not TOML"),
    "half of it": ("[[package]]\n", '[[package]]\nname = "', "is not TOML"),
    "no solved-for": ('ocaml = "4.13.1"\n', "", "ocaml: field required"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_lock_says_where(name: str) -> None:
    old, new, said = BROKEN[name]
    text = lock_text(LOCK)
    assert old in text
    with pytest.raises(LockError) as raised:
        parse_lock(text.replace(old, new, 1), PLACE)
    assert raised.value.exit_code == 4
    assert said in "\n".join((raised.value.message, *raised.value.details))
    assert raised.value.hint


def test_line_of_a_merge_is_named() -> None:
    text = lock_text(LOCK).replace("[[package]]", "<<<<<<< HEAD\n[[package]]", 1)
    line = text.split("\n").index("<<<<<<< HEAD") + 1
    with pytest.raises(LockError) as raised:
        parse_lock(text, PLACE)
    assert raised.value.location == Location(FILE, line)


def test_no_lock_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"there is no mpy\.lock") as raised:
        read_lock(tmp_path)
    assert raised.value.hint == "mpy lock"


def test_lock_is_read_from_beside_config(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(lock_text(LOCK), encoding="utf-8")
    assert read_lock(tmp_path) == sorted_lock(LOCK)
