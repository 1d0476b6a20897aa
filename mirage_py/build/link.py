"""Linking as the pkg-config generation does: the host's compiler makes one object, mpy runs the linker itself.

dune compiles everything below the tree, C included, in a context of the host's compiler with the target's C flags; its
link makes one relocatable object without OCaml's runtime and without any C archive (`-output-obj -noautolink`). Each
such target has a build directory of its own: its C flags are not those of another one's bindings.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mirage_py.build.gaps import archive_of
from mirage_py.build.making import BUILD, Making, build_dir
from mirage_py.codegen.sexp import render_stanzas
from mirage_py.dataclass import dataclass
from mirage_py.dsl.device import Sexp
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain
from mirage_py.project.folders import dune_root
from mirage_py.targets.plan import LANG
from mirage_py.toolchain.export import wrapped_cflags
from mirage_py.toolchain.steps import Step, link, to_linker


@dataclass(frozen=True, kw_only=True)
class Group:
    """Plans that one dune run builds, and the build directory of that run, relative to the folder of config.py.

    `compiled` are those that dune is asked for: the program of each other one is that of one of these.
    """

    plans: tuple[Plan, ...]
    compiled: tuple[Plan, ...]
    build_dir: str
    by_hand: Toolchain | None = None

    @property
    def workspace(self) -> str:
        """The name of its workspace file below `mirage/machine`."""
        return f"{Path(self.build_dir).name.lstrip('_')}.dune-workspace"


def groups(plans: Iterable[Plan], toolchains: Mapping[str, Toolchain]) -> tuple[Group, ...]:
    """One run for all that dune links itself, and one for each target that is linked by hand."""
    by_dune = tuple(plan for plan in plans if toolchains[plan.target].generation != "pkg-config")
    by_hand: dict[str, list[Plan]] = {}
    for plan in plans:
        if plan not in by_dune:
            by_hand.setdefault(plan.target, []).append(plan)
    led = set(leaders(by_dune, toolchains).values())
    compiled = tuple(plan for plan in by_dune if plan.label in led)
    first = (Group(plans=by_dune, compiled=compiled, build_dir=BUILD),) if by_dune else ()
    others = (
        Group(
            plans=tuple(of_target),
            compiled=tuple(of_target),
            build_dir=build_dir(target, by_hand=True),
            by_hand=toolchains[target],
        )
        for target, of_target in sorted(by_hand.items())
    )
    return (*first, *others)


def leaders(plans: Iterable[Plan], toolchains: Mapping[str, Toolchain]) -> dict[str, str]:
    """For each plan, by label, the first one whose program is the same up to the last step of the link.

    Images for Solo5's tenders differ in their bindings alone, as long as the configuration chose the same for them.
    """
    first: dict[object, str] = {}
    return {
        plan.label: first.setdefault(
            _program(plan) if toolchains[plan.target].generation == "cross" else plan.label, plan.label
        )
        for plan in plans
    }


def sharing(plans: Iterable[Plan], toolchains: Mapping[str, Toolchain]) -> set[str]:
    """The labels of plans whose program serves others too."""
    return {leader for label, leader in leaders(plans, toolchains).items() if label != leader}


PROGRAM = ("main.ml", "dune", "manifest.json")
MODULES = (".ml", ".mli")


def _program(plan: Plan) -> object:
    """What decides the program: its files without the name of their own folder, and what C is compiled how."""
    texts = {file.path: file.content.replace(f"/{plan.label}/", "/") for file in plan.files if _decides(file.path)}
    texts["dune"] = " ".join(texts["dune"].split())  # where its lines end depends on the length of the name
    return (plan.name, plan.context, *sorted(texts.items()), plan.c_stubs, plan.declared_stubs, plan.libc_gaps)


def _decides(path: str) -> bool:
    return path in PROGRAM or path.endswith(MODULES)


SHARED = "mirage/.stubs/images"
"""Where images are linked whose program serves several targets; dune would delete them in its own folder."""


def link_shared(making: Making) -> Step:
    """The link of an image from a program that lacks nothing but the bindings and the C library of the target."""
    replacing = to_linker(making.toolchain, making.replacing)
    return link(making.toolchain, (making.program,), replacing, making.folder / SHARED / making.plan.image)


def c_environment(flags: tuple[str, ...]) -> str:
    """What a workspace says of C in all its contexts: these flags come last, after those that dune gives by itself."""
    return render_stanzas((("env", ("_", ("c_flags", ":standard", *flags), ("cxx_flags", ":standard", *flags))),))


def host_workspace(toolchain: Toolchain, mapped: tuple[str, ...], host: Sexp) -> str:
    """A workspace whose context `solo5` is the host's compiler with the target's C flags; `host` is its context."""
    flags = (
        *target_cflags(toolchain),
        "-O2",
        "-g",
        "-fPIC",
        *mapped,
    )  # ocamlmklib makes a shared object too, never used
    env = ("env", ("_", ("c_flags", *flags)))
    context = ("context", ("default", ("name", "solo5"), ("host", "default"), ("toolchain", "solo5"), ("merlin",), env))
    return render_stanzas((("lang", "dune", LANG), ("context", host), context))


def output_obj_compiler(ocamlopt: Path) -> str:
    """The compiler of the context, as dune has to be told it is.

    Its objects may have any name: it wants .o for `-output-obj` and its like, dune asks for .exe. And a program that is
    no image is not linked: dune runs that of its host's context, and wants the target's because a rule names it. An
    archive is made with `-a -o`; `-a` alone may belong to `-w`, which vendored sources are compiled with.
    """
    compiler = shlex.quote(str(ocamlopt))
    return f"""#!/bin/sh
case " $* " in
  *" -output-obj "*|*" -output-complete-obj "*) ;;
  *" -c "*|*" -a -o "*|*" -shared "*|*" -pack "*|*" -z solo5-abi="*) exec {compiler} "$@" ;;
  *" -o "*.exe" "*)
    before=
    for word; do
      [ "$before" = -o ] && printf '#!/bin/sh\\nexit 126\\n' >"$word"
      before=$word
    done
    exit 0 ;;
  *) exec {compiler} "$@" ;;
esac
left=$#
while [ "$left" -gt 0 ]; do
  word=$1; shift; left=$((left - 1))
  if [ "$word" = -o ]; then
    out=$1; shift; left=$((left - 1))
    word=$out.o; set -- "$@" -o
  fi
  set -- "$@" "$word"
done
{compiler} "$@" && mv "$out.o" "$out"
"""


BESIDE = ("ocaml", "ocamllex", "ocamlyacc", "ocamlobjinfo")
"""What dune looks for in the folder of ocamlc."""


def telling_compilers(ocamlc: str, flags: tuple[str, ...]) -> dict[str, str]:
    """Two compilers by name: OCaml's, which names the other one for C, and that one, which adds flags.

    The other one, in `bin`, is looked for on PATH: where it is named, a blank would end its path.

    A library that gives C flags of its own gets no others from dune's environment. Who only preprocesses (`-E`) asks
    about the compiler, and gets none. The name of the second one is another for other flags: dune compiles anew then.
    """
    if not flags:
        return {}
    added = " ".join(map(shlex.quote, flags))
    name, real = f"mpy-cc-{hashlib.sha256(added.encode()).hexdigest()[:12]}", shlex.quote(ocamlc)
    from shutil import which  # 4 ms, for what is asked once for a toolchain

    beside = {one: found for one in BESIDE if (found := which(one, path=str(Path(ocamlc).parent)))}
    return {
        **{one: f'#!/bin/sh\nexec {shlex.quote(found)} "$@"\n' for one, found in beside.items()},
        f"bin/{name}": f"""#!/bin/sh
real=$({real} -config-var c_compiler)
case " $* " in *" -E "*) exec "${{real%% *}}" "$@" ;; esac
exec "${{real%% *}}" "$@" {added}
""",
        "ocamlc": f"""#!/bin/sh
[ "$*" = -config ] || exec {real} "$@"
{real} -config | sed 's|^\\(c_compiler\\): [^ ]*|\\1: {name}|'
""",
    }


def target_cflags(toolchain: Toolchain) -> tuple[str, ...]:
    """What the host's C compiler has to be told to compile for the target."""
    wrapped = wrapped_cflags(toolchain) if "solo5" in Path(toolchain.c_compiler[0]).name else ()
    return (*wrapped, *toolchain.cflags)


def link_by_hand(making: Making) -> Step:
    """The link of an image: the OCaml object, C archives of dune and of installed libraries, the runtime."""
    program = making.program
    ours = map(str, _compiled_archives(making))
    installed = (flag for one in making.stubs for flag in one.flags)
    names = ("manifest", *(Path(stub.path).stem for stub in making.plan.c_stubs))
    objects = (program, *(program.with_name(f"{name}.o") for name in names))
    flags = (*to_linker(making.toolchain, making.replacing), *ours, *installed, *making.asked)
    return link(making.toolchain, objects, flags, program.with_name(f"linked.{making.plan.target}"))


def _compiled_archives(making: Making) -> Iterator[Path]:
    root, closure = dune_root(making.folder), making.closure
    below = making.folder.relative_to(root)
    for name in closure.bundled:
        yield from sorted((making.context / below / "mirage/machine/runtime" / name).rglob("lib*_stubs.a"))
    for library in (*closure.of("vendored"), *closure.of("local")):
        if library.directory.is_relative_to(root):
            yield from sorted((making.context / library.directory.relative_to(root)).glob("lib*_stubs.a"))
    gaps = archive_of(making.plan, making.context / below / "mirage/machine")
    yield from (gaps,) if gaps else ()
