"""Patterns: what has to hold for a value to be met by one, and what its names stand for then."""

from __future__ import annotations

from collections.abc import Callable

from mirage_py.convert import tree as t
from mirage_py.convert.annotations import annotation
from mirage_py.convert.context import Context
from mirage_py.convert.ocaml_types import Con, is_con, resolved
from mirage_py.convert.python import (
    Annotation,
    AnyStatement,
    Assign,
    Attempt,
    Attribute,
    Builtin,
    Called,
    Choice,
    Constant,
    Item,
    Joined,
    Listed,
    PyExpr,
    Raise,
    Ref,
    Return,
    Slice,
    Text,
    When,
    blocks,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.words import word_of
from mirage_py.dataclass import dataclass, field


@dataclass(kw_only=True)
class Meeting:
    """What meeting a pattern takes: conditions that hold together, and the values of its names."""

    conditions: list[PyExpr] = field(default_factory=list)
    names: dict[Local, PyExpr] = field(default_factory=dict)


def meeting(context: Context, pattern: t.Pattern, subject: PyExpr) -> Meeting:
    """What it takes that a subject is met by a pattern; `CannotConvert` for one beyond a configuration."""
    found = Meeting()
    _meet(context, pattern, subject, found)
    return found


def _meet(context: Context, pattern: t.Pattern, subject: PyExpr, found: Meeting) -> None:  # noqa: C901  # one case each
    line = pattern.line
    match pattern:
        case t.Anything():
            return
        case t.Name():
            found.names[context.analysis.locals[pattern]] = subject
        case t.Whole():
            found.names[context.analysis.locals[pattern.name]] = subject
            _meet(context, pattern.pattern, subject, found)
        case t.Literal(value=bool() as value):
            false = Joined(line=line, operator="is", operands=(subject, Constant(line=line, value=False)))
            found.conditions.append(subject if value else false)
        case t.Literal(value=str() as value):
            found.conditions.append(_equals(subject, Text(line=line, parts=(value,))))
        case t.Literal(value=value):
            if value is not None and not isinstance(value, str):
                found.conditions.append(_equals(subject, Constant(line=line, value=value)))
        case t.Case_of():
            _meet_case(context, pattern, subject, found)
        case t.Items():
            _meet_items(context, pattern, subject, found)
        case t.Longer():
            count = len(pattern.heads)
            found.conditions.append(subject if count == 1 else _length(subject, ">=", count))
            for at, one in enumerate(pattern.heads):
                _meet(context, one, _item(subject, at), found)
            _meet(
                context,
                pattern.rest,
                Slice(line=line, value=subject, start=Constant(line=line, value=count)),
                found,
            )
        case t.Fields():
            for name, one in pattern.fields:
                _meet(context, one, Attribute(line=line, value=subject, name=name), found)
        case t.Either():
            _meet_either(context, pattern, subject, found)
        case t.Strange():
            raise CannotConvert(pattern, f"{pattern.what} in a match")


def _meet_case(context: Context, pattern: t.Case_of, subject: PyExpr, found: Meeting) -> None:
    line = pattern.line
    if pattern.name in ("Some", "None") and not pattern.tag:
        operator = "is" if pattern.name == "None" else "is not"
        found.conditions.append(
            Joined(line=line, operator=operator, operands=(subject, Constant(line=line, value=None)))
        )
        if pattern.argument is not None:
            _meet(context, pattern.argument, subject, found)
        return
    word = Text(line=line, parts=(word_of(pattern.name, tag=pattern.tag),))
    tagged = context.analysis.variants.get(pattern) in context.analysis.tagged and not pattern.tag
    if pattern.argument is None and not tagged:
        found.conditions.append(_equals(subject, word))
        return
    found.conditions.append(_equals(_item(subject, 0), word))
    if pattern.argument is not None:
        _meet(context, pattern.argument, _item(subject, 1), found)


def _meet_items(context: Context, pattern: t.Items, subject: PyExpr, found: Meeting) -> None:
    if not pattern.tuple_:
        empty = Joined(line=pattern.line, operator="==", operands=(subject, Listed(line=pattern.line, items=())))
        found.conditions.append(_length(subject, "==", len(pattern.items)) if pattern.items else empty)
    for at, one in enumerate(pattern.items):
        part = subject.items[at] if isinstance(subject, Listed) and pattern.tuple_ else _item(subject, at)
        _meet(context, one, part, found)


def _meet_either(context: Context, pattern: t.Either, subject: PyExpr, found: Meeting) -> None:
    each = [meeting(context, one, subject) for one in pattern.alternatives]
    for one in each[1:]:
        if {local.name for local in one.names} != {local.name for local in each[0].names}:
            raise CannotConvert(pattern, "alternatives that name different things")
    for one in each:
        found.names |= one.names
    if all(one.conditions for one in each):
        found.conditions.append(_either([_all(one.conditions) for one in each], pattern.line))


def _either(conditions: list[PyExpr], line: int) -> PyExpr:
    """Any of the conditions: words that one subject is compared with are looked up together."""
    first = conditions[0]
    if len(conditions) > 1 and all(
        isinstance(one, Joined) and one.operator == "==" and one.operands[0] is first.operands[0]
        for one in conditions
        if isinstance(first, Joined)
    ):
        words = tuple(one.operands[1] for one in conditions if isinstance(one, Joined))
        if isinstance(first, Joined) and len(words) == len(conditions):
            listed = Listed(line=line, items=words, tuple_=True)
            return Joined(line=line, operator="in", operands=(first.operands[0], listed))
    return conditions[0] if len(conditions) == 1 else Joined(line=line, operator="or", operands=tuple(conditions))


def _all(conditions: list[PyExpr]) -> PyExpr:
    if len(conditions) == 1:
        return conditions[0]
    return Joined(line=conditions[0].line, operator="and", operands=tuple(conditions))


def _item(subject: PyExpr, at: int) -> PyExpr:
    return Item(line=subject.line, value=subject, index=Constant(line=subject.line, value=at))


def _length(subject: PyExpr, operator: str, count: int) -> PyExpr:
    length = Called(line=subject.line, function=Builtin(line=subject.line, name="len"), args=(subject,))
    return Joined(line=subject.line, operator=operator, operands=(length, Constant(line=subject.line, value=count)))


def _equals(left: PyExpr, right: PyExpr) -> PyExpr:
    return Joined(line=left.line, operator="==", operands=(left, right))


# ---------------------------------------------------------------------------------------------------------------------
# Decisions

Way = Callable[[], PyExpr | None]
"""Emits what is done one way, and gives the value; None where it comes to no end."""


def decided(context: Context, node: t.Node, condition: PyExpr, then: Way, otherwise: Way) -> PyExpr | None:
    """One of two values: a conditional expression where neither needs statements of its own, else an `if`."""
    line = node.line
    with context.block() as first:
        one = then()
    with context.block() as second:
        two = otherwise()
    plain = not first and not second and not isinstance(one, Choice) and not isinstance(two, Choice)
    if plain and one is not None and two is not None:
        return Choice(line=line, condition=condition, then=one, otherwise=two)
    if isinstance(two, Choice) and not second:  # three ways and more are statements, one below the other
        two = _as_statement(two, second)
    if one is None and two is None:
        context.statements.append(When(line=line, condition=condition, then=first, otherwise=second))
        return None
    result = _shared(second, two) or Local(name="chosen", line=line, type=context.analysis.type_of(node))
    for statements, value in ((first, one), (second, two)):
        if isinstance(value, Ref) and (value.local is result or renamed(statements, value.local, result)):
            continue
        if value is not None:
            result.type = context.analysis.type_of(node)
            hint = _hint(result, value) if statements is first else None
            statements.append(Assign(line=value.line, targets=(result,), value=value, annotation=hint))
    context.statements.append(When(line=line, condition=condition, then=first, otherwise=second, result=result))
    return Ref(line=line, local=result)


def _as_statement(choice: Choice, statements: list[AnyStatement]) -> PyExpr:
    """A conditional expression as an `if`."""
    result = Local(name="chosen", line=choice.line, type=Con("any"))
    ways: list[list[AnyStatement]] = [
        [Assign(line=one.line, targets=(result,), value=one)] for one in (choice.then, choice.otherwise)
    ]
    statements.append(
        When(line=choice.line, condition=choice.condition, then=ways[0], otherwise=ways[1], result=result)
    )
    return Ref(line=choice.line, local=result)


def _hint(local: Local, value: PyExpr) -> Annotation | None:
    """The type of a name whose first value does not tell it."""
    type_ = resolved(local.type)
    if (isinstance(value, Listed) and not value.items) or is_con(type_, "option"):
        return annotation(type_)
    return None


def _shared(statements: list[AnyStatement], value: PyExpr | None) -> Local | None:
    """The name that an `if` at the end of the statements gives its result to, when that is the value."""
    last = statements[-1] if statements else None
    if isinstance(last, (When, Attempt)) and isinstance(value, Ref) and value.local is last.result:
        return last.result
    return None


def returned(statements: list[AnyStatement], value: PyExpr | None) -> None:
    """End the statements of a function: with the value, or within the `if` that decides it."""
    if value is None:
        return
    last = statements[-1] if statements else None
    if not isinstance(last, (When, Attempt)) or _shared(statements, value) is None:
        statements.append(Return(line=value.line, value=value))
        return
    result = last.result
    last.result = None
    for block in blocks(last):
        _return_in(block, result)
    if isinstance(last, When) and last.then and isinstance(last.then[-1], (Return, Raise)) and last.otherwise:
        statements += last.otherwise
        last.otherwise = []


def _return_in(block: list[AnyStatement], result: Local | None) -> None:
    last = block[-1] if block else None
    if isinstance(last, Assign) and last.targets == (result,):
        block.pop()
        returned(block, last.value)
    elif isinstance(last, (When, Attempt)) and last.result is result and result is not None:
        returned(block, Ref(line=last.line, local=result))


def renamed(statements: list[AnyStatement], old: Local, new: Local) -> bool:
    """Let an `if` at the end of the statements give its result to another name; whether it is one that has it."""
    last = statements[-1] if statements else None
    if not isinstance(last, (When, Attempt)) or last.result is not old:
        return False
    _rename(last, old, new)
    return True


def _rename(statement: When | Attempt, old: Local, new: Local) -> None:
    statement.result = new
    for block in blocks(statement):
        last = block[-1] if block else None
        if isinstance(last, Assign) and last.targets == (old,):
            last.targets = (new,)
        elif isinstance(last, (When, Attempt)) and last.result is old:
            _rename(last, old, new)


def matched(context: Context, expr: t.Match, way: Callable[[t.Expr], PyExpr | None]) -> PyExpr | None:
    """The alternatives of a match, tried one after the other."""
    assert expr.subject is not None
    return alternatives(context, expr, _subject(context, expr.subject), way)


def _subject(context: Context, expr: t.Expr) -> PyExpr:
    """What is matched, as an expression that may stand in several places."""
    made = context.emit(expr)
    if isinstance(made, Listed) and made.tuple_:
        return Listed(
            line=made.line,
            items=tuple(plain(context, one, item) for one, item in zip(_items(expr), made.items, strict=True)),
            tuple_=True,
        )
    return plain(context, expr, made)


def _items(expr: t.Expr) -> tuple[t.Expr, ...]:
    return expr.items if isinstance(expr, t.TupleOf) else ()


def plain(context: Context, expr: t.Expr, made: PyExpr) -> PyExpr:
    """An expression as one that may stand in several places: under a name of its own where it is more than that."""
    if _is_plain(made):
        return made
    local = Local(name="given", line=expr.line, type=context.analysis.type_of(expr))
    context.statements.append(Assign(line=expr.line, targets=(local,), value=made))
    return Ref(line=expr.line, local=local)


def _is_plain(made: PyExpr) -> bool:
    while isinstance(made, (Item, Attribute, Slice)):
        made = made.value
    return isinstance(made, (Ref, Constant, Text))


def alternatives(
    context: Context, expr: t.Match, subject: PyExpr, way: Callable[[t.Expr], PyExpr | None]
) -> PyExpr | None:
    """The alternatives of a match, or of a function by cases, for a subject."""
    cases = tuple(one for one in expr.cases if not _cannot_happen(one.body))
    return _tried(context, cases or expr.cases, subject, way)


def _tried(
    context: Context, cases: tuple[t.Case, ...], subject: PyExpr, way: Callable[[t.Expr], PyExpr | None]
) -> PyExpr | None:
    case, rest = cases[0], cases[1:]
    met = meeting(context, case.pattern, subject)
    context.replaced |= met.names
    if case.guard is not None:
        met.conditions.append(context.emit(case.guard))
    if not met.conditions or not rest:
        return way(case.body)
    return decided(
        context,
        case.body,
        _all(met.conditions),
        lambda: way(case.body),
        lambda: _tried(context, rest, subject, way),
    )


def _cannot_happen(body: t.Expr) -> bool:
    return isinstance(body, t.Assert) and isinstance(body.condition, t.Bool) and not body.condition.value
