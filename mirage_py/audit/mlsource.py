"""What is known of an OCaml source as far as its start is concerned, as plain values.

Names stand for whatever has them: there are no types here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mirage_py.dataclass import dataclass, field
from mirage_py.syntax import text_at

if TYPE_CHECKING:
    from mirage_py.audit.mlpassage import Item
    from mirage_py.syntax import Node

How = Literal["call", "apply", "hand", "hold", "bind"]
"""call: the name is the function of an application; apply: it is part of an expression that is applied (`!hook x`);
hand: an argument of one; bind: a name of the definition's own, from here on; hold: anything else, as in a record."""


class Use(NamedTuple):
    """A name that is mentioned: how, on which line, whether only in a closure, or only perhaps.

    `by` is the function that it, or the closure, is handed to; `into` the place that it is assigned to; `given` the
    number of its arguments; `caught` says that an exception of it would be.
    """

    name: str
    line: int
    how: How
    later: bool
    maybe: bool
    by: str = ""
    into: str = ""
    given: int = 0
    caught: bool = False


@dataclass(kw_only=True)
class Source:
    """A file: its module, what it defines, opens and renames; `externals` are names of C functions.

    `parameters` are names that stand for what functors of the file are applied to, each with these functors. `given`
    are the modules that the file applies a functor to, by its module (empty for one of a module that is opened) and
    name; `ANY` is one that cannot be named. `made` says of modules which functor they come of. `unknown` stand for any:
    modules that are values. `words` are all that stand in it, operators too.
    """

    file: Path
    module: str
    items: list[Item] = field(default_factory=list)
    opens: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    externals: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, set[str]] = field(default_factory=dict)
    given: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    words: frozenset[bytes] = frozenset()


ANY: Final = "*"
AS: Final = "="
"""Before the module and the name of a functor: what that one is applied to."""


def functor_of(node: Node) -> str:
    """The functor of an application, which may have several arguments."""
    functor = node.child_by_field_name("functor")
    while functor is not None and functor.type == "module_application":
        functor = functor.child_by_field_name("functor")
    return "".join(text_at(functor).split()) if functor is not None else ""


def note_given(functor: str, argument: Node, source: Source) -> None:
    """What a functor is applied to, by all names that its definitions may be known under."""
    qualifier, _, name = functor.rpartition(".")
    whole = source.aliases.get(qualifier.partition(".")[0], qualifier)
    own = not qualifier and name in source.modules
    found = source.given.setdefault((source.module if own else whole.rpartition(".")[2], name), set())
    inner = argument
    while inner.type in ("parenthesized_module_expression", "typed_module_expression") and inner.named_children:
        inner = inner.named_children[0]
    match inner.type:
        case "module_path":
            found |= _modules_of("".join(text_at(inner).split()), source)
        case "structure":
            found.add(source.module)
        case "module_application":
            found |= {source.module, *functor_of(inner).split(".")}
        case _:
            found.add(ANY)


def _modules_of(path: str, source: Source) -> set[str]:
    """The modules that a path leads through, with what a first name of the file's own stands for."""
    first = path.partition(".")[0]
    found = {*path.split(".")}
    if first in source.aliases and source.aliases[first].partition(".")[0] != first:
        found |= _modules_of(source.aliases[first], source)
    elif first in source.made:
        found |= {source.module, *source.made[first].split(".")}
    elif first in source.parameters:
        return {f"{AS}{source.module}.{functor}" for functor in source.parameters[first]}
    elif first in source.unknown:
        found.add(ANY)
    return found | ({source.module} if first in source.modules else set())


def line_of(node: Node) -> int:
    return node.start_point[0] + 1
