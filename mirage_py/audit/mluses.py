"""What an OCaml expression mentions: what it calls, hands on or keeps, and what surely runs with it.

What stands below a `fun`, a `lazy` or in a branch is told apart.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from mirage_py.audit.handing import GIVES
from mirage_py.audit.mlsource import How, Use
from mirage_py.syntax import text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node

LATER: Final = frozenset({"fun_expression", "function_expression", "lazy_expression", "object_expression"})


BRANCHES: Final = frozenset({"then_clause", "else_clause", "match_case", "do_clause"})


SKIPPED: Final = frozenset({"attribute", "item_attribute", "floating_attribute", "comment", "module_type_definition"})


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


TOKEN: Final = re.compile(rb"[A-Za-z_][\w']*|[!$%&*+\-./:<=>?@^|~#]+")
"""A word, or an operator, whose name has parentheses around it."""


_OF_WORDS: Final = b"_'" + bytes(one for one in range(128) if chr(one).isalnum())
_OF_OPERATORS: Final = b"!$%&*+-./:<=>?@^|~#"
_BLANK: Final = {kept: bytes(one if one in kept else 32 for one in range(256)) for kept in (_OF_WORDS, _OF_OPERATORS)}


def words_of(text: bytes) -> frozenset[bytes]:
    """The words in a text, and a little more; many times faster than an expression finds them."""
    found = set(text.translate(_BLANK[_OF_WORDS]).split())
    return frozenset(found | {word.lstrip(b"'0123456789") for word in found if word[0] < 65})


def tokens_of(text: bytes) -> frozenset[bytes]:
    """The words and operators in a text, and a little more."""
    return words_of(text).union(text.translate(_BLANK[_OF_OPERATORS]).split())


def token_of(name: str) -> bytes:
    """What stands in a source for the last part of a name."""
    return name.rpartition(".")[2].strip("() ").encode()


OS_TYPE: Final = ("Sys.os_type", "Stdlib.Sys.os_type")
NEVER: Final = ("Win32", "Cygwin")
"""The systems that no unikernel is; the compilers for them say "Unix" or "None"."""

OTHER_SYSTEM: Final = frozenset({"Sys.win32", "Sys.cygwin", *(f'{one}="{name}"' for one in OS_TYPE for name in NEVER)})
"""Conditions that never hold."""

MUTATES: Final = re.compile(r"(?:\w+\.)*(?:add|push|replace|set|register\w*|add_\w+|set_\w+|unsafe_set)")
"""How functions are called that put one of their arguments into another one."""


class _State(NamedTuple):
    """Where the walk of an expression is."""

    node: Node
    how: How = "hold"
    later: bool = False
    maybe: bool = False
    by: str = ""
    into: str = ""
    caught: bool = False

    def at(
        self,
        node: Node,
        *,
        how: How | None = None,
        later: bool | None = None,
        maybe: bool | None = None,
        by: str | None = None,
        into: str | None = None,
        caught: bool | None = None,
    ) -> _State:
        """The same at another node, but for what is given; written out, since it is done for each node."""
        return _State(
            node,
            self.how if how is None else how,
            self.later if later is None else later,
            self.maybe if maybe is None else maybe,
            self.by if by is None else by,
            self.into if into is None else into,
            self.caught if caught is None else caught,
        )


class Within:
    """Where in a text one of some words stands: what is not there need not be walked."""

    def __init__(self, text: bytes, words: frozenset[bytes]) -> None:
        self.text = text
        self.words = words
        self.places = [one.start() for one in TOKEN.finditer(text) if one.group() in words]

    def holds(self, node: Node) -> bool:
        """Whether one stands in a part of the text."""
        at = bisect_left(self.places, node.start_byte)
        return at < len(self.places) and self.places[at] < node.end_byte

    def adding(self, words: frozenset[bytes]) -> Within:
        """The same for more words."""
        return Within(self.text, self.words | words)


def uses_of(node: Node, *, how: How = "hold", without: str = "", within: Within | None = None) -> tuple[Use, ...]:
    """What stands below a node, which is used in this way; nodes `without` are read elsewhere.

    With `within` it is what is mentioned by one of the words of that, and perhaps more. What stands in a function of
    the definition's own is done where that one is called, so that its name is looked for, too.
    """
    while True:
        found = _found(_State(node, how), without, within)
        local = {use.by.removeprefix(LOCAL).encode() for use in found if use.by.startswith(LOCAL)}
        if within is None or local <= within.words:
            return tuple(_settled(found)) if local else tuple(found)
        within = within.adding(frozenset(local))


def _found(first: _State, without: str, within: Within | None) -> list[Use]:
    found: list[Use] = []
    waiting = [first]
    while waiting:
        state = waiting.pop()
        if state.node.type != without and (within is None or within.holds(state.node)):
            waiting += reversed(list(_step(state, found)))
    return found


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


def _step(state: _State, found: list[Use]) -> Iterator[_State]:
    """What one node of an expression mentions, and what is below it."""
    kind = state.node.type
    if kind in HANDLED:
        yield from HANDLED[kind](state, found)
    elif kind in LATER:
        now = state.how == "apply" and kind != "lazy_expression"  # a function that is applied where it stands
        yield from (state.at(one, later=state.later or not now, how="hold") for one in state.node.named_children)
    elif kind in BRANCHES:
        yield from (state.at(one, maybe=True) for one in state.node.named_children)
    elif kind == "value_pattern":
        found.append(_use(state, text_at(state.node), "bind"))
    elif kind not in SKIPPED and kind not in NAMES:
        yield from (state.at(one) for one in state.node.named_children)


NAMES: Final = frozenset({"module_path", "value_pattern", "value_name"})


def _path(state: _State, found: list[Use]) -> Iterator[_State]:
    """A value, or a class, whose objects run its initialisers."""
    how: How = "call" if state.node.type == "class_path" else state.how
    found.append(_use(state, text_at(state.node), how))
    return iter(())


def _applied(state: _State, found: list[Use]) -> Iterator[_State]:
    return _application(state, state.node.child_by_field_name("function"), _arguments(state.node), found)


def _functor(state: _State, found: list[Use]) -> Iterator[_State]:
    """A functor that is applied, and what it is applied to."""
    functor = state.node.child_by_field_name("functor")
    if functor is not None:
        found.append(_use(state, text_at(functor), "call"))
    return (state.at(one) for one in state.node.named_children if one != functor)


def _assigned(state: _State, found: list[Use]) -> Iterator[_State]:
    """`r.field <- value`."""
    del found
    target, body = state.node.named_children[0], state.node.child_by_field_name("body")
    yield state.at(target, how="hold")
    if body is not None:
        yield state.at(body, how="hold", into=text_at(target))


def _use(state: _State, name: str, how: How, given: int = 99) -> Use:
    line = state.node.start_point[0] + 1
    return Use("".join(name.split()), line, how, state.later, state.maybe, state.by, state.into, given, state.caught)


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
        by = "".join(text_at(function).split())
        found.append(_use(state.at(function), by, "call", len(given)))
        if state.how in ("hand", "apply"):
            found.append(_use(state.at(function), by, "apply" if state.how == "apply" else "hand"))
    else:
        yield state.at(function, how="apply")
    into = " ".join(text_at(one) for one in given if one.type == "value_path") if MUTATES.fullmatch(by) else state.into
    how, by = _passed(state, by, len(given))
    yield from (state.at(one, how=how, by=state.by if state.later else by, into=into) for one in given)


def _passed(state: _State, by: str, given: int) -> tuple[How, str]:
    """How so many arguments of a function are used, and by whom: what gives them back is only on the way."""
    arity = GIVES.get(by.removeprefix("Stdlib."))
    if arity is None:
        return "apply" if state.how == "apply" else "hand", by
    if given > arity:
        return "apply", by
    return (state.how, state.by) if state.how in ("hand", "apply") else ("hand", by)


def _infix(state: _State, found: list[Use]) -> Iterator[_State]:
    """`|>` and `@@` apply, `:=` assigns, arithmetic calls nothing; any other operator may call its operands."""
    node = state.node
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = text_at(node.child_by_field_name("operator") or node)
    if left is None or right is None:
        return
    if operator == "|>":
        yield from _application(state, right, [left], found)
    elif operator == "@@":
        yield from _application(state, left, [right], found)
    elif operator in (":=", "<-"):
        yield state.at(left)
        yield state.at(right, how="hold", into=text_at(left))
    elif operator in PLAIN:
        how: How = state.how if operator in ("::", "@", ",") else "hold"
        yield state.at(left, how=how)
        yield state.at(right, how=how, maybe=state.maybe or operator in ("&&", "||"))
    else:
        by = state.by if state.later else operator
        yield from (state.at(one, how="hand", by=by) for one in (left, right))


def _let(state: _State, found: list[Use]) -> Iterator[_State]:
    """`let`, and `let*` or `let%bind`, which hands its body to the operator as a closure."""
    del found
    operators = [one for one in _below(state.node, 2) if one.type in ("let_operator", "and_operator", "attribute_id")]
    for one in state.node.named_children:
        if operators and one == state.node.child_by_field_name("body"):
            yield state.at(one, later=True, how="hold", by=text_at(operators[0]))
        elif operators:
            yield state.at(one, how="hand", by=text_at(operators[0]))
        else:
            yield state.at(one)


def _local(state: _State, found: list[Use]) -> Iterator[_State]:
    """A definition inside: a function may be called by what follows, and so may what gets another name."""
    node = state.node
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
    is_function = any(one.type == "parameter" for one in node.named_children)
    is_function = is_function or (body is not None and body.type in ("fun_expression", "function_expression"))
    name = text_at(pattern) if pattern is not None else ""
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


def _opened(state: _State, found: list[Use]) -> Iterator[_State]:
    """A method that is called, or a module taken out of a value: whatever that holds may be called from here on."""
    del found
    return (state.at(one, how="apply") for one in state.node.named_children)


def _cases(state: _State, found: list[Use]) -> Iterator[_State]:
    """`try`, and `match`: what it is about may be caught; cases of another system are never taken."""
    del found
    cases = [one for one in state.node.named_children if one.type == "match_case"]
    caught = state.caught or state.node.type == "try_expression" or any(map(_is_of_exception, cases))
    of_system = _first_of(state.node) in OS_TYPE
    yield from (state.at(one, caught=caught) for one in state.node.named_children if one not in cases)
    yield from (state.at(one) for one in cases if not (of_system and _is_of_other_system(one)))


def _is_of_exception(case: Node) -> bool:
    return any(one.type == "exception_pattern" for one in case.named_children)


def _is_of_other_system(case: Node) -> bool:
    return _first_of(case).strip('"') in NEVER


def _first_of(node: Node) -> str:
    """The text of the first part of a node, without blanks; empty where a damaged source has none."""
    return "".join(text_at(node.named_children[0]).split()) if node.named_children else ""


def _if(state: _State, found: list[Use]) -> Iterator[_State]:
    """A branch, which is taken or not; that of another system never is."""
    del found
    never = _first_of(state.node) in OTHER_SYSTEM
    return (state.at(one) for one in state.node.named_children if not (never and one.type == "then_clause"))


def _local_module(state: _State, found: list[Use]) -> Iterator[_State]:
    """A module inside an expression."""
    del found
    yield from (state.at(one, maybe=True) for one in state.node.named_children)


Handler = Callable[[_State, list[Use]], Iterator[_State]]


HANDLED: Final[Mapping[str, Handler]] = {
    "value_path": _path,
    "class_path": _path,
    "application_expression": _applied,
    "infix_expression": _infix,
    "set_expression": _assigned,
    "module_application": _functor,
    "module_binding": _local_module,
    "let_binding": _local,
    "let_expression": _let,
    "method_invocation": _opened,
    "packed_module": _opened,
    "try_expression": _cases,
    "match_expression": _cases,
    "if_expression": _if,
}


def _mentions(body: Node, name: str) -> bool:
    """Whether a definition speaks of its own name, which may be another one's: without `rec` it is."""
    return name in text_at(body) and name in WORD.findall(text_at(body))


def _below(node: Node, depth: int) -> Iterator[Node]:
    for one in node.named_children:
        yield one
        if depth > 1 and one.type == "value_definition":
            yield from _below(one, depth - 1)
