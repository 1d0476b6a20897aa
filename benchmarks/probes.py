"""Programs that link libraries whole, as dune builds them from sources; and what becomes of each library.

The project is one that `mpy configure` and `mpy build` have made for unix and spt, with the sources in `duniverse/`:
the same workspace, toolchain and findlib as for a unikernel. A program prints one line after all units of its library
have started.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mirage_py.build.linkmap import linked_objects
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.librarystanza import Stanza
from mirage_py.libraries.vendored import Vendored
from mirage_py.model.gaps import FUNCTIONS, gaps_library

State = Literal["runs", "ends", "does not link", "does not build", "is of the host", "is not all here"]

MARK: Final = "probe: started"
CONFIG: Final = """from mirage_py import fill, job, main, register

register("probes", [main("Unikernel", job{gaps})])
"""
UNIKERNEL: Final = "let start () = Lwt.return_unit\n"
START: Final = """
#include <solo5.h>
#define CAML_NAME_SPACE
#include <caml/callback.h>
void _nolibc_init(uintptr_t, size_t);
static char *argv[] = { "probe", NULL };
int solo5_app_main(const struct solo5_start_info *si) {
  _nolibc_init(si->heap_start, si->heap_size);
  caml_startup(argv);
  return 0;
}
"""
MANIFEST: Final = '{"type": "solo5.manifest", "version": 1, "devices": []}'
COMMON: Final = """(rule (targets manifest.c) (deps manifest.json) (enabled_if (= %{context_name} solo5))
 (action (run solo5-elftool gen-manifest manifest.json manifest.c)))
(rule (targets manifest.o) (deps manifest.c) (enabled_if (= %{context_name} solo5))
 (action (run %{ocamlopt} -c manifest.c)))
(library (name probe_start) (modules) (wrapped false) (enabled_if (= %{context_name} solo5))
 (foreign_stubs (language c) (names start)))
"""
PROBE: Final = """(executable (name main) (enabled_if (= %{{context_name}} {context}))
 (libraries {libraries}) {deps} (link_flags (-linkall {flags})))
(rule (alias probe) (enabled_if (= %{{context_name}} {context})) (deps main.exe) (action (progn)))
"""
CONTEXTS: Final = {"spt": "solo5", "unix": "default"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a library on a target, in the words of the tool that said so; `stubs`: with C of its closure."""

    library: str
    target: str
    state: State
    text: str = ""
    stubs: bool = False


def fill_of(names: Iterable[str]) -> str:
    """The words of config.py that fill these gaps."""
    return f"fill({', '.join(json.dumps(name) for name in names)})"


class Probes:
    """A project with a program for each library and target."""

    def __init__(self, folder: Path, sources: Iterable[Path], filled: Iterable[str] = ()) -> None:
        self.folder = folder
        self.filled = tuple(filled)
        (folder / "duniverse").mkdir(parents=True, exist_ok=True)
        for source in sources:
            place = folder / "duniverse" / source.name
            if not place.exists():
                place.symlink_to(source)
        gaps = f", libc_gaps={fill_of(self.filled)}" if self.filled else ""
        (folder / "config.py").write_text(CONFIG.format(gaps=gaps))
        (folder / "unikernel.ml").write_text(UNIKERNEL)
        self.findlib = Findlib.discover()
        self.vendored = Vendored((folder / "duniverse",), facts={"context_name": "solo5"})

    def libraries(self) -> dict[str, Stanza]:
        """The libraries that a unikernel may ask for: those with a public name, preprocessors left out."""
        return {
            name: stanza
            for name, stanza in sorted(self.vendored.stanzas.items())
            if not stanza.library.ppx and self._public(stanza)
        }

    def _public(self, stanza: Stanza) -> bool:
        text = stanza.file.read_text("utf-8", "replace")
        return "public_name" in text and f"public_name {stanza.library.name}" in re.sub(r"\s+", " ", text)

    def prepare(self) -> None:
        """Configure with mpy, and build its own program: all that is of the machine is there then."""
        top = self.folder / "probes"
        shutil.rmtree(top, ignore_errors=True)
        mpy = (sys.executable, "-m", "mirage_py")
        for words in (("configure", "-q", "-t", "unix", "-t", "spt"), ("build", "-q", "-t", "spt")):
            subprocess.run((*mpy, *words), cwd=self.folder, check=True)
        top.mkdir()
        (top / "dune").write_text(COMMON)
        (top / "start.c").write_text(START)
        (top / "manifest.json").write_text(MANIFEST)

    def write(self, program: str, names: Iterable[str], target: str) -> None:
        """A program that links these libraries."""
        place = self.folder / "probes" / target / program
        place.mkdir(parents=True, exist_ok=True)
        (place / "main.ml").write_text(f'let () = print_endline "{MARK}"\n')
        bare = ("probe_start", "mirage-solo5") if "mirage-solo5" in self.vendored.libraries else ("probe_start",)
        spt = target == "spt"
        filling, wrapped = self._filling() if spt else ((), "")
        asked = (*filling, *(bare if spt else ()), *names)
        asked = (*asked, *self._implementations(asked, "solo5" if spt else "unix"))
        flags = f'probes/manifest.o -cclib "-z solo5-abi=spt" -cclib -Wl,-Map=probes/{target}/{program}/map'
        text = PROBE.format(
            context=CONTEXTS[target],
            libraries=" ".join(dict.fromkeys(asked)),
            flags=f"{flags} {wrapped}".rstrip() if spt else "",
            deps="(link_deps ../../manifest.o)" if spt else "",
        )
        (place / "dune").write_text(text)

    def _filling(self) -> tuple[tuple[str, ...], str]:
        """The library of what is filled, before all others as in a unikernel; what the linker is told of it."""
        if not set(self.filled) & set(FUNCTIONS):
            return (), ""
        flags = (self.folder / "mirage/machine/probes-spt/link_flags.sexp").read_text()
        return (gaps_library("probes"),), " ".join(re.findall(r"-cclib -Wl,--(?:wrap|undefined)=\w+", flags))

    def _closure(self, name: str) -> dict[str, None]:
        reached: dict[str, None] = {name: None}
        for here in (queue := [name]):  # grows while it is walked
            known = self.vendored.libraries.get(here) or self.findlib.find(here)
            for need in known.requires if known else ():
                if need not in reached:
                    reached[need] = None
                    queue.append(need)
        return reached

    def together(self, name: str, target: str) -> bool:
        """Whether it is worth trying with others: nothing that dune is sure to miss is behind it."""
        here = self._closure(name)
        known = all(one in self.vendored.libraries or self.findlib.find(one) for one in here)
        return known and (target != "spt" or here.keys().isdisjoint(("unix", "threads", "threads.posix", "dynlink")))

    def stubs(self, name: str) -> bool:
        """Whether C of the library, or of one behind it, is compiled."""
        known = self.vendored.stanzas
        return any(known[one].stubs or known[one].archives for one in self._closure(name) if one in known)

    def _implementations(self, names: Iterable[str], of: str) -> Iterable[str]:
        """The implementations for a target of the virtual libraries behind some, as `mpy` takes them."""
        reached = dict.fromkeys(names)
        for here in (queue := list(reached)):  # grows while it is walked
            for need in self.vendored.libraries[here].requires if here in self.vendored.libraries else ():
                if need not in reached:
                    reached[need] = None
                    queue.append(need)
        known = self.vendored.libraries
        held = {known[one].implements for one in reached if one in known}
        virtual = [one for one in reached if one in known and known[one].virtual and one not in held]
        return [f"{one}.{of}" for one in virtual if f"{one}.{of}" in known]

    def build(self, names: Iterable[str], targets: Iterable[str]) -> str:
        """What dune says of all of them; it goes on after those that fail."""
        wanted = [f"@@probes/{target}/{name}/probe" for target in targets for name in names]
        if not wanted:
            return ""
        done = subprocess.run(
            (*self._dune(), *wanted),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.stderr

    def _dune(self) -> tuple[str, ...]:
        machine = self.folder / "mirage/machine/build.dune-workspace"
        places = (
            "--root",
            str(self.folder),
            "--workspace",
            str(machine),
            "--build-dir",
            str(self.folder / "mirage/_build"),
        )
        return ("dune", "build", *places, "--profile", "release")

    def _environment(self) -> dict[str, str]:
        place = (self.folder / "mirage/machine/findlib").absolute()
        path = os.pathsep.join((str(place / "bin"), os.environ["PATH"]))  # the C compiler that declares what is filled
        return {**os.environ, "PATH": path, "OCAMLFIND_CONF": str(place / "findlib.conf"), "DUNE_CACHE": "enabled"}

    def _program(self, name: str, target: str) -> str:
        return f"mirage/_build/{CONTEXTS[target]}/probes/{target}/{name}/main.exe"

    def runs(self, program: str, target: str) -> bool:
        """Whether a program is there and runs."""
        file = self.folder / self._program(program, target)
        return file.exists() and self._started(program, target, file).state == "runs"

    def outcome(self, name: str, target: str) -> Outcome:
        """What becomes of a library's program; where that fails with every unit of its closure, with its own alone."""
        program = self.folder / self._program(name, target)
        if program.exists():
            found = self._started(name, target, program)
            if found.state == "runs":
                return found
        return self._forced(name, target)

    def _started(self, name: str, target: str, program: Path) -> Outcome:
        host, stubs = self._linked(program) if target == "spt" else ("", False)
        if host:
            return Outcome(library=name, target=target, state="is of the host", text=host)
        argv = ("solo5-spt", "--mem=256", str(program)) if target == "spt" else (str(program),)
        try:
            done = subprocess.run(
                argv,
                cwd=self.folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=20,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return Outcome(library=name, target=target, state="ends", text="it does not end", stubs=stubs)
        if done.returncode == 0 and MARK in done.stdout:
            return Outcome(library=name, target=target, state="runs", stubs=stubs)
        lines = [
            one
            for one in (done.stdout + done.stderr).splitlines()
            if re.search(r"STUB|atal|rror|abort|()\bcalled", one)
        ]
        text = lines[0].strip() if lines else f"it ends with {done.returncode}"
        return Outcome(library=name, target=target, state="ends", text=text, stubs=stubs)

    def _linked(self, program: Path) -> tuple[str, bool]:
        """The first archive of this machine in an image, and whether C stubs of a library are in it."""
        context = self.folder / "mirage/_build/solo5"
        file = program.with_name("map")
        if not file.is_file():
            return "it has no map", False
        files = {one.file for one in linked_objects(file.read_text("utf-8", "replace"), context)}
        host = [
            one
            for one in files
            if one.suffix == ".a"
            and one.name.startswith("lib")
            and str(one).startswith(("/usr/lib/", "/usr/local/lib/ocaml/"))
        ]
        own = any(
            one.name.endswith("_stubs.a") and not re.search(r"probe_start|mirage_solo5|mpy_libc_gaps", one.name)
            for one in files
        )
        return (f"{min(host).name} is of this machine" if host else ""), own

    def _forced(self, name: str, target: str) -> Outcome:
        """Linked again by the logged command, with the units of the library alone forced.

        dune's cache would give the program back without a link, and nothing would be logged.
        """
        program = self._program(name, target)
        (self.folder / program).unlink(missing_ok=True)
        done = subprocess.run(
            (*self._dune(), f"@@probes/{target}/{name}/probe"),
            cwd=self.folder,
            env={**self._environment(), "DUNE_CACHE": "disabled"},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        command = self._logged(program)
        if command is None:
            return Outcome(library=name, target=target, state="does not build", text=_reason(done.stderr))
        context = self.folder / "mirage/_build" / CONTEXTS[target]
        words = [word for word in command if word != "-linkall"]
        for at, word in enumerate(words):
            if word.endswith(".cmxa") and self._is_of(name, word):
                words[at] = self._force(context, word, context / f"probes/{target}/{name}")
        relinked = subprocess.run(
            words, cwd=context, env=self._environment(), capture_output=True, text=True, errors="replace", check=False
        )
        if relinked.returncode:
            return Outcome(library=name, target=target, state="does not link", text=_reason(relinked.stderr))
        return self._started(name, target, self.folder / program)

    def _is_of(self, name: str, word: str) -> bool:
        stanza = self.vendored.stanzas.get(name)
        return stanza is not None and Path(word).stem == stanza.main

    def _force(self, context: Path, word: str, place: Path) -> str:
        """A copy of the archive with every unit marked; its objects beside it."""
        tool = self._tool()
        made = place / Path(word).name
        subprocess.run((str(tool), str(context / word), str(made)), check=True)
        objects = (context / word).with_suffix(".a")
        if objects.exists():
            made.with_suffix(".a").unlink(missing_ok=True)
            made.with_suffix(".a").symlink_to(objects)
        return str(made)

    def _tool(self) -> Path:
        tool = self.folder / "force"
        if not tool.exists():
            shutil.copy(Path(__file__).with_name("force.ml"), self.folder / "mirage/force.ml")
            argv = (
                "ocamlfind",
                "ocamlopt",
                "-package",
                "compiler-libs.common",
                "-linkpkg",
                "force.ml",
                "-o",
                str(tool),
            )
            subprocess.run(argv, cwd=self.folder / "mirage", check=True, capture_output=True)
        return tool

    def _logged(self, program: str) -> list[str] | None:
        """The words of the command that linked the program, from dune's log."""
        context, _, rest = program.removeprefix("mirage/_build/").partition("/")
        log = (self.folder / "mirage/_build/log").read_text("utf-8", "replace")
        for line in log.splitlines():
            if f"-o {rest}" in line and "ocamlopt" in line and line.startswith("$ (cd"):
                return shlex.split(line.partition(" && ")[2].rpartition(")")[0])
        del context
        return None


def _reason(stderr: str) -> str:
    """What a tool says, in a line."""
    lines = [line.strip() for line in stderr.splitlines()]
    for pattern in (r"Library \"", r"undefined reference", r"No implementations", r"[Ee]rror:.*\S", r"fatal error"):
        found = next((line for line in lines if re.search(pattern, line)), None)
        if found:
            after = lines[lines.index(found) + 1] if found.endswith(":") and lines.index(found) + 1 < len(lines) else ""
            return f"{found} {after}".strip()
    return next((line for line in reversed(lines) if line), "it does not build")


AT_ONCE: Final = 24


def outcomes(probes: Probes, names: Iterable[str], target: str) -> Iterator[Outcome]:
    """What becomes of these libraries; many are linked into one program first, and one that fails is split."""
    alone: list[str] = []
    together: list[str] = []
    for name in names:
        (together if probes.together(name, target) else alone).append(name)
    yield from _split([together[at : at + AT_ONCE] for at in range(0, len(together), AT_ONCE)], probes, target)
    for name in alone:
        probes.write(name, (name,), target)
    probes.build(alone, (target,))
    yield from (probes.outcome(name, target) for name in alone)


def _split(groups: list[list[str]], probes: Probes, target: str) -> Iterator[Outcome]:
    """All that run together run; a group that does not is halved until it is one library."""
    while groups:
        named = {f"{group[0]}-and-{len(group) - 1}" if group[1:] else group[0]: group for group in groups}
        for program, group in named.items():
            probes.write(program, group, target)
        probes.build(named, (target,))
        groups = []
        for program, group in named.items():
            if not group[1:]:
                yield probes.outcome(program, target)
            elif probes.runs(program, target):
                yield from (Outcome(library=one, target=target, state="runs", stubs=probes.stubs(one)) for one in group)
            else:
                shutil.rmtree(probes.folder / "probes" / target / program)
                middle = len(group) // 2
                groups += [group[:middle], group[middle:]]
