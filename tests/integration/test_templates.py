"""Each template of `mpy init` that needs MirageOS's libraries is built and used, where these libraries are.

`MPY_TEST_MIRROR` names a folder with an opam repository (`repo/`) and its archives by checksum (`mirror/`): what
`mpy lock` and `mpy pull` are then given.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Mpy
from tests.sources import mirror, pull_from_mirror

pytestmark = [pytest.mark.ocaml, pytest.mark.slow]

LONGEST = 1800
"""Seconds that a build from sources may take."""


def begun(template: str, folder: Path, mpy: Mpy, *choices: str) -> Path:
    """The project of a template, configured, with the sources of its libraries; a skip where there are none."""
    project = folder / template
    mpy("init", str(project), "--template", template, cwd=folder, code=0)
    mpy("configure", "-t", "unix", *choices, cwd=project, code=0)
    _with_libraries(project, mpy)
    return project


def _with_libraries(project: Path, mpy: Mpy) -> None:
    repository = mirror().parent / "repo"
    if not (repository.is_dir() and mirror().is_dir()):
        pytest.skip("MPY_TEST_MIRROR names no folder with repo/ and mirror/")
    locked = mpy("lock", "--repo", str(repository), cwd=project)
    if locked.code == 4:  # what the system has may be all that fits an older OCaml
        locked = mpy("lock", "--repo", str(repository), "--installed", cwd=project)
    if locked.code == 4:
        pytest.skip(f"no versions for the OCaml of this machine: {locked.stderr.splitlines()[0]}")
    assert locked.code == 0, locked.stderr
    pull_from_mirror(project, mpy)


def built(template: str, folder: Path, mpy: Mpy, *choices: str) -> Path:
    project = begun(template, folder, mpy, *choices)
    mpy("build", cwd=project, code=0, timeout=LONGEST)
    return project


@contextmanager
def running(project: Path, *words: str) -> Iterator[None]:
    """The image of the unix target as a process, until the test is done with it."""
    process = subprocess.Popen((project / "dist" / project.name, *words), cwd=project)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def connected(port: int) -> socket.socket:
    """A connection, once the unikernel listens."""
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            time.sleep(0.1)
    pytest.fail("nobody listens", pytrace=False)


def test_network_sends_back_what_it_gets(tmp_path: Path, mpy: Mpy) -> None:
    port = free_port()
    with running(built("network", tmp_path, mpy, "--net", "host"), f"--port={port}"), connected(port) as connection:
        connection.sendall(b"hello, unikernel")
        assert connection.recv(100) == b"hello, unikernel"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_block_counts_its_boots(tmp_path: Path, mpy: Mpy) -> None:
    project = built("block", tmp_path, mpy)
    mpy("run", "--setup", cwd=project, code=0, env={"MPY_YES": "1"})
    boots = [mpy("run", cwd=project, code=0) for _ in range(2)]
    assert [re.findall(r"boot number (\d+)", done.stdout + done.stderr) for done in boots] == [["1"], ["2"]]


def test_key_value_tells_its_files(tmp_path: Path, mpy: Mpy) -> None:
    done = mpy("run", cwd=built("key-value", tmp_path, mpy), code=0)
    assert "/greeting.txt: hello from a file" in done.stdout + done.stderr


def query(name: str) -> bytes:
    """A question for the IPv4 address of a name, as RFC 1035 writes it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 2026, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def test_dns_answers_for_its_zone(tmp_path: Path, mpy: Mpy) -> None:
    port = free_port()
    with running(built("dns", tmp_path, mpy, "--net", "host"), f"--port={port}"), connected(port) as connection:
        question = query("www.example.org")
        connection.sendall(struct.pack("!H", len(question)) + question)
        answer = connection.recv(1000)
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(10)
            datagrams.sendto(question, ("127.0.0.1", port))
            assert datagrams.recv(1000) == answer[2:]
    identity, flags, _, answers, *_ = struct.unpack("!6H", answer[2:14])
    assert (identity, flags & 0x840F, answers) == (2026, 0x8400, 1)  # a response, authoritative, no error
    assert socket.inet_aton("10.0.0.4") in answer


def test_web_answers_over_tls(tmp_path: Path, mpy: Mpy) -> None:
    port = free_port()
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with running(built("web", tmp_path, mpy, "--net", "host"), f"--port={port}", "--host=web.example.org"):
        for path, status, body in (("/", b"200", b"Hello from a unikernel.\n"), ("/x", b"404", b"no /x here")):
            with trusting.wrap_socket(connected(port), server_hostname="web.example.org") as connection:
                connection.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: web.example.org\r\nConnection: close\r\n\r\n".encode()
                )
                answer = b"".join(iter(lambda connection=connection: connection.recv(1000), b""))  # type: ignore[misc]
                certificate = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")
            assert answer.startswith(b"HTTP/1.1 " + status)
            assert body in answer
            assert "BEGIN CERTIFICATE" in certificate
