"""An OCaml source as far as its start is concerned: its definitions, and what each calls, hands on or keeps.

Read from the text, without types: a name stands for whatever has that name in the module that it is qualified with, in
the modules that the file opens, or in the file itself. What stands below a `fun`, a `lazy` or in a branch is told
apart from what surely runs with the definition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mirage_py.project.reading import bytes_of
from mirage_py.syntax import syntax_tree

if TYPE_CHECKING:
    from mirage_py.syntax import Node

How = Literal["call", "apply", "hand", "hold", "bind"]
"""call: the name is the function of an application; apply: it is part of an expression that is applied (`!hook x`);
hand: an argument of one; bind: a name of the definition's own, from here on; hold: anything else, as in a record."""

LARGEST: Final = 2_000_000
"""Bytes: a longer file is a table that somebody generated."""

LATER: Final = frozenset({"fun_expression", "function_expression", "lazy_expression", "object_expression"})
BRANCHES: Final = frozenset({"then_clause", "else_clause", "match_case", "do_clause"})
SKIPPED: Final = frozenset({"attribute", "item_attribute", "floating_attribute", "comment", "module_type_definition"})
OF_TESTS: Final = frozenset({"test", "test_unit", "test_module", "expect", "expect_test", "bench", "bench_module"})
PLAIN: Final = frozenset(
    {
        "::",
        "^",
        "@",
        "+",
        "-",
        "*",
        "/",
        "+.",
        "-.",
        "*.",
        "/.",
        "=",
        "<>",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "mod",
        "**",
    }
    | {"land", "lor", "lxor", "lsl", "lsr", "asr", "&&", "||", ",", ";"}
)
"""Operators that call none of their operands."""


WORD: Final = re.compile(r"(?<![\w.~?'])[a-z_][\w']*(?![\w':])")
MUTATES: Final = re.compile(r"(?:\w+\.)*(?:add|push|replace|set|register\w*|add_\w+|set_\w+|unsafe_set)")
"""How functions are called that put one of their arguments into another one."""


class Use(NamedTuple):
    """A name that is mentioned: how, on which line, whether only in a closure, or only perhaps.

    `by` is the function that it, or the closure, is handed to; `into` the place that it is assigned to; `given` the
    number of its arguments.
    """

    name: str
    line: int
    how: How
    later: bool
    maybe: bool
    by: str = ""
    into: str = ""
    given: int = 0


@dataclass(frozen=True, kw_only=True)
class Item:
    """A definition: its name where it has one, its parameters' names, and what it mentions.

    It `waits` for a call, with `arity` arguments besides optional ones, or runs with its module.
    """

    name: str = ""
    waits: bool = False
    arity: int = 0
    parameters: frozenset[str] = frozenset()
    uses: tuple[Use, ...] = ()
    line: int = 0


@dataclass(kw_only=True)
class Source:
    """A file: its module, what it defines, opens and renames; `externals` are names of C functions.

    `parameters` are names that stand for what functors of the file are applied to, each with these functors. `given`
    are the modules that the file applies a functor to, by its module (empty for one of a module that is opened) and
    name; `ANY` is one that cannot be named. `made` says of modules which functor they come of. `unknown` stand for any:
    modules that are values.
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


class _State(NamedTuple):
    """Where the walk of an expression is."""

    node: Node
    how: How = "hold"
    later: bool = False
    maybe: bool = False
    by: str = ""
    into: str = ""

    def at(
        self,
        node: Node,
        *,
        how: How | None = None,
        later: bool | None = None,
        maybe: bool | None = None,
        by: str | None = None,
        into: str | None = None,
    ) -> _State:
        """The same at another node, but for what is given; written out, since it is done for each node."""
        return _State(
            node,
            self.how if how is None else how,
            self.later if later is None else later,
            self.maybe if maybe is None else maybe,
            self.by if by is None else by,
            self.into if into is None else into,
        )


def source_of(file: Path) -> Source | None:
    """The file as read; None for one that cannot be read, or is too long."""
    try:
        text = bytes_of(file)
    except OSError:
        return None
    if len(text) > LARGEST:
        return None
    stem = file.name.partition(".")[0]
    found = Source(file=file, module=stem[:1].upper() + stem[1:])
    found.items.extend(_structure(syntax_tree(text), found))
    return found


def _structure(root: Node, source: Source) -> Iterator[Item]:
    """The definitions of a structure, those of its modules too."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        match node.type:
            case "value_definition" if not _of_tests(node):
                yield from (
                    item for one in node.named_children if one.type == "let_binding" for item in _bindings(one, source)
                )
            case "expression_item":
                yield Item(uses=_uses(node, source), line=_line(node))
            case "external":
                _note_external(node, source)
            case "open_module":
                source.opens.append(_text(node).partition(" ")[2].lstrip("! "))
            case "module_binding":
                yield from _module(node, source, waiting)
            case "module_application":
                yield Item(uses=_uses(node, source, without="structure"), line=_line(node))
                waiting += reversed(node.named_children)
            case "class_binding":
                name = next((_text(one) for one in node.named_children if one.type == "class_name"), "")
                yield Item(name=name, waits=True, uses=_uses(node, source), line=_line(node))
            case kind if kind in SKIPPED:
                continue
            case _:
                waiting += reversed(node.named_children)


def _module(node: Node, source: Source, waiting: list[Node]) -> Iterator[Item]:
    """A module of a file: another's name, a structure, or a functor, which waits for its application."""
    name = next((_text(one) for one in node.named_children if one.type == "module_name"), "")
    source.modules.add(name)
    body = node.child_by_field_name("body")
    _note_parameters(name, node, source)
    if body is None:
        return
    if body.type == "module_path":
        source.aliases[name] = _text(body)
    elif body.type == "functor" or any(one.type == "module_parameter" for one in node.named_children):
        inner = list(_structure(body, source))
        yield from (one for one in inner if one.waits)
        uses = tuple(use for one in inner if not one.waits for use in one.uses)
        yield Item(name=name, waits=True, uses=uses, line=_line(node))
    else:
        if body.type == "module_application":
            source.made[name] = _functor_of(body)
        waiting.append(body)


def _functor_of(node: Node) -> str:
    """The functor of an application, which may have several arguments."""
    functor = node.child_by_field_name("functor")
    while functor is not None and functor.type == "module_application":
        functor = functor.child_by_field_name("functor")
    return "".join(_text(functor).split()) if functor is not None else ""


def _note_given(functor: str, argument: Node, source: Source) -> None:
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
            found |= _modules_of("".join(_text(inner).split()), source)
        case "structure":
            found.add(source.module)
        case "module_application":
            found |= {source.module, *_functor_of(inner).split(".")}
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


ANY: Final = "*"
AS: Final = "="
"""Before the module and the name of a functor: what that one is applied to."""


def _note_parameters(name: str, node: Node, source: Source) -> None:
    """The parameters of a functor."""
    body = node.child_by_field_name("body")
    heads = [one for one in node.named_children if one.type == "module_parameter"]
    while body is not None and body.type == "functor":
        heads += [one for one in body.named_children if one.type == "module_parameter"]
        body = body.child_by_field_name("body")
    for one in heads:
        if one.named_children:
            source.parameters.setdefault(_text(one.named_children[0]), set()).add(name)


def _note_external(node: Node, source: Source) -> None:
    name = next((_text(one) for one in node.named_children if one.type == "value_name"), "")
    symbols = [_text(one).strip('"') for one in node.named_children if one.type == "string"]
    if name and symbols:
        source.externals[name] = symbols[-1]


def _of_tests(node: Node) -> bool:
    return any(one.type == "attribute_id" and _text(one) in OF_TESTS for one in node.named_children)


def _bindings(node: Node, source: Source) -> Iterator[Item]:
    """One `let`; a pattern may name several values, each of which may hold what stands behind it."""
    item = _binding(node, source)
    pattern = node.child_by_field_name("pattern")
    names = sorted(set(_names(pattern))) if pattern is not None and not item.name else []
    yield from (replace(item, name=name) for name in names) if names else (item,)


def _binding(node: Node, source: Source) -> Item:
    """One `let`: a function waits for a call, everything else runs with its module."""
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
    name = _text(pattern) if pattern is not None and pattern.type in ("value_name", "parenthesized_operator") else ""
    heads = [one for one in node.named_children if one.type == "parameter"]
    inner = body
    while inner is not None and inner.type in ("fun_expression", "function_expression", "parenthesized_expression"):
        heads += [one for one in inner.named_children if one.type == "parameter"]
        if inner.type == "function_expression":
            break
        inner = inner.child_by_field_name("body") or inner.child_by_field_name("expression")
    is_function = bool(heads) or (body is not None and body.type == "function_expression")
    start = inner if is_function and inner is not None else body
    begun = start.named_children if start is not None and start.type == "function_expression" else [start]
    defaults = [one for head in heads if (one := head.child_by_field_name("default")) is not None]
    uses = [use for one in begun if one is not None for use in _uses(one, source)]
    uses += [use._replace(maybe=True) for one in defaults for use in _uses(one, source)]
    return Item(
        name=name,
        waits=is_function,
        arity=sum(not _text(head).startswith("?") for head in heads)
        + (inner is not None and inner.type == "function_expression"),
        parameters=frozenset(word for head in heads for word in _names(head)),
        uses=tuple(uses),
        line=_line(node),
    )


def _names(node: Node) -> Iterator[str]:
    """The names that a pattern binds."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type in ("value_pattern", "value_name", "label_name") and not here.named_children:
            yield _text(here).lstrip("~?")
        default = here.child_by_field_name("default")
        waiting += (one for one in here.named_children if one != default and one.type != "field_path")
        if here.type == "field_pattern" and here.child_by_field_name("pattern") is None:
            yield _text(here)


def _uses(node: Node, source: Source, without: str = "") -> tuple[Use, ...]:
    """What stands below a node; nodes `without` are read elsewhere."""
    found: list[Use] = []
    waiting = [_State(node)]
    while waiting:
        state = waiting.pop()
        if state.node.type != without:
            waiting += reversed(list(_step(state, source, found)))
    return tuple(_settled(found)) if any(use.by.startswith(LOCAL) for use in found) else tuple(found)


LOCAL: Final = "let "
"""Marks what stands in a function of the definition's own, with the name of that function behind it."""


def _settled(found: list[Use]) -> Iterator[Use]:
    """What local functions mention: with those that are called, handed on or kept where they are."""
    outside = [use for use in found if not use.by.startswith(LOCAL) and use.how != "bind"]
    for use in found:
        name = use.by.removeprefix(LOCAL)
        if name == use.by or use.how == "bind":
            yield use
            continue
        seen = [one for one in outside if one.name == name] or [
            one for one in found if one.name == name and one.by != use.by and one.how != "bind"
        ]
        if any(one.by.startswith(LOCAL) or (not one.later and one.how != "hold") for one in seen):
            yield use._replace(later=False, maybe=True, by="")
        else:
            yield use._replace(by=next((one.by for one in seen if one.later), ""))


def _step(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """What one node of an expression mentions, and what is below it."""
    kind = state.node.type
    if kind in HANDLED:
        yield from HANDLED[kind](state, source, found)
    elif kind in LATER:
        now = state.how == "apply" and kind != "lazy_expression"  # a function that is applied where it stands
        yield from (state.at(one, later=state.later or not now, how="hold") for one in state.node.named_children)
    elif kind in BRANCHES:
        yield from (state.at(one, maybe=True) for one in state.node.named_children)
    elif kind == "value_pattern":
        found.append(_use(state, _text(state.node), "bind"))
    elif kind not in SKIPPED and kind not in NAMES:
        yield from (state.at(one) for one in state.node.named_children)


NAMES: Final = frozenset({"module_path", "value_pattern", "value_name"})


def _path(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """A value, or a class, whose objects run its initialisers."""
    del source
    how: How = "call" if state.node.type == "class_path" else state.how
    found.append(_use(state, _text(state.node), how))
    return iter(())


def _applied(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    del source
    return _application(state, state.node.child_by_field_name("function"), _arguments(state.node), found)


def _functor(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """A functor that is applied, and what it is applied to."""
    functor = state.node.child_by_field_name("functor")
    for one in state.node.named_children:
        if one != functor:
            _note_given(_functor_of(state.node), one, source)
    if functor is not None:
        found.append(_use(state, _text(functor), "call"))
    return (state.at(one) for one in state.node.named_children if one != functor)


def _open(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """`let open M in`, `M.(...)`: from here on the file is read as if it opened the module."""
    del found
    source.opens.append(next((_text(one) for one in state.node.named_children if one.type == "module_path"), ""))
    return (state.at(one) for one in state.node.named_children)


def _assigned(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """`r.field <- value`."""
    del source, found
    target, body = state.node.named_children[0], state.node.child_by_field_name("body")
    yield state.at(target, how="hold")
    if body is not None:
        yield state.at(body, how="hold", into=_text(target))


def _use(state: _State, name: str, how: How, given: int = 99) -> Use:
    line = state.node.start_point[0] + 1
    return Use("".join(name.split()), line, how, state.later, state.maybe, state.by, state.into, given)


def _arguments(node: Node) -> list[Node]:
    function = node.child_by_field_name("function")
    return [one for one in node.named_children if one != function and one.type != "comment"]


def _application(state: _State, function: Node | None, given: list[Node], found: list[Use]) -> Iterator[_State]:
    """The function is called, its arguments are handed to it; its own result goes where the whole goes."""
    if function is None:
        return
    while function.type == "parenthesized_expression" and function.named_child_count == 1:
        function = function.named_children[0]
    by = "("
    if function.type in ("constructor_path", "tag"):
        yield from (state.at(one) for one in given)
        return
    if function.type == "value_path":
        by = "".join(_text(function).split())
        found.append(_use(state.at(function), by, "call", len(given)))
        if state.how in ("hand", "apply"):
            found.append(_use(state.at(function), by, "apply" if state.how == "apply" else "hand"))
    else:
        yield state.at(function, how="apply")
    into = " ".join(_text(one) for one in given if one.type == "value_path") if MUTATES.fullmatch(by) else state.into
    yield from (state.at(one, how="hand", by=state.by if state.later else by, into=into) for one in given)


def _infix(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """`|>` and `@@` apply, `:=` assigns, arithmetic calls nothing; any other operator may call its operands."""
    del source
    node = state.node
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = _text(node.child_by_field_name("operator") or node)
    if left is None or right is None:
        return
    if operator == "|>":
        yield from _application(state, right, [left], found)
    elif operator == "@@":
        yield from _application(state, left, [right], found)
    elif operator in (":=", "<-"):
        yield state.at(left)
        yield state.at(right, how="hold", into=_text(left))
    elif operator in PLAIN:
        how: How = state.how if operator in ("::", "@", ",") else "hold"
        yield state.at(left, how=how)
        yield state.at(right, how=how, maybe=state.maybe or operator in ("&&", "||"))
    else:
        by = state.by if state.later else operator
        yield from (state.at(one, how="hand", by=by) for one in (left, right))


def _let(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """`let`, and `let*`, which hands its body to the operator as a closure."""
    del source, found
    operators = [one for one in _below(state.node, 2) if one.type in ("let_operator", "and_operator")]
    for one in state.node.named_children:
        if operators and one == state.node.child_by_field_name("body"):
            yield state.at(one, later=True, how="hold", by=_text(operators[0]))
        elif operators:
            yield state.at(one, how="hand", by=_text(operators[0]))
        else:
            yield state.at(one)


def _local(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """A definition inside: a function may be called by what follows, and so may what gets another name."""
    del source
    node = state.node
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
    is_function = any(one.type == "parameter" for one in node.named_children)
    is_function = is_function or (body is not None and body.type in ("fun_expression", "function_expression"))
    name = _text(pattern) if pattern is not None else ""
    inside = state.by if state.by.startswith(LOCAL) else f"{LOCAL}{name}"
    if name.isidentifier() and not (body is not None and _mentions(body, name)):
        found.append(_use(state, name, "bind"))
    for one in node.named_children:
        if one == pattern:
            continue
        if is_function and body is not None and one == body and body.type in LATER:
            yield from (state.at(below, how="hold", later=True, by=inside) for below in body.named_children)
        elif is_function:
            yield state.at(one, how="hold", later=True, by=inside)
        elif state.how == "hand":
            yield state.at(one)
        else:
            yield state.at(one, how="hand", by="let")


def _local_module(state: _State, source: Source, found: list[Use]) -> Iterator[_State]:
    """A module inside an expression: another's name, or one of which no more is known."""
    del found
    node = state.node
    name = next((_text(one) for one in node.named_children if one.type == "module_name"), "")
    body = node.child_by_field_name("body")
    if body is not None and body.type == "module_path":
        source.aliases[name] = _text(body)
        source.modules.add(name)
    else:
        source.unknown.add(name)
    yield from (state.at(one, maybe=True) for one in node.named_children)


Handler = Callable[[_State, Source, list[Use]], Iterator[_State]]

HANDLED: Final[Mapping[str, Handler]] = {
    "value_path": _path,
    "class_path": _path,
    "application_expression": _applied,
    "infix_expression": _infix,
    "set_expression": _assigned,
    "module_application": _functor,
    "open_module": _open,
    "local_open_expression": _open,
    "module_binding": _local_module,
    "let_binding": _local,
    "let_expression": _let,
}


def _mentions(body: Node, name: str) -> bool:
    """Whether a definition speaks of its own name, which may be another one's: without `rec` it is."""
    return name in _text(body) and name in WORD.findall(_text(body))


def _below(node: Node, depth: int) -> Iterator[Node]:
    for one in node.named_children:
        yield one
        if depth > 1 and one.type == "value_definition":
            yield from _below(one, depth - 1)


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
