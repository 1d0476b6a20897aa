"""`make truth`: every installed library linked whole by the cross compiler and run on spt, held against its verdict.

A library is linked with all of its units (`force.ml` sets their mark in a copy of the `.cmxa`) and with what they
import, into a program that prints one line. C archives are this machine's, since no others are there: where a verdict
says that stubs have to be recompiled, what such an image does after it was linked tells nothing, and is left out.

Vendored libraries are compared with what `benchmarks.verdicts --work` found out when it built and ran them.

    python -m benchmarks.truth [--path FOLDER]... [--work FOLDER]... [--not-installed] [--table FILE] [LIBRARY]...
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.agreement import Row, Truth, judge, table
from benchmarks.vendored_truth import rows_of
from mirage_py.audit import audit, with_toolchain
from mirage_py.audit.closure import Closure, closure_of
from mirage_py.audit.code import code_of
from mirage_py.audit.evidence import in_link_order, whole
from mirage_py.audit.names import source_names
from mirage_py.audit.rules import IN_STDLIB, rule_for
from mirage_py.audit.sources import Sources
from mirage_py.libraries.findlib import Findlib, findlib_for
from mirage_py.model.audit import AuditRequest, Root
from mirage_py.model.library import Library
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, discover_host, from_environment

MARK: Final = "truth: started"
STARTUP: Final = """
#include <solo5.h>
#define CAML_NAME_SPACE
#include <caml/callback.h>
void _nolibc_init(uintptr_t, size_t);
static char *argv[] = { "truth", NULL };
int solo5_app_main(const struct solo5_start_info *si) {
  _nolibc_init(si->heap_start, si->heap_size);
  caml_startup(argv);
  return 0;
}
"""
MANIFEST: Final = '{"type": "solo5.manifest", "version": 1, "devices": []}'


def main() -> None:
    """Print the table of agreement and every disagreement; 1 where a verdict said "runs" and it did not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", action="append", type=Path, default=[], help="a further folder of libraries")
    parser.add_argument(
        "--work", action="append", type=Path, default=[], help="a folder in which benchmarks.verdicts built and ran"
    )
    parser.add_argument("--not-installed", action="store_true", help="leave out the libraries that findlib knows")
    parser.add_argument("--table", type=Path, help="where to write the table of agreement")
    parser.add_argument("libraries", nargs="*", metavar="LIBRARY")
    given = parser.parse_args()
    choice = from_environment(ToolchainChoice())
    toolchain = discover("spt", choice, discover_host(choice))
    found = findlib_for(toolchain, Findlib.discover())
    path = (*toolchain.libraries, *(folder.absolute() for folder in given.path), *found.path)
    with tempfile.TemporaryDirectory(prefix="mpy-truth-") as folder:
        linker = Linker(toolchain, path, Path(folder))
        names = () if given.not_installed else given.libraries or Findlib(path).names()
        rows = [told_of(row) for name in names if (row := linker.row(name))]
    rows += [told_of(row) for work in given.work for row in rows_of(work, toolchain, path)]
    told = "\n".join(table(rows)) + "\n"
    print(told)
    if given.table:
        given.table.write_text(told, "utf-8")
    raise SystemExit(any(row.judgement == "false: runs" for row in rows))


def told_of(row: Row) -> Row:
    """The row, shown while others are made: a run over many libraries takes long."""
    print(f"{row.library}: {row.verdict}; it {row.truth.state}; {row.judgement}", file=sys.stderr, flush=True)
    return row


class Linker:
    """The toolchain, where libraries are, and a folder with the objects that every program has."""

    def __init__(self, toolchain: Toolchain, path: tuple[Path, ...], folder: Path) -> None:
        self.toolchain = toolchain
        self.path = path
        self.folder = folder
        search = os.pathsep.join([*map(str, toolchain.path), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": search}
        self.host_stdlib = Findlib(path).stdlib
        self.beside = folder / "beside"
        self._prepare()

    def row(self, name: str) -> Row | None:
        """The verdict on a library beside what becomes of it; None for a name of which nothing is there."""
        roots = (Root(library=name),)
        report = audit(with_toolchain(AuditRequest(roots=roots, targets=("spt",), path=self.path), self.toolchain))
        verdict = next((row.verdict for row in report.libraries if row.library == name), None)
        if verdict is None:
            return None
        truth = self.truth(closure_of(roots, Sources(self.path)))
        return Row(library=name, verdict=verdict, truth=truth, judgement=judge(verdict, truth))

    def truth(self, closure: Closure) -> Truth:
        """Link the closure of one library, and run it."""
        missing = [need for node in closure.nodes.values() for need in node.missing if rule_for(need) is None]
        if missing:
            return Truth(state="is not all here", text=f"{missing[0]} is not here")
        refused = [name for name, node in closure.nodes.items() if rule_for(name) and not self._own(node.library.meta)]
        if refused:
            return Truth(state="does not link", text=f"mpy build refuses {refused[0]}")
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            return self._linked(closure, Path(place))

    def _own(self, meta: Path | None) -> bool:
        return meta is not None and any(meta.is_relative_to(folder) for folder in self.toolchain.libraries)

    def _linked(self, closure: Closure, place: Path) -> Truth:
        archives = tuple(self._archives(closure, place))
        gone = [path for path in archives if not path.exists()]
        if gone:
            return Truth(state="does not link", text=f"{gone[0].name} is not there")
        named = dict.fromkeys(folder for node in closure.nodes.values() for folder in _folders(node.library))
        folders = [self.beside if folder == self.host_stdlib else folder for folder in named]
        words = [word for folder in folders for word in ("-I", str(folder))]
        image = place / "truth.spt"
        last = ("main.cmx", "startup.o", "manifest.o", "-cclib", "-z solo5-abi=spt", "-o", str(image))
        done = self._run(str(self.toolchain.ocamlopt), *words, *map(str, archives), *last)
        if done.returncode:
            return Truth(state="does not link", text=done.stderr, host_only=_is_of_host(done.stderr))
        return self._started(image)

    def _started(self, image: Path) -> Truth:
        try:
            done = self._run(str(self.toolchain.tender or "solo5-spt"), str(image))
        except subprocess.TimeoutExpired:
            return Truth(state="ends", text="it does not end")
        if done.returncode == 0 and MARK in done.stdout:
            return Truth(state="runs")
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "STUB" in line or "Fatal" in line]
        text = lines[0] if lines else f"it ends with {done.returncode}"
        return Truth(state="ends", text=text, by_signal=done.returncode < 0)

    def _archives(self, closure: Closure, place: Path) -> Iterator[Path]:
        """The closure's archives in link order, those of the library itself with every unit forced."""
        roots = whole(
            closure, [code_of(node.library) for node in closure.nodes.values() if not rule_for(node.library.name)]
        )
        for name in in_link_order(closure):
            for named in closure.nodes[name].library.archives if name not in IN_STDLIB else ():
                own = self.toolchain.stdlib / named.name
                archive = own if named.parent == self.host_stdlib and own.exists() else named
                needless = not archive.exists() and name.split(".")[0] in ("compiler-libs", "dynlink", "findlib")
                if archive.suffix in (".cmxa", ".cmx") and not needless:
                    yield self._forced(archive, place / name) if name in roots and archive.exists() else archive

    def _forced(self, archive: Path, place: Path) -> Path:
        if archive.suffix != ".cmxa":
            return archive
        place.mkdir(exist_ok=True)
        made = place / archive.name
        self._run(str(self.folder / "force"), str(archive), str(made), check=True)
        objects = archive.with_suffix(".a")
        if objects.exists():
            made.with_suffix(".a").symlink_to(objects)
        return made

    def _prepare(self) -> None:
        self.beside.mkdir()
        for file in self.host_stdlib.iterdir():  # its runtime is the host's, and would be found before the target's
            if not (self.toolchain.stdlib / file.name).exists() and not file.name.startswith("libasmrun"):
                (self.beside / file.name).symlink_to(file)
        (self.folder / "startup.c").write_text(STARTUP)
        (self.folder / "manifest.json").write_text(MANIFEST)
        (self.folder / "main.ml").write_text(f'let () = print_endline "{MARK}"')
        shutil.copy(Path(__file__).with_name("force.ml"), self.folder)
        self._run("ocamlfind", "ocamlopt", "-package", "compiler-libs.common", "-linkpkg", "force.ml", "-o", "force")
        self._run(str(self.toolchain.elftool), "gen-manifest", "manifest.json", "manifest.c", check=True)
        self._run(str(self.toolchain.ocamlopt), "-c", "main.ml", "startup.c", "manifest.c", check=True)

    def _run(self, *argv: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=check,
        )


def _folders(library: Library) -> Iterable[Path]:
    return dict.fromkeys((library.directory, *(path.parent for path in library.archives)))


def _is_of_host(stderr: str) -> bool:
    """Whether only names are undefined that the host's headers put into the host's archives."""
    lines = [line for line in stderr.splitlines() if "undefined reference to" in line]
    names = {line.partition("undefined reference to `")[2].rstrip("'") for line in lines}
    return bool(names) and all(source_names(name) is not None for name in names)


if __name__ == "__main__":
    main()
