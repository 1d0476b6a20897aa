"""Files are read whole, or in parts that are the same bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mirage_py.project.reading import bytes_of, parts_of

CHUNK = 1 << 20


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
def test_a_file_is_read_to_its_end(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert bytes_of(tmp_path / "file") == content


def test_what_the_system_makes_up_has_no_size_and_is_read() -> None:
    assert bytes_of(Path("/proc/self/status")).startswith(b"Name:")


def test_parts_are_slices(tmp_path: Path) -> None:
    content = os.urandom(20_000)
    (tmp_path / "file").write_bytes(content)
    with parts_of(tmp_path / "file") as parts:
        assert len(parts) == len(content)
        for start in (0, 7, 4090, 4100, 3, 19_990, 20_000, 30_000):
            for size in (0, 1, 60, 4096, 5000, 40_000):
                assert parts[start : start + size] == content[start : start + size]


def test_of_a_file_that_becomes_shorter_what_is_left_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a" * 10_000)
    with parts_of(tmp_path / "file") as parts:
        os.truncate(tmp_path / "file", 100)
        assert parts[50:150] == b"a" * 50
        assert parts[0:9_000] == b"a" * 100
        assert parts[5_000:5_010] == b""
