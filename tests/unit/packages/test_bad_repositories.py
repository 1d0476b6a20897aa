"""Repositories and archives that cannot be had, or are not what they should be: one clear line, and what was stays."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Literal

import pytest

from mirage_py.cli.app import main
from mirage_py.packages.lock import FILE
from mirage_py.packages.lock_file import read_lock
from tests.unit.doors.test_network import send, serving
from tests.unit.packages.repository import Published

pytestmark = pytest.mark.slow

CONFIG = """\
from mirage_py import *

register("hello", [main("Unikernel", job, packages=[package("one")])])
"""
HERE = ("-t", "unix", "--ocaml", "4.14.2", "--dune", "3.17.2")


class Served:
    """A repository behind HTTP, and what its server does: all right, 404, or half of the archive."""

    def __init__(self, published: Published) -> None:
        self.published = published
        self.mood = "right"
        self.url = ""

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        data = self._archive()
        match self.mood:
            case "gone":
                send(request, b"not here", 404)
            case "page":
                send(request, b"<html>please log in</html>")
            case "half":
                request.send_response(200)
                request.send_header("Content-Length", str(len(data)))
                request.end_headers()
                request.wfile.write(data[: len(data) // 2])
                request.close_connection = True
            case _:
                send(request, data)

    def _archive(self) -> bytes:
        path = self.published.root / "index.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            tar.add(self.published.source, arcname=".")
        return path.read_bytes()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "config.py").write_text(CONFIG)
    (folder / "unikernel.ml").write_text("let start () = Lwt.return_unit\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path)
    for name in ("lwt", "logs", "cmdliner", "ptime", "mtime", "fmt"):
        made.publish(name, "9.0.0")
    made.publish("one", "1.0.0")
    return made


@pytest.fixture
def served(published: Published, project: Path) -> Iterator[Served]:
    made = Served(published)
    with serving(made) as url:
        made.url = f"{url}/index.tar.gz"
        (project / "mpy.toml").write_text(f'repositories = ["{made.url}"]\n')
        yield made


def version(project: Path) -> str:
    return read_lock(project).package("one").version  # type: ignore[union-attr]


WRONG = {
    "gone": "the server answers 404",
    "half": "the server stopped in the middle",
    "page": "this is no tar archive",
}


@pytest.mark.parametrize("mood", WRONG)
def test_repository_that_cannot_be_had_is_a_line_and_the_kept_one_serves(
    project: Path, served: Served, mood: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served.mood = mood
    assert main(["lock", *HERE]) == 1
    told = capsys.readouterr().err
    assert WRONG[mood] in told
    assert served.url in told
    assert not (project / FILE).exists()
    served.mood = "right"
    assert main(["lock", *HERE]) == 0
    served.mood = mood
    served.published.publish("one", "2.0.0")
    assert main(["repo", "update"]) == 1
    assert WRONG[mood] in capsys.readouterr().err
    assert main(["lock", "--update", *HERE]) == 0
    assert version(project) == "1.0.0"
    served.mood = "right"
    assert main(["repo", "update"]) == 0
    assert main(["lock", "--update", *HERE]) == 0
    assert version(project) == "2.0.0"


@pytest.mark.parametrize(
    ("mode", "bound", "most", "told"),
    [
        *((mode, "MOST", 1 << 20, "the archive unpacks to more than 1 MiB") for mode in ("gz", "bz2", "xz", "")),
        ("gz", "MOST_FILES", 100, "the archive has more than 100 files"),
    ],
)
def test_repository_that_is_too_large_is_a_line_and_nothing_is_kept(
    mode: Literal["gz", "bz2", "xz", ""],
    bound: str,
    most: int,
    told: str,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archive = tmp_path / "index.tar"
    with tarfile.open(archive, f"w:{mode}") as tar:  # type: ignore[call-overload]  # of one form each
        for number in range(110):
            member = tarfile.TarInfo(f"packages/one/one.{number}/opam")
            member.size = 10_000
            tar.addfile(member, io.BytesIO(b"#" * member.size))
    monkeypatch.setattr(f"mirage_py.packages.snapshot.{bound}", most)
    assert main(["lock", *HERE, "--repo", str(archive)]) == 1
    assert told in capsys.readouterr().err
    assert not (project / FILE).exists()
    assert not list(tmp_path.rglob("*.data"))


@pytest.mark.parametrize("kind", ["data", "json", "read"])
def test_what_was_kept_of_a_repository_and_cut_short_is_read_anew(
    kind: str, project: Path, published: Published, tmp_path: Path
) -> None:
    published.publish("one", "1.0.0", more='patches: ["a.patch"]\n')
    archive = Path(shutil.make_archive(str(tmp_path / "index"), "gztar", published.source))
    assert main(["lock", *HERE, "--repo", str(archive)]) == 0
    right = (project / FILE).read_bytes()
    (kept,) = (tmp_path / "cache/mpy/repositories").glob(f"*.{kind}")
    kept.write_bytes(kept.read_bytes()[:100])
    assert main(["lock", *HERE, "--repo", str(archive)]) == 0
    assert (project / FILE).read_bytes() == right


def test_no_network_is_a_line(project: Path, served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mpy.toml").write_text('repositories = ["http://127.0.0.1:9/index.tar.gz"]\n')
    assert main(["lock", *HERE]) == 1
    told = capsys.readouterr().err
    assert "http://127.0.0.1:9/index.tar.gz" in told
    assert "check the connection" in told


def test_package_that_vanished_is_replaced_and_told(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lock", "--repo", published.source, *HERE]
    assert main(words) == 0
    published.publish("one", "2.0.0")
    published.withdraw("one", "1.0.0")
    capsys.readouterr()
    assert main([*words, "--diff"]) == 0
    assert "~ one 1.0.0 -> 2.0.0" in capsys.readouterr().out
    assert version(project) == "1.0.0"
    assert main(words) == 0
    assert version(project) == "2.0.0"
    published.withdraw("one", "2.0.0")
    assert main(words) == 4
    assert "no repository has a package one" in capsys.readouterr().err
    assert version(project) == "2.0.0"


def test_what_vanished_is_still_pulled_as_it_was_locked(project: Path, published: Published) -> None:
    assert main(["lock", "--repo", published.source, *HERE]) == 0
    published.withdraw("one", "1.0.0")
    assert main(["pull", "--offline", "--mirror", str(published.mirror)]) == 0
    assert (project / "mirage/duniverse/one/one.opam").is_file()


def test_full_disk_while_a_repository_is_kept(
    project: Path, published: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["lock", "--repo", published.source, *HERE]) == 1
    told = capsys.readouterr().err
    assert "No space left on device" in told
    assert "check the space on the disk" in told
    assert not (project / FILE).exists()


def test_full_disk_while_the_lock_is_written_leaves_the_old_one(
    project: Path, published: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lock", "--repo", published.source, *HERE]
    assert main(words) == 0
    before = (project / FILE).read_bytes()
    published.publish("one", "2.0.0")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert main([*words, "--update"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert (project / FILE).read_bytes() == before


def test_archive_that_no_server_has_is_told_with_every_place(
    project: Path, published: Published, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lock", "--repo", published.source, *HERE]) == 0
    text = (project / FILE).read_text().replace("http://releases.invalid", served.url.rpartition("/")[0])
    (project / FILE).write_text(text)
    served.mood = "gone"
    mirror = f"{served.url.rpartition('/')[0]}/mirror"
    assert main(["pull", "--mirror", mirror]) == 1
    told = capsys.readouterr().err
    assert f"{mirror}/sha256/" in told
    assert "the server answers 404" in told
    assert "nothing was changed" in told
    assert not (project / "mirage/duniverse").exists()
