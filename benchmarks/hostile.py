"""Hostile input for the soak: files that mpy reads, changed at random; values that a config.py may hand over; calls of
the system that are refused. All in one process, which is warned after ten seconds and goes on.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LONGEST: Final = 10
TARGETS: Final = ("-t", "unix", "-t", "hvt")
Round = tuple[str, str | None, str]
"""What was done, what was found, and on which occasion."""

FILES: Final = {
    "mpy.toml": b'repositories = ["../b"]\n',
    "mpy.lock": b'format = 1\n[solved]\nocaml = "5.1"\n[[package]]\nname = "a"\nversion = "1"\nfolder = "a"\n',
    "duniverse/a/dune": b"(library (name a) (public_name a) (libraries b) (foreign_stubs (language c) (names s)))\n",
    "duniverse/a/dune-project": b"(lang dune 2.9)\n(name a)\n",
    "duniverse/a/a.opam": b'opam-version: "2.0"\ndepends: ["ocaml" {>= "4.08"} "dune"]\n',
    "duniverse/a/META": b'version = "1"\nrequires = "b"\narchive(native) = "a.cmxa"\n',
    "unikernel.ml": b"let start () = Lwt.return_unit\n",
    "config.ml": b'open Mirage\nlet main = main "Unikernel.English" job\nlet () = register "soak" [ main ]\n',
    "mirage/duniverse/.mpy/manifest.json": b'{"format": 1, "lock": "ab", "folders": {}}',
    "mirage/devices.json": b'{"format": 1, "made": []}',
    "dune-project": b"(lang dune 2.9)\n",
}
LINES: Final = (
    ("configure", *TARGETS),
    ("configure",),
    ("configure", "--dry-run"),
    ("describe",),
    ("describe", "--format", "json"),
    ("query", "packages"),
    ("query", "libraries"),
    ("lock", "--check"),
    ("pull", "--offline"),
    ("repo",),
    ("convert", "config.ml", "-o", "-"),
    ("run", "-t", "unix", "--dry-run"),
    ("clean",),
)
THINGS: Final = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b'"\\ud800"', b"9" * 5000, b"-1", b"1e999", b"NaN", b"null", b"true", b"[]"),
    *(
        b"{}",
        b'""',
        b"()",
        b"..",
        b'"../../x"',
        b"a" * 300,
        b"\n",
        b"\r",
        b"\\",
        b'"',
        b"'",
        b"(*",
        b"*)",
        b"%{",
        b"#|",
    ),
    *(
        b"\xe2\x80\xae",
        b"[" * 9000,
        b'{"a":' * 9000,
        b"(" * 9000,
        b"a = {" * 3000,
        b"!" * 5000,
        b"a." * 5000 + b"a = 1",
    ),
)
WORD: Final = re.compile(rb'[\w.-]+|"[^"]*"|[^\w\s]')
VALUES: Final = (
    *(
        "1",
        "None",
        "[1]",
        "{}",
        "''",
        "'a' * 300",
        "'\\0'",
        "'\\ud800'",
        "object()",
        "lambda: 1",
        "main",
        "job",
        "b'x'",
    ),
    *("b'x'", "float('nan')", "10 ** 5000", "[[]] * 3", "('a',)", "'../x'", "'a b'", "'\"'", "'*)'", "type", "..."),
    *(
        "{'a': 1}",
        "register",
        "key",
        "package('lwt')",
        "runtime_arg('A.b')",
        "range(3)",
        "(x for x in 'ab')",
        "True",
        "-1",
        "'é'",
    ),
)
CALLS: Final = (
    *("main('Unikernel.English', job, {})", "main({}, job)", "package({})", "package('lwt', {})", "register({}, [])"),
    *("register('a', {})", "register('a', [{}])", "runtime_arg({})", "runtime_arg('A.b', {})", "key.string({})"),
    *(
        "key.enum('k', {})",
        "key.enum('k', ['a'], default={})",
        "key.flag({})",
        "key.int('k', default={})",
        "override({})",
    ),
    *(
        "override({})",
        "main('U.A', job, packages={})",
        "main('U.A', job, runtime_args={})",
        "main('U.A', job, modules={})",
    ),
    *("package('a', stubs={})", "package('a', pin={})", "package('a', min={})", "package('a', libs={})", "job >> {}"),
    *("main('U.A', {} >> job) @ {}", "match_impl({}, {{}}, default={})", "functor({}, job)", "netif({})", "block({})"),
    *("generic_stackv4v6({})", "crunch({})", "direct_kv_ro({})", "http_server({})", "syslog_udp({})", "ipv4({})"),
    *("raise {}", "{}()", "import_({})", "device({}, {})", "c_sources({})", "main('U.A', job, deps={})"),
)


class Hung(BaseException):
    """More than ten seconds have gone by."""


def hostile_rounds(base: Path, chance: random.Random, until: float, config: str) -> Iterator[Round]:
    """Rounds until it is time, each in a fresh copy of one project."""
    os.environ |= {"XDG_CACHE_HOME": str(base / "cache"), "MPY_REMEMBER": "no"}
    fresh, folder = base / "fresh", base / "project"
    (fresh / "notes").mkdir(parents=True)
    for name, content in {**FILES, "config.py": config.encode(), "notes/mine.txt": b"mine"}.items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).write_bytes(content)
    (base / "x").write_text("beyond")
    os.chdir(fresh)
    _main(["configure", *TARGETS])
    while time.time() < until:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(fresh, folder)
        os.chdir(folder)
        kind, name, line = _prepared(folder, chance)
        content = (folder / name).read_bytes()
        code, said = _main(line)
        yield kind, _found(folder, name, content, code, said), f"{line} with {name}: {content[:400]!r}\n{said[-900:]}"


def _prepared(folder: Path, chance: random.Random) -> tuple[str, str, list[str]]:
    """Make something hostile in the folder: its kind, the file, and the line to run."""
    line = [*chance.choice(LINES)]
    if chance.random() < 0.3:
        call = chance.choice(CALLS)
        values = [chance.choice(VALUES) for _ in range(call.replace("{{}}", "").count("{}"))]
        text = f"from mirage_py import *\n\n{call.format(*values)}\nregister('a', [main('Unikernel.English', job)])\n"
        (folder / "config.py").write_text(text, errors="surrogatepass")
        return "values in a config.py", "config.py", [*chance.choice(LINES[1:6])]
    there = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "notes"]
    file = chance.choice(there)
    file.write_bytes(_mutated(file.read_bytes(), chance))
    return "mutated files", str(file.relative_to(folder)), line


def _mutated(content: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        words = list(WORD.finditer(content[:5000]))
        if not words:
            return chance.choice(THINGS)
        word, other = chance.choice(words), chance.choice(THINGS)
        before, after = content[: word.start()], content[word.end() :]
        changes = (
            before,
            before + after,
            before + word[0] * 2 + after,
            before + other + after,
            before + other + word[0],
        )
        content = chance.choice((*changes, before + other + word[0] + after, other))
    return content


def _main(line: list[str]) -> tuple[int | None, str]:
    """The exit code of a command line, None where it has none in time; and what it said."""
    from mirage_py.cli.app import main

    def expired(_number: int, _frame: object) -> None:
        raise Hung

    told = io.StringIO()
    signal.signal(signal.SIGALRM, expired)
    signal.alarm(LONGEST)
    try:
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            return main(line), told.getvalue()
    except Hung:
        return None, told.getvalue() + traceback.format_exc().replace("Traceback", "It was at")
    except BaseException:  # noqa: BLE001  # a configuration may raise whatever it likes
        return 70, told.getvalue() + traceback.format_exc()
    finally:
        signal.alarm(0)


def _found(folder: Path, name: str, content: bytes, code: int | None, said: str) -> str | None:
    if code is None:
        return "hang"
    if code == 70:
        return "bug"
    if "Traceback" in said:
        return "traceback"
    if code not in range(9):
        return "wrong code"
    if (folder.parent / "x").read_text() != "beyond":
        return "outside"
    kept = name.startswith(("mirage/", "dune-project")) or (folder / name).read_bytes() == content
    return None if kept and (folder / "notes/mine.txt").read_text() == "mine" else "lost"
