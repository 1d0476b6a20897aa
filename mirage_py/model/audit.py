"""Will it run? The question, the answer and the evidence as plain values.

They live in `model` because three sides make them: the dsl (allow-list), the engine (verdicts) and the CLI (request).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from mirage_py.dataclass import dataclass, field
from mirage_py.model.allow import Allow

Verdict = Literal["runs", "recompile", "gaps", "unsure", "aborts", "missing", "unix"]
"""What happens to a library on a target, mildest first."""

Severity = Literal["note", "noop", "later", "recompile", "gaps", "unsure", "aborts", "missing", "unix"]
"""How much one finding weighs: the verdict that it forces. `note`, `noop` (a call does nothing) and `later` (a call
would end the program) leave the verdict alone."""

FailOn = Literal["missing", "aborts", "noop", "unsure"]
"""What makes the audit fail; `missing` includes what needs Unix."""

VERDICTS: Final[tuple[Verdict, ...]] = ("runs", "recompile", "gaps", "unsure", "aborts", "missing", "unix")
SEVERITIES: Final[tuple[Severity, ...]] = (
    "note", "noop", "later", "recompile", "gaps", "unsure", "aborts", "missing", "unix",
)  # fmt: skip
DEFAULT_FAIL_ON: Final[tuple[FailOn, ...]] = ("missing", "aborts", "unsure")

VERDICT_WORDS: Final[dict[Verdict, str]] = {
    "runs": "runs",
    "recompile": "runs if its stubs are recompiled",
    "gaps": "runs with these gaps filled",
    "unsure": "unsure",
    "aborts": "aborts when it boots",
    "missing": "will not link",
    "unix": "needs Unix",
}


OTHER_VERSION: Final = "other-version"
"""The rule of the note that a library is here, in a version that the configuration does not take."""


@dataclass(frozen=True, kw_only=True)
class Root:
    """A library to audit, and who asked for it (`Unikernel.Main (config.py:11)`, `the command line`)."""

    library: str
    asked_by: str = "the command line"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One piece of evidence: what was seen, where, who would have to mend it and how."""

    rule: str
    severity: Severity
    message: str
    symbol: str = ""
    archive: str = ""
    member: str = ""
    definer: str = ""
    remedy: str = ""

    @property
    def place(self) -> str:
        """Archive and object as a linker prints them: `libfoo_stubs.a(foo.o)`."""
        return f"{self.archive}({self.member})" if self.member else self.archive


@dataclass(frozen=True, kw_only=True)
class LibraryAudit:
    """The verdict on one library for one target.

    `path` leads from the root that asked to this library. `because` leads from this library to the one whose finding
    decides the verdict, and is empty when its own findings do. `sources` says what the verdict rests on.
    """

    library: str
    target: str
    verdict: Verdict
    version: str | None = None
    origin: str = ""
    root: bool = False
    path: tuple[str, ...] = ()
    asked_by: str = ""
    because: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    allowed: str | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something the audit could not read; the rest was audited all the same."""

    message: str
    place: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


@dataclass(frozen=True, kw_only=True)
class BuildFolder:
    """Where a build keeps objects: those of sources below `root` in folders of the same names below `objects`."""

    root: Path
    objects: Path


OWN_C: Final = "c_sources"
"""The row of a unikernel's own C, named as config.py names it."""


@dataclass(frozen=True, kw_only=True)
class OwnC:
    """C of the unikernel's own: the files, the flags that they are compiled with, and the folder that this is done in.

    `headers` are libraries in whose folders headers may be; `described` says that pkg-config adds flags.
    """

    folder: Path
    files: tuple[Path, ...]
    flags: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    described: bool = False


@dataclass(frozen=True, kw_only=True)
class AuditRequest:
    """What to audit, for which targets, with what this machine has.

    `path` is findlib's search path, `vendored` the folders with sources (`mirage/duniverse`). `toolchain_archives` are
    the target's libc, libm, bindings and OCaml runtime; without them the table of `generation` serves, or of the
    generation that fits the OCaml found on `path`. C archives in `toolchain_folders` were made for the target, and so
    were those that META declares where `declared` holds (the pkg-config generation); `machine` is the target's, None
    for this one's; `compiler` compiles C for it, with its flags, and `compiler_path` goes before PATH for its tools:
    `mirage_py.audit.with_toolchain` fills all these from a `Toolchain`. `opam` names packages to judge
    from metadata alone, `opam_repositories` where such metadata lies. `built` is where the last build for the target
    left its objects, `cache` the cache's folder, None for none. `gaps` are the functions of the C library that the
    configuration fills, None for all that mpy can fill. `own` is C that belongs to no library.
    """

    roots: tuple[Root, ...] = ()
    targets: tuple[str, ...] = ("hvt",)
    path: tuple[Path, ...] = ()
    vendored: tuple[Path, ...] = ()
    toolchain_archives: tuple[Path, ...] = ()
    toolchain_folders: tuple[Path, ...] = ()
    machine: str | None = None
    declared: bool = False
    compiler: tuple[str, ...] = ()
    compiler_path: tuple[Path, ...] = ()
    generation: str | None = None
    allow: tuple[Allow, ...] = ()
    fail_on: tuple[FailOn, ...] = DEFAULT_FAIL_ON
    opam: tuple[Root, ...] = ()
    opam_repositories: tuple[Path, ...] = ()
    built: BuildFolder | None = None
    cache: Path | None = None
    gaps: tuple[str, ...] | None = None
    own: OwnC | None = None


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """Every verdict of one audit, what could not be read, and what the libc facts come from."""

    libraries: tuple[LibraryAudit, ...]
    problems: tuple[Problem, ...] = ()
    targets: tuple[str, ...] = ()
    libc: str = ""
    fail_on: tuple[FailOn, ...] = DEFAULT_FAIL_ON
    cached: bool = field(default=False, compare=False)

    @property
    def failing(self) -> tuple[LibraryAudit, ...]:
        """The libraries whose verdict makes the audit fail, the allowed ones left out."""
        return tuple(library for library in self.libraries if self.fails(library))

    def fails(self, library: LibraryAudit) -> bool:
        """Whether the verdict on one of these libraries makes the audit fail."""
        return library.allowed is None and fails(library, self.fail_on)

    @property
    def exit_code(self) -> int:
        """0 when all will run, 8 when something will not or could not be read."""
        return 8 if self.failing or self.problems else 0


def fails(library: LibraryAudit, fail_on: tuple[FailOn, ...]) -> bool:
    """Whether a verdict, or for `noop` a finding, is among those that fail the audit."""
    match library.verdict:
        case "unix" | "missing":
            return "missing" in fail_on
        case "aborts" | "unsure" as verdict if verdict in fail_on:
            return True
        case _:
            return "noop" in fail_on and any(finding.severity in ("noop", "later") for finding in library.findings)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One undefined symbol explained: who wants it, why that is linked, why the symbol is not there, what next."""

    symbol: str
    why: str
    library: str = ""
    path: tuple[str, ...] = ()
    asked_by: str = ""
    place: str = ""
    definer: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        if not self.library and self.symbol in self.why:
            return self.why
        wanted = f"{self.library} wants {self.symbol}" if self.library else f"{self.symbol} is wanted"
        return f"{wanted}: {self.why}"
