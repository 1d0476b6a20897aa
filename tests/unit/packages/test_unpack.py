"""Archives as they are released, and archives that nobody should unpack."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.errors import FetchFailed
from mirage_py.packages.unpack import Bounds, unpack
from tests.unit.packages.releases import tarball

PACKS: tuple[Callable[[bytes], bytes], ...] = (bytes, gzip.compress, bz2.compress, lzma.compress)
SMALL = Bounds(size=100_000, entries=50)


def tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                made.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                made.addfile(info, io.BytesIO(member[1]))
    return plain.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def unpacked(tmp_path: Path, data: bytes, bounds: Bounds = SMALL) -> Path:
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    unpack(archive, tmp_path / "into", "pkg 1.0", bounds)
    return tmp_path / "into"


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def refused(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(FetchFailed, match=why) as failed:
        unpacked(tmp_path, data)
    assert failed.value.message.startswith("pkg 1.0: ")
    assert sorted(os.listdir(tmp_path)) == ["archive"], "something was left, or was written elsewhere"


@pytest.mark.parametrize("pack", PACKS, ids=["tar", "gz", "bz2", "xz"])
def test_every_kind_of_tar_archive(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    folder = unpacked(tmp_path, pack(tar(("pkg-1.0/dune-project", b"x"), ("pkg-1.0/src/dune", b"y"))))
    assert listed(folder) == ["dune-project", "src/dune"]


def test_a_zip_archive_with_a_link_and_a_program(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("pkg/a", "x")
        link, program = zipfile.ZipInfo("pkg/b"), zipfile.ZipInfo("pkg/run")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        program.external_attr = (stat.S_IFREG | 0o755) << 16
        made.writestr(link, "a")
        made.writestr(program, "#!/bin/sh\n")
    folder = unpacked(tmp_path, data.getvalue())
    assert listed(folder) == ["a", "b", "run"]
    assert os.readlink(folder / "b") == "a"
    assert os.access(folder / "run", os.X_OK)


def test_several_folders_at_the_top_stay(tmp_path: Path) -> None:
    assert listed(unpacked(tmp_path, tarball({"a/x": "1", "b/y": "2"}))) == ["a/x", "b/y"]


def test_links_that_stay_are_made_and_hard_links_are_files(tmp_path: Path) -> None:
    folder = unpacked(
        tmp_path,
        tar(
            special("pkg/later", tarfile.SYMTYPE, "src/a"),
            ("pkg/src/a", b"content"),
            special("pkg/copy", tarfile.LNKTYPE, "pkg/src/a"),
        ),
    )
    assert os.readlink(folder / "later") == "src/a"
    assert (folder / "copy").read_bytes() == b"content"


@pytest.mark.parametrize("name", ["/etc/mpy-evil", "../evil", "pkg/../../evil", "pkg/a/../../../evil"])
def test_paths_that_leave(name: str, tmp_path: Path) -> None:
    refused(tmp_path, tar(("pkg/fine", b""), (name, b"evil")), "a path leaves the archive")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "../.."])
def test_links_that_leave(target: str, tmp_path: Path) -> None:
    refused(tmp_path, tar(("pkg/fine", b""), special("pkg/link", tarfile.SYMTYPE, target)), "a link leaves its folder")


def test_a_chain_of_links_that_leaves(tmp_path: Path) -> None:
    links = (special("pkg/d", tarfile.SYMTYPE, "."), special("pkg/e", tarfile.SYMTYPE, "d/d/../../.."))
    refused(tmp_path, tar(("pkg/fine", b""), *links), "a link leaves its folder")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    refused(
        tmp_path,
        tar(special("pkg/out", tarfile.SYMTYPE, str(outside)), ("pkg/out/evil", b"evil")),
        "two things in the archive are called pkg/out",
    )
    assert not (outside / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes(kind: bytes, tmp_path: Path) -> None:
    refused(tmp_path, tar(special("pkg/device", kind)), "is a device or a pipe")


def test_a_hard_link_to_what_is_not_there(tmp_path: Path) -> None:
    refused(
        tmp_path, tar(("pkg/a", b""), special("pkg/b", tarfile.LNKTYPE, "/etc/passwd")), "a path leaves the archive"
    )
    refused(tmp_path, tar(("pkg/a", b""), special("pkg/b", tarfile.LNKTYPE, "pkg/c")), "which is not in the archive")


def test_a_bomb_of_one_file(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(tar(("pkg/zeros", bytes(10_000_000)))), "more than 100000 bytes")


def test_a_bomb_of_many_files(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(tar(*((f"pkg/{n}", b"") for n in range(100)))), "more than 50 files")


def test_a_bomb_of_hard_links(tmp_path: Path) -> None:
    links = (special(f"pkg/{n}", tarfile.LNKTYPE, "pkg/a") for n in range(40))
    refused(tmp_path, tar(("pkg/a", bytes(60_000)), *links), "more than 100000 bytes")


def test_a_bomb_of_a_header(tmp_path: Path) -> None:
    info = special("pkg/a", tarfile.XHDTYPE)
    info.size = 5_000_000
    refused(tmp_path, gzip.compress(info.tobuf() + bytes(5_000_000)), "a header of the archive has 5000000 bytes")


def test_a_bomb_behind_the_end(tmp_path: Path) -> None:
    folder = unpacked(tmp_path, gzip.compress(tar(("pkg/a", b"x")) + bytes(50_000_000)))
    assert listed(folder) == ["a"]


def test_a_bomb_in_a_zip(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("pkg/zeros", bytes(10_000_000))
    refused(tmp_path, data.getvalue(), "more than 100000 bytes")


@pytest.mark.parametrize("pack", PACKS[1:], ids=["gz", "bz2", "xz"])
def test_an_archive_that_ends_too_early(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = pack(tar(("pkg/a", os.urandom(50_000))))
    refused(tmp_path, data[: len(data) // 2], r"the archive (is damaged|ends in the middle)")


@pytest.mark.parametrize(
    "data", [b"<html>Not found</html>" * 50, b"PK\x03\x04 no zip", b"\x1f\x8b no gzip"], ids=["html", "zip", "gz"]
)
def test_what_is_no_archive(data: bytes, tmp_path: Path) -> None:
    refused(tmp_path, data, "the archive is damaged")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=st.data(),
    cut=st.integers(0, 3000),
    flips=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=8),
)
def test_a_damaged_archive_is_refused_in_words_or_stays_inside(
    data: st.DataObject, cut: int, flips: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    pack = data.draw(st.sampled_from(PACKS))
    whole = bytearray(pack(tar(("pkg/a", b"x" * 700), special("pkg/b", tarfile.SYMTYPE, "a"), ("pkg/c/d", b"y"))))
    for place, value in flips:
        whole[place % len(whole)] = value
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "archive").write_bytes(bytes(whole[: max(len(whole) - cut, 1)]))
    try:
        unpack(folder / "archive", folder / "into", "pkg 1.0", SMALL)
    except FetchFailed:
        assert os.listdir(folder) == ["archive"]
    else:
        assert sorted(os.listdir(folder)) == ["archive", "into"]
