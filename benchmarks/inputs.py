"""Configurations to measure with, made as text: a hello, and graphs of any size in three shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HELLO: Final = """\
from mirage_py import job, main, package, register

hello = main("Unikernel", job, packages=[package("duration")])

register("hello", [hello])
"""

HELLO_ML: Final = """\
open Lwt.Infix

let start () =
  let rec loop = function
    | 0 -> Lwt.return_unit
    | n ->
      Logs.info (fun f -> f "hello");
      Mirage_sleep.ns (Duration.of_ms 1) >>= fun () ->
      loop (n - 1)
  in
  loop 4
"""

NETWORK: Final = """\
from mirage_py import default_network, generic_stackv4v6, job, main, package, register, stackv4v6

unikernel = main("Unikernel.Main", stackv4v6 >> job, packages=[package("duration")])

register("network", [unikernel(generic_stackv4v6(default_network))])
"""

NETWORK_ML: Final = """\
open Mirage

let main = main "Unikernel.Main" (stackv4v6 @-> job) ~packages:[ package "duration" ]
let () = register "network" [ main $ generic_stackv4v6 default_network ]
"""

_PARTS: Final = """\
from mirage_py import impl, job, main, register, typ

link = typ("link")
device = impl("Link.First", link)
"""

CHAIN: Final = """\
step = impl("Link.Next", link >> link)
for _ in range({size}):
    device = step(device)

register("chain", [main("Unikernel.Main", link >> job)(device)])
"""

LADDER: Final = """\
rung = impl("Link.Rung", link >> link >> link)
for _ in range({size}):
    device = rung(device, device)

register("ladder", [main("Unikernel.Main", link >> job)(device)])
"""

WIDE: Final = """\
devices = [impl("Link.One", link) for _ in range({size})]

register("wide", [main("Unikernel", job, deps=devices)])
"""


MANY: Final = """\
from mirage_py import job, main, package, register

for number in range({size}):
    register(f"hello{{number}}", [main("Unikernel", job, packages=[package("duration")])])
"""


def write_many(folder: Path, size: int) -> None:
    """`size` unikernels that greet."""
    write(folder, MANY.format(size=size))


def write_hello(folder: Path) -> None:
    """The unikernel that greets."""
    write(folder, HELLO)


def write_vendored(folder: Path, packages: int, files: int) -> None:
    """The unikernel that greets, beside so many vendored packages of so many files; each asks for two others."""
    names = [f"package{number}" for number in range(packages)]
    write(folder, HELLO.replace('package("duration")', 'package("duration"), package("package0")'))
    for number, name in enumerate(names):
        place, others = folder / "duniverse" / name, names[number + 1 : number + 3]
        for part in VENDORED_PARTS:
            (place / part).mkdir(parents=True)
            rules = f"(name {name}_{part})" if part != "src" else f"(public_name {name}) (libraries {' '.join(others)})"
            (place / part / "dune").write_text(f"(library {rules})\n", encoding="utf-8")
            for module in range(files // len(VENDORED_PARTS)):
                (place / part / f"{part}{module}.ml").write_text(f"let it = {module}\n", encoding="utf-8")
        (place / "dune-project").write_text("(lang dune 2.9)\n", encoding="utf-8")
        asks = " ".join(f'"{other}"' for other in others)
        (place / f"{name}.opam").write_text(f'opam-version: "2.0"\nversion: "1"\ndepends: [{asks}]\n', encoding="utf-8")


VENDORED_PARTS: Final = ("src", "lib", "test", "bench", "doc")


def write_network(folder: Path, *, comment: str = "") -> None:
    """A unikernel on the network stack."""
    write(folder, f"{NETWORK}{comment}\n")


def write_chain(folder: Path, size: int) -> None:
    """`size` devices, each over the one before."""
    write(folder, _PARTS + CHAIN.format(size=size))


def write_ladder(folder: Path, size: int) -> None:
    """`size` devices, each over the one before twice: 2 to the power of `size` paths."""
    write(folder, _PARTS + LADDER.format(size=size))


def write_wide(folder: Path, size: int) -> None:
    """One job that waits for `size` devices, which know nothing of each other."""
    write(folder, _PARTS + WIDE.format(size=size))


def write(folder: Path, config: str) -> None:
    """A fresh folder with this configuration and a unikernel."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.py").write_text(config, encoding="utf-8")
    (folder / "unikernel.ml").write_text(HELLO_ML, encoding="utf-8")
