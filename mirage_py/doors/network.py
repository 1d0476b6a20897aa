"""The one door to the network: nothing else opens a socket.

What comes in is bounded, goes into a file, and goes on where it stopped the last time. Proxies are those of the usual
variables (`https_proxy`, `no_proxy`), certificates those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`. A
door that was made with `offline` refuses before it looks at anything.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Event, Lock, get_ident
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urlsplit

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import FetchFailed, Location, MpyError, Unreachable

if TYPE_CHECKING:
    from ssl import SSLContext

    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["Downloaded", "Network", "is_remote"]

TRIES: Final = 3
"""How often one file is asked for when the other side stops in the middle or is busy."""

SILENCES: Final = 2
"""How often where it falls silent: whoever does that twice is not asked for other files either."""

CHUNK: Final = 1 << 16

CONNECT: Final = 20.0
SILENCE: Final = 60.0
"""Seconds that a server may take to answer at all, and to go on."""

Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and how many there will be when the server says so."""


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """A file that came; `etag` is what the server calls this state of it, to ask for a newer one next time."""

    path: Path
    size: int
    etag: str | None = None


class _Stopped(Exception):
    """The other side ended before the file did, or is `silent`; what came is kept."""

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """One file on its way: from where, into what, and what is known of it."""

    url: str
    part: Path
    limit: int
    progress: Progress
    etag: str | None
    checked: bool


@dataclass(kw_only=True)
class Network:
    """The door, open or (`offline`) shut. One serves any number of threads; `close` makes all of them stop."""

    offline: bool = False
    connect: float = CONNECT
    silence: float = SILENCE
    closing: Event = field(default_factory=Event)

    def download(
        self,
        url: str,
        target: Path,
        *,
        limit: int,
        progress: Progress = lambda _have, _all: None,
        etag: str | None = None,
        checked: bool = False,
    ) -> Downloaded | None:
        """The file at `url` as `target`, which appears whole or not at all; None when it still is what `etag` names.

        What came of a file that stopped is kept beside it, and the next call goes on from there when the server says
        that it is the same file, or when the caller will see (`checked`: a checksum is known). Raises `FetchFailed`
        when the door is shut, nobody answers, the server says no, or more than `limit` bytes come.
        """
        if self.offline:
            raise FetchFailed(f"{url} is not here, and --offline opens no connection", hint=_OFFLINE)
        with _translated(target), _own_part(target) as part:
            wanted = _Wanted(url=url, part=part, limit=limit, progress=progress, etag=etag, checked=checked)
            done = self._insist(wanted)
            if done is None:
                return None
            part.replace(target)
            _note_etag(part, None)
            return Downloaded(path=target, size=done.size, etag=done.etag)

    def read(self, url: str, *, limit: int) -> bytes:
        """A small file's content."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="mpy-") as folder:
            target = Path(folder) / "file"
            self.download(url, target, limit=limit)
            return target.read_bytes()

    def close(self) -> None:
        """Let every download of this door stop at its next bytes."""
        self.closing.set()

    def _insist(self, wanted: _Wanted) -> Downloaded | None:
        """The file in its part, asked for again while the other side ends too early."""
        for attempt in range(1, TRIES + 1):
            try:
                return self._attempt(wanted)
            except _Stopped as stopped:
                if attempt == (SILENCES if stopped.silent else TRIES) or self.closing.is_set():
                    kind = Unreachable if stopped.silent else FetchFailed
                    raise kind(
                        f"{wanted.url}: {stopped}",
                        details=(
                            f"asked {attempt} times; what came is kept, and the next download goes on from there",
                        ),
                        hint="run the command again",
                    ) from None
                self.closing.wait(0.2 * attempt)
        raise AssertionError

    def _attempt(self, wanted: _Wanted) -> Downloaded | None:
        known = _part_etag(wanted.part)
        have = wanted.part.stat().st_size if known or wanted.checked else 0
        with self._answer(wanted, have, known) as answer:
            if answer.status == 304:
                return None
            if answer.status == 416:  # what we have is not a beginning of what is there now
                os.truncate(wanted.part, 0)
                raise _Stopped("the server does not go on from where the last download stopped")
            _check(wanted.url, answer, have)
            named = answer.headers.get("ETag")
            _note_etag(wanted.part, named)
            size = self._receive(wanted, answer, have if answer.status == 206 else 0)
        return Downloaded(path=wanted.part, size=size, etag=named)

    @contextmanager
    def _answer(self, wanted: _Wanted, have: int, known: str | None) -> Iterator[BaseHTTPResponse]:
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        headers = {"Accept-Encoding": "identity", "User-Agent": "mpy"}
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": known} if known else {})
        elif wanted.etag:
            headers["If-None-Match"] = wanted.etag
        try:
            pool = self._pool(wanted.url)
            answer = pool.request("GET", wanted.url, headers=headers, preload_content=False, decode_content=False)
        except HTTPError as error:
            raise _unreachable(wanted.url, error) from None
        try:
            yield answer
        except HTTPError as error:
            raise _Stopped(_reason(error), silent=isinstance(_innermost(error), ReadTimeoutError)) from None
        finally:
            answer.close()

    def _receive(self, wanted: _Wanted, answer: BaseHTTPResponse, start: int) -> int:
        """The size of the file, all of which is in the part now."""
        length = answer.headers.get("Content-Length", "")
        expected = start + int(length) if length.isdigit() else None
        if expected is not None and expected > wanted.limit:
            raise _too_large(wanted, expected)
        with wanted.part.open("r+b") as file:
            file.truncate(start)
            file.seek(start)
            have = self._copy(wanted, answer, file, expected)
        if expected is not None and have < expected:
            raise _Stopped(f"the server stopped after {have} of {expected} bytes")
        return have

    def _copy(self, wanted: _Wanted, answer: BaseHTTPResponse, file: BinaryIO, expected: int | None) -> int:
        have = file.tell()
        wanted.progress(have, expected)
        for chunk in answer.stream(CHUNK, decode_content=False):
            if self.closing.is_set():
                raise FetchFailed(f"{wanted.url}: interrupted")
            have += len(chunk)
            if have > wanted.limit:
                raise _too_large(wanted, have)
            file.write(chunk)
            wanted.progress(have, expected)
        return have

    def _pool(self, url: str) -> PoolManager:
        from urllib3 import PoolManager, ProxyManager

        proxy = _proxy_for(url)
        with self._pools_lock:
            if proxy not in self._pools:
                made = PoolManager(**self._settings) if proxy is None else None
                self._pools[proxy] = made or ProxyManager(
                    str(proxy), proxy_headers=_credentials(str(proxy)), **self._settings
                )
            return self._pools[proxy]

    @cached_property
    def _pools(self) -> dict[str | None, PoolManager]:
        return {}

    @cached_property
    def _pools_lock(self) -> Lock:
        return Lock()

    @cached_property
    def _settings(self) -> dict[str, Any]:  # any: arguments of unlike types
        from logging import ERROR, getLogger

        from urllib3 import Retry, Timeout

        getLogger("urllib3").setLevel(ERROR)  # what it warns of ends in an error of ours, or did not matter
        busy = (429, 502, 503, 504)
        again = Retry(
            total=5,
            other=0, connect=1, read=1, redirect=5, status=2, status_forcelist=busy,
            backoff_factor=0.3, raise_on_status=False,
        )  # fmt: skip
        timeout = Timeout(connect=self.connect, read=self.silence)
        return {"ssl_context": _trust(), "timeout": timeout, "retries": again, "maxsize": 16}


_ELSEWHERE: Final = "try again later"

_OFFLINE: Final = "run the command without --offline once"


def is_remote(source: str) -> bool:
    """Whether this is an address that the door serves."""
    return source.startswith(("https://", "http://"))


@contextmanager
def _own_part(target: Path) -> Iterator[Path]:
    """The file that a download goes into, for this thread alone: a second one takes another and starts afresh."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for name in (f"{target.name}.part", f"{target.name}.{os.getpid()}-{get_ident()}.part"):
        part = target.with_name(name)
        with part.open("ab") as handle:
            try:
                fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if part.exists() and os.path.samestat(os.fstat(handle.fileno()), part.stat()):
                yield part
                return


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MpyError(
            f"cannot write: {error.strerror or error}",
            location=Location.of(error.filename or path),
            hint="check the permissions of the directory and the space on its disk",
        ) from None


def _trust() -> SSLContext:
    """The system's certificates, or those of SSL_CERT_FILE and SSL_CERT_DIR, which OpenSSL reads itself."""
    import ssl

    for name, there in (("SSL_CERT_FILE", os.path.isfile), ("SSL_CERT_DIR", os.path.isdir)):
        named = os.environ.get(name)
        if named and not there(named):
            raise FetchFailed(f"{name} names {named}, which is not there", hint=f"correct {name}, or unset it")
    return ssl.create_default_context()


def _proxy_for(url: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in {"http", "https"}:
        raise FetchFailed(f"the proxy {proxy} is of a kind that mpy does not speak", hint="name an http:// proxy")
    return proxy


def _credentials(proxy: str) -> dict[str, str]:
    from urllib.parse import unquote

    from urllib3 import make_headers

    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def _check(url: str, answer: BaseHTTPResponse, have: int) -> None:
    """Refuse an answer that is not the file: another status, or a way that left TLS."""
    landed = answer.geturl() or url
    if url.startswith("https://") and urlsplit(landed).scheme == "http":
        raise FetchFailed(f"{url} leads to {landed}, which is not encrypted", hint="name another source")
    if answer.status not in {200, 206}:
        raise FetchFailed(
            f"{url}: the server answers {answer.status} {answer.reason or ''}".rstrip(),
            details=(f"redirected to {landed}",) if landed not in {url, urlsplit(url).path} else (),
            hint=_status_hint(answer.status),
        )
    if answer.status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        raise FetchFailed(f"{url}: the server sends another part of the file than it was asked for", hint=_ELSEWHERE)


def _status_hint(status: int) -> str:
    match status:
        case 401 | 403 | 407:
            return "this source, or the proxy before it, wants a name and a password"
        case 404 | 410:
            return "the file is no longer there: name a mirror that has it with --mirror"
        case _:
            return _ELSEWHERE


def _too_large(wanted: _Wanted, size: int) -> FetchFailed:
    return FetchFailed(
        f"{wanted.url}: at least {size} bytes come where at most {wanted.limit} may",
        hint="look at what this address gives",
    )


def _unreachable(url: str, error: Exception) -> Unreachable:
    return Unreachable(f"{url}: {_reason(error)}", hint=_way_out(error))


def _reason(error: BaseException) -> str:
    """The cause at the bottom of what the HTTP library tells, in a line."""
    from urllib3 import exceptions as of

    error = _innermost(error)
    match error:
        case of.NameResolutionError():
            return "no address is known for this host: is there a network, and is the name right?"
        case of.ConnectTimeoutError() if not isinstance(error, of.NewConnectionError):
            return "nobody answers"
        case of.ReadTimeoutError():
            return "the server has stopped answering"
        case of.IncompleteRead():
            return "the server stopped in the middle"
        case _:
            pass
    # "HTTPSConnection(host=…, port=…): Failed to …" says nothing that the address does not
    return re.sub(r"^\w*Connection(Pool)?\([^)]*\): ", "", str(error)) or type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    """What an error of the library was raised for, which it keeps in one of three ways."""
    told = [getattr(error, "reason", None), getattr(error, "original_error", None), *error.args]
    inner = next((one for one in told if isinstance(one, BaseException)), None)
    return error if inner is None else _innermost(inner)


def _way_out(error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "if your network has its own certificate authority, name its file in SSL_CERT_FILE"
    return "check the connection (and https_proxy, if there is one)"


def _part_etag(part: Path) -> str | None:
    """What the server called the file whose beginning is in `part`."""
    try:
        return part.with_name(f"{part.name}.etag").read_text("utf-8") or None
    except OSError:
        return None


def _note_etag(part: Path, etag: str | None) -> None:
    note = part.with_name(f"{part.name}.etag")
    if etag and not etag.startswith("W/"):  # a weak one says nothing about bytes
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(etag, "utf-8")
    else:
        note.unlink(missing_ok=True)
