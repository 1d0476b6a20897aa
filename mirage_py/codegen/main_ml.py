"""main.ml: boot arguments, functor applications, one lazy promise for each device, and the entry point.

Connect code written in config.py is preceded by a line directive to it, so that OCaml reports a type error there; a
directive back follows, with the number of the line after it.

Written line by line: a template engine takes longer to import than all of `configure` to run, and holds a large
main.ml several times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from mirage_py.codegen.stamp import stamp
from mirage_py.dsl.device import Connect
from mirage_py.dsl.ocaml import ocaml_identifier
from mirage_py.dsl.scheduler import Scheduler
from mirage_py.errors import Location
from mirage_py.resolve.boot_args import BootArg
from mirage_py.resolve.bridges import bridge_for
from mirage_py.resolve.graph import Graph, Node
from mirage_py.resolve.info import Info


def main_ml(graph: Graph, info: Info, os_module: str) -> str:
    """The text of main.ml for this graph, on the target whose runtime module is `os_module`."""
    page = _Page(f"mirage/{info.label}/main.ml")
    page.write(stamp("ocaml", info.config_file), "", *_scheduler(info, os_module))
    for other in dict.fromkeys(node.device.scheduler for node in graph.nodes if bridge_for(node, info.scheduler)):
        page.write(*_other(other))
    for argument in info.boot_args:
        _define_argument(page, argument)
    for node in graph.nodes:
        if node.args:
            _define_functor(page, node)
    for node in graph.nodes:
        _define_device(page, node, info)
    page.write(*_entry(graph, info.scheduler.bind))
    return page.text()


def connect(node: Node, info: Info) -> str:
    """The connect code of a node, with the variables of main.ml."""
    return node.device.connect(
        Connect(
            unikernel=info,
            module=node.module,
            args=tuple([f"_{arg.variable}" for arg in node.args]),
            deps=tuple([f"_{dep.variable}" for dep in node.deps]),
            runtime_args=tuple([f"_{name}" for name in info.boot_arg_names(node)]),
        )
    )


class _Page:
    """A text in the making, which knows the number of its next line.

    Lines are joined as they become many: a string for each takes several times what it says.
    """

    MANY: Final = 10_000

    def __init__(self, path: str) -> None:
        self._path = path
        self._lines: list[str] = []
        self._before: list[str] = []
        self._count = 0

    def write(self, *lines: str) -> None:
        """Add lines."""
        self._lines += lines
        if len(self._lines) > self.MANY:
            self._join()

    def write_of(self, location: Location | None, code: Iterable[str]) -> None:
        """Add code that is told to be of this place, where it is of any that is the same on every machine."""
        lines = self._lines
        if location is None or not _can_be_told(location.file):
            lines += code
            return
        lines.append(_directive(location.line, location.file))
        lines += code
        lines.append(_directive(self._count + len(lines) + 2, self._path))

    def text(self) -> str:
        """All of it."""
        self._join()
        return "".join(self._before)

    def _join(self) -> None:
        self._count += len(self._lines)
        self._before.append("\n".join((*self._lines, "")))
        self._lines.clear()


@cache
def _can_be_told(file: str) -> bool:
    return not file.startswith("/") and set(file).isdisjoint('"\r\n\0')


def _directive(line: int, file: str) -> str:
    """OCaml reads the name in a line directive as it stands, up to the next quote: it knows no escapes there."""
    return f'# {line} "{file}"'


def _scheduler(info: Info, os_module: str) -> Iterator[str]:
    scheduler = info.scheduler
    yield from (f"open {module}" for module in scheduler.opens)
    yield ""
    yield f"type 'a io = 'a {scheduler.promise}"
    yield f"let return = {scheduler.return_}"
    yield f"let run t = {scheduler.run_on(os_module)} t; exit 0"
    yield ""


def _other(scheduler: Scheduler | None) -> Iterator[str]:
    """The names that connect code is written against, as another scheduler has them."""
    if scheduler is None:
        return
    yield f"module {_names_of(scheduler)} = struct"
    yield from (f"  include {module}" for module in scheduler.opens)
    yield ""
    yield f"  type 'a io = 'a {scheduler.promise}"
    yield f"  let return = {scheduler.return_}"
    yield "end"
    yield ""


def _names_of(scheduler: Scheduler) -> str:
    return f"Of_{ocaml_identifier(scheduler.name)}"


def _define_argument(page: _Page, boot: BootArg) -> None:
    page.write(f"let {boot.name}__key = Mirage_runtime.register_arg @@")
    page.write_of(boot.arg.location, f"  {boot.arg.code}".split("\n"))
    page.write("")


def _define_functor(page: _Page, node: Node) -> None:
    applied = "".join([f" ({arg.module})" for arg in node.args])
    page.write_of(node.location, [f"module {node.module} = {node.device.module}{applied}"])
    page.write("")


def _define_device(page: _Page, node: Node, info: Info) -> None:
    """A device's promise: every input is forced before the first is awaited."""
    inputs, bind = dict.fromkeys([child.variable for child in node.inputs]), info.scheduler.bind
    page.write(
        f"let {node.variable} = lazy (",
        *[f"  let __{name} = Lazy.force {name} in" for name in inputs],
        *[f"  __{name} {bind} fun _{name} ->" for name in inputs],
        *[f"  let _{name} = {name}__key () in" for name in info.boot_arg_names(node)],
        *_over_bridge(node, info.scheduler),
    )
    page.write_of(node.device.location if node.device.located else None, _code(node, info))
    page.write(")", "")


def _over_bridge(node: Node, scheduler: Scheduler) -> tuple[str, ...]:
    """How code for another scheduler begins; a name of its own that it does not use is no mistake."""
    bridge, other = bridge_for(node, scheduler), node.device.scheduler
    return (f"  {bridge.function} @@ fun () ->", f"  let open! {_names_of(other)} in") if bridge and other else ()


def _code(node: Node, info: Info) -> list[str]:
    """The connect code; what a user wrote says its type, or a mistake in it would show where the value is used."""
    code = connect(node, info)
    users_own = node.device.located and not node.device.is_main
    return [f"  {line}" for line in (f"({code} : _ io)" if users_own else code).split("\n")]


def _entry(graph: Graph, bind: str) -> Iterator[str]:
    yield "let () ="
    yield "  let t ="
    yield from (f"    Lazy.force {node.variable} {bind} fun _ ->" for node in graph.init)
    yield f"    Lazy.force {graph.root.variable}"
    yield "  in"
    yield "  run t"
