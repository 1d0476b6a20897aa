"""The network door against servers that behave, and servers that do not."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mirage_py.doors import network
from mirage_py.doors.network import Network
from mirage_py.errors import FetchFailed, MpyError, Unreachable

pytestmark = pytest.mark.slow

BODY = bytes(range(256)) * 2000
LIMIT = 10_000_000

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer, *, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """The address of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"{'https' if tls else 'http'}://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*os.environ,):
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)


def send(request: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


class Halting:
    """Sends half of what is left, promising all of it, and goes on where asked to."""

    def __init__(self, etag: str | None, *, whole_after: int) -> None:
        self.etag = {"ETag": etag} if etag else {}
        self.whole_after = whole_after
        self.ranges: list[str | None] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = BODY[start:]
        extra = {"Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if asked else {}
        if len(self.ranges) > self.whole_after:
            send(request, rest, 206 if asked else 200, **extra, **self.etag)
            return
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(len(rest)))
        for name, value in {**extra, **self.etag}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(rest[: len(rest) // 2])
        request.close_connection = True


def test_a_file_comes_whole_and_its_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(lambda request: send(request, BODY, ETag='"one"')) as url:
        done = Network().download(f"{url}/a", tmp_path / "x/a", limit=LIMIT, progress=lambda *now: told.append(now))
    assert done is not None
    assert (done.size, done.etag) == (len(BODY), '"one"')
    assert (tmp_path / "x/a").read_bytes() == BODY
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert os.listdir(tmp_path / "x") == ["a"]


def test_what_did_not_change_does_not_come_again(tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        send(request, b"", 304) if request.headers.get("If-None-Match") == '"one"' else send(request, BODY)

    with serving(answer) as url:
        assert Network().download(url, tmp_path / "a", limit=LIMIT, etag='"one"') is None
        assert Network().download(url, tmp_path / "a", limit=LIMIT, etag='"other"') is not None


@pytest.mark.parametrize(("etag", "checked"), [('"one"', False), (None, True)])
def test_a_server_that_stops_in_the_middle_is_asked_for_the_rest(
    etag: str | None, checked: bool, tmp_path: Path
) -> None:
    halting = Halting(etag, whole_after=2)
    with serving(halting) as url:
        Network().download(url, tmp_path / "a", limit=LIMIT, checked=checked)
    assert (tmp_path / "a").read_bytes() == BODY
    assert halting.ranges == [None, "bytes=256000-", "bytes=384000-"]


def test_a_file_that_nothing_names_is_not_pieced_together(tmp_path: Path) -> None:
    halting = Halting(None, whole_after=1)
    with serving(halting) as url:
        Network().download(url, tmp_path / "a", limit=LIMIT)
    assert halting.ranges == [None, None]


def test_a_server_that_always_stops_is_named_and_the_next_download_goes_on(tmp_path: Path) -> None:
    halting = Halting('"one"', whole_after=3)
    with serving(halting) as url:
        with pytest.raises(FetchFailed, match="the server stopped in the middle") as failed:
            Network().download(url, tmp_path / "a", limit=LIMIT)
        assert "what came is kept" in failed.value.details[0]
        assert not (tmp_path / "a").exists()
        Network().download(url, tmp_path / "a", limit=LIMIT)
    assert (tmp_path / "a").read_bytes() == BODY
    assert halting.ranges[3] == "bytes=448000-"


def test_a_server_that_falls_silent_in_the_middle_is_one_that_does_not_answer(tmp_path: Path) -> None:
    asked, over = [], threading.Event()

    def fall_silent(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_response(200)
        request.send_header("Content-Length", str(len(BODY)))
        request.end_headers()
        request.wfile.write(BODY[:1000])
        over.wait(5)

    with serving(fall_silent) as url:
        with pytest.raises(Unreachable, match="the server has stopped answering"):
            Network(silence=0.1).download(f"{url}/file", tmp_path / "file", limit=LIMIT)
        over.set()
    assert len(asked) == network.SILENCES


def test_a_file_that_changed_meanwhile_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"old beginning")
    (tmp_path / "a.part.etag").write_text('"old"')
    with serving(lambda request: send(request, BODY, ETag='"new"')) as url:
        Network().download(url, tmp_path / "a", limit=LIMIT)
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_refusal_is_told_with_its_number(status: int, tmp_path: Path) -> None:
    with (
        serving(lambda request: send(request, b"no", status)) as url,
        pytest.raises(FetchFailed, match=f"answers {status}") as failed,
    ):
        Network().download(f"{url}/gone.tbz", tmp_path / "a", limit=LIMIT)
    assert failed.value.hint
    assert not (tmp_path / "a").exists()


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        send(request, BODY) if len(asked) > 1 else send(request, b"", 503)

    with serving(answer) as url:
        assert Network().download(url, tmp_path / "a", limit=LIMIT)
    assert len(asked) == 2


@pytest.mark.parametrize("promised", [True, False])
def test_more_than_the_limit_is_refused(promised: bool, tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if promised:
            send(request, BODY)
            return
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(BODY)
        request.close_connection = True

    with serving(answer) as url, pytest.raises(FetchFailed, match="where at most 1000 may"):
        Network().download(url, tmp_path / "a", limit=1000)
    assert not (tmp_path / "a").exists()


def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchFailed, match=f"http://127.0.0.1:{port}/a: .*refused"):
        Network().download(f"http://127.0.0.1:{port}/a", tmp_path / "a", limit=LIMIT)


def test_an_unknown_host(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="no address is known for this host") as failed:
        Network().download("http://nowhere.invalid/a", tmp_path / "a", limit=LIMIT)
    assert "object at" not in str(failed.value)


def test_offline_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(FetchFailed, match="--offline opens no connection"):
        Network(offline=True).download("http://localhost/a", tmp_path / "a", limit=LIMIT)


def test_a_proxy_is_used_but_not_for_what_no_proxy_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy(request: BaseHTTPRequestHandler) -> None:
        who = request.headers.get("Proxy-Authorization")
        send(request, f"proxy, {request.path}, {who}".encode())

    with serving(proxy) as address, serving(lambda request: send(request, b"direct")) as direct:
        monkeypatch.setenv("http_proxy", address.replace("//", "//me:it%27s@"))
        monkeypatch.setenv("no_proxy", "localhost")
        door = Network()
        assert door.read(f"{direct}/a", limit=LIMIT) == b"direct"
        assert door.read("http://elsewhere.invalid/a", limit=LIMIT) == (
            b"proxy, http://elsewhere.invalid/a, Basic bWU6aXQncw=="
        )


def test_a_proxy_of_another_kind_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://localhost:1")
    with pytest.raises(FetchFailed, match="the proxy socks5://localhost:1 is of a kind"):
        Network().read("http://elsewhere.invalid/a", limit=LIMIT)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    try:
        subprocess.run(
            ("openssl", *words.split(), "-keyout", "key.pem", "-out", "cert.pem"),
            cwd=folder,
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not on PATH: no certificate to serve with")
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_of_ones_own_authority(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda request: send(request, b"safe"), tls=certificate) as url:
        with pytest.raises(FetchFailed, match="certificate verify failed") as failed:
            Network().read(f"{url}/a", limit=LIMIT)
        assert failed.value.hint
        assert "SSL_CERT_FILE" in failed.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert Network().read(f"{url}/a", limit=LIMIT) == b"safe"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(FetchFailed, match=r"SSL_CERT_FILE names .*gone\.pem, which is not there"):
        Network().read(f"{url}/a", limit=LIMIT)


def test_a_way_that_leaves_tls_is_not_gone(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with (
        serving(lambda request: send(request, b"plain")) as plain,
        serving(lambda request: send(request, b"", 302, Location=f"{plain}/b"), tls=certificate) as url,
        pytest.raises(FetchFailed, match="which is not encrypted"),
    ):
        Network().download(f"{url}/a", tmp_path / "a", limit=LIMIT)


def test_a_redirection_is_followed_and_a_ring_is_not(tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        match request.path:
            case "/a":
                send(request, b"", 301, Location="/b")
            case "/b":
                send(request, BODY)
            case _:
                send(request, b"", 302, Location="/ring")

    with serving(answer) as url:
        assert Network().read(f"{url}/a", limit=LIMIT) == BODY
        with pytest.raises(FetchFailed, match="too many redirects"):
            Network().read(f"{url}/ring", limit=LIMIT)


def test_a_closed_door_stops_what_is_on_its_way(tmp_path: Path) -> None:
    door = Network()
    with serving(lambda request: send(request, BODY)) as url, pytest.raises(FetchFailed, match="interrupted"):
        door.download(url, tmp_path / "a", limit=LIMIT, progress=lambda *_: door.close())


def test_a_full_disk_is_told_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Network, "_copy", full)
    with (
        serving(lambda request: send(request, BODY)) as url,
        pytest.raises(MpyError, match="cannot write: No space left on device"),
    ):
        Network().download(url, tmp_path / "a", limit=LIMIT)
    assert not (tmp_path / "a").exists()


def test_two_that_want_one_file_do_not_mix_it(tmp_path: Path) -> None:
    started = threading.Barrier(2, timeout=10)

    def answer(request: BaseHTTPRequestHandler) -> None:
        started.wait()
        send(request, BODY)

    with serving(answer) as url:
        threads = [
            threading.Thread(target=Network().download, args=(url, tmp_path / "a"), kwargs={"limit": LIMIT})
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tmp_path / "a").read_bytes() == BODY
    assert [file.name for file in tmp_path.glob("*.part")] == []


def test_only_the_door_opens_sockets() -> None:
    package = Path(network.__file__).parent.parent
    words = ("import socket", "import ssl", "import urllib3", "from urllib3", "import http", "urllib.request")
    opening = [
        str(file.relative_to(package))
        for file in sorted(package.rglob("*.py"))
        if any(word in file.read_text(encoding="utf-8") for word in words)
    ]
    assert opening == ["doors/network.py"]
