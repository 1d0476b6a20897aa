"""main.ml: boot arguments, functor applications, one lazy promise for each device, and the entry point.

Connect code written in config.py is preceded by a line directive to it, so that OCaml reports a type error there; a
directive back follows, with the number of the line after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mirage_py.codegen.render import render
from mirage_py.codegen.stamp import stamped
from mirage_py.dsl.device import Connect
from mirage_py.errors import Location
from mirage_py.resolve.boot_args import BootArg
from mirage_py.resolve.graph import Graph, Node
from mirage_py.resolve.info import Info


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A device's promise as the template lays it out: every input is forced before the first is awaited."""

    variable: str
    inputs: tuple[str, ...]
    runtime_args: tuple[tuple[str, str], ...]
    code: tuple[str, ...]
    directive: str | None


@dataclass(frozen=True, kw_only=True)
class _Definition:
    """A name, the code it stands for, and the directive to the line of config.py behind it."""

    name: str
    code: str
    directive: str | None


def main_ml(graph: Graph, info: Info, os_module: str) -> str:
    """The text of main.ml for this graph, on the target whose runtime module is `os_module`."""
    text = render(
        "main.ml.j2",
        scheduler=info.scheduler,
        run=info.scheduler.run_on(os_module),
        arguments=[_argument(arg) for arg in info.boot_args],
        functors=[_functor(node) for node in graph.nodes if node.args],
        blocks=[_block(node, info) for node in graph.nodes],
        init=[node.variable for node in graph.init],
        root=graph.root.variable,
    )
    return _reset_lines(stamped(text, "ocaml", info.config_file), f"mirage/{info.label}/main.ml")


def connect(node: Node, info: Info) -> str:
    """The connect code of a node, with the variables of main.ml."""
    return node.device.connect(
        Connect(
            unikernel=info,
            module=node.module,
            args=tuple(f"_{arg.variable}" for arg in node.args),
            deps=tuple(f"_{dep.variable}" for dep in node.deps),
            runtime_args=tuple(f"_{name}" for name in info.boot_arg_names(node)),
        )
    )


def _argument(boot: BootArg) -> _Definition:
    return _Definition(name=boot.name, code=boot.arg.code, directive=_directive(boot.arg.location))


def _functor(node: Node) -> _Definition:
    applied = node.device.module + "".join(f" ({arg.module})" for arg in node.args)
    return _Definition(name=node.module, code=applied, directive=_directive(node.location))


def _block(node: Node, info: Info) -> _Block:
    return _Block(
        variable=node.variable,
        inputs=tuple(dict.fromkeys(child.variable for child in node.inputs)),
        runtime_args=tuple((f"_{name}", f"{name}__key") for name in info.boot_arg_names(node)),
        code=_lines(node, info),
        directive=_directive(node.device.location) if node.device.located else None,
    )


def _lines(node: Node, info: Info) -> tuple[str, ...]:
    """The connect code; what a user wrote says its type, or a mistake in it would show where the value is used."""
    code = connect(node, info)
    users_own = node.device.located and not node.device.is_main
    return tuple((f"({code} : _ io)" if users_own else code).split("\n"))


def _directive(location: Location | None) -> str | None:
    if location is None or location.file.startswith("/") or not set(location.file).isdisjoint('"\r\n\0'):
        return None  # a module outside the tree: its path differs from machine to machine
    return _line_directive(location.line, location.file)


def _line_directive(line: int, file: str) -> str:
    """OCaml reads the name in a line directive as it stands, up to the next quote: it knows no escapes there."""
    return f'# {line} "{file}"'


_RESET = "(*reset*)"


def _reset_lines(text: str, path: str) -> str:
    """Directives back to main.ml: each gives the number of the line that follows it."""
    lines: Sequence[str] = text.split("\n")
    return "\n".join(
        _line_directive(number + 1, path) if line == _RESET else line for number, line in enumerate(lines, 1)
    )
