"""The Python that a `config.ml` becomes, as a tree: printed by one end, compiled by the other."""

from __future__ import annotations

from collections.abc import Iterator

from mirage_py.convert.scope import Local
from mirage_py.dataclass import dataclass, field, replace


@dataclass(frozen=True, kw_only=True, eq=False)
class Py:
    """A piece of Python, made from what stands on this line of the OCaml file."""

    line: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Ref(Py):
    """A name that the configuration defines; which one, naming decides."""

    local: Local


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported(Py):
    """A name of `module`, which the file imports."""

    name: str
    module: str = "mirage_py"


@dataclass(frozen=True, kw_only=True, eq=False)
class Builtin(Py):
    """A name that is always there."""

    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribute(Py):
    """`value.name`."""

    value: PyExpr
    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Remark(Py):
    """Comments above an item, and one behind it."""

    above: tuple[str, ...] = ()
    behind: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Called(Py):
    """`function(args, keyword=value)`."""

    function: PyExpr
    args: tuple[PyExpr, ...] = ()
    keywords: tuple[tuple[str, PyExpr], ...] = ()

    def begun(self) -> Called:
        """The function with these arguments, waiting for the others."""
        partial = Imported(line=self.line, name="partial", module="functools")
        return replace(self, function=partial, args=(self.function, *self.args))


@dataclass(frozen=True, kw_only=True, eq=False)
class Text(Py):
    """A string, in the pieces that the OCaml file lays it out in."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True, kw_only=True, eq=False)
class Formatted(Py):
    """An f-string: lines of text and expressions."""

    parts: tuple[tuple[str | PyExpr, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown(Py):
    """A value within an f-string, in a format: `{value:02d}`."""

    value: PyExpr
    spec: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Constant(Py):
    """None, a boolean, a number or the ellipsis."""

    value: float | bool | None

    @property
    def shown(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Listed(Py):
    """A list, or a tuple; `remarks` has one entry for each item, and one more for the end."""

    items: tuple[PyExpr, ...]
    tuple_: bool = False
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Mapped(Py):
    """A dictionary."""

    items: tuple[tuple[PyExpr, PyExpr], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Joined(Py):
    """Operands of one operator."""

    operator: str
    operands: tuple[PyExpr, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Not(Py):
    """`not value`."""

    value: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Inverted(Py):
    """`~value`."""

    value: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice(Py):
    """`then if condition else otherwise`."""

    condition: PyExpr
    then: PyExpr
    otherwise: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Anonymous(Py):
    """`lambda params: body`."""

    params: tuple[Local, ...]
    body: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Clause(Py):
    """`for names in iterable`."""

    names: tuple[Local, ...]
    iterable: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Each(Py):
    """`[element for names in iterable if condition]`; `bare` is without the brackets, as the argument of a call."""

    element: PyExpr
    clauses: tuple[Clause, ...]
    condition: PyExpr | None = None
    bare: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread(Py):
    """`*value`."""

    value: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Item(Py):
    """`value[index]`."""

    value: PyExpr
    index: PyExpr


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice(Py):
    """`value[start:stop]`."""

    value: PyExpr
    start: PyExpr | None = None
    stop: PyExpr | None = None


PyExpr = (
    Ref
    | Imported
    | Builtin
    | Attribute
    | Called
    | Text
    | Formatted
    | Shown
    | Constant
    | Listed
    | Mapped
    | Joined
    | Not
    | Inverted
    | Choice
    | Anonymous
    | Each
    | Spread
    | Item
    | Slice
)


def mpy_call(
    name: str, line: int, args: tuple[PyExpr, ...] = (), keywords: tuple[tuple[str, PyExpr], ...] = ()
) -> Called:
    """A call of a function that mpy has under this name."""
    return Called(line=line, function=Imported(line=line, name=name), args=args, keywords=keywords)


# ---------------------------------------------------------------------------------------------------------------------
# Statements


@dataclass(kw_only=True, eq=False)
class Statement:
    """A statement, from this line of the OCaml file, with the comments above it and behind it."""

    line: int
    above: list[str] = field(default_factory=list)
    behind: str = ""
    apart: bool = False
    """Whether the OCaml file has an empty line, or a comment, before it."""


@dataclass(kw_only=True, eq=False)
class Assign(Statement):
    """`targets = value`."""

    targets: tuple[Local | None, ...]
    value: PyExpr
    annotation: Annotation | None = None


@dataclass(kw_only=True, eq=False)
class Parameter:
    """A parameter of a function; keyword-only ones follow the others."""

    local: Local
    annotation: Annotation
    keyword: bool = False
    default: PyExpr | None = None


@dataclass(kw_only=True, eq=False)
class Define(Statement):
    """`def name(params) -> returns:` and what it does."""

    name: Local
    params: tuple[Parameter, ...]
    returns: Annotation
    body: list[AnyStatement]


@dataclass(kw_only=True, eq=False)
class Return(Statement):
    """`return value`."""

    value: PyExpr


@dataclass(kw_only=True, eq=False)
class Do(Statement):
    """An expression on its own; None for comments alone."""

    value: PyExpr | None


@dataclass(kw_only=True, eq=False)
class Todo(Statement):
    """What could not be converted: the OCaml of it, where it fails and why, and the names that it defines."""

    place: int
    reason: str
    ocaml: str
    defines: tuple[Local, ...] = ()


@dataclass(kw_only=True, eq=False)
class Put(Statement):
    """`target = value`, where the target is an item of something."""

    target: PyExpr
    value: PyExpr


@dataclass(kw_only=True, eq=False)
class Raise(Statement):
    """`raise ValueError(message)`."""

    message: PyExpr


@dataclass(kw_only=True, eq=False)
class When(Statement):
    """`if condition:` ... `else:` ...; each way that comes to an end assigns `result`, where there is one."""

    condition: PyExpr
    then: list[AnyStatement]
    otherwise: list[AnyStatement]
    result: Local | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Handler:
    """`except exceptions:` and what is done then."""

    exceptions: tuple[str, ...]
    body: list[AnyStatement]


@dataclass(kw_only=True, eq=False)
class Attempt(Statement):
    """`try:` ... `except:` ...; each way that comes to an end assigns `result`, where there is one."""

    body: list[AnyStatement]
    handlers: tuple[Handler, ...]
    result: Local | None = None


@dataclass(kw_only=True, eq=False)
class Loop(Statement):
    """`for names in iterable:` ..."""

    names: tuple[Local, ...]
    iterable: PyExpr
    body: list[AnyStatement]


@dataclass(kw_only=True, eq=False)
class DefineRecord(Statement):
    """A named tuple, with its fields."""

    name: Local
    fields: tuple[tuple[str, Annotation], ...]


AnyStatement = Assign | Define | Return | Do | Todo | Put | Raise | When | Attempt | Loop | DefineRecord


@dataclass(frozen=True)
class Annotation:
    """A type as Python writes it: text, and the names it needs by their modules."""

    text: str
    needs: tuple[tuple[str, str], ...] = ()


def expressions(expr: PyExpr) -> Iterator[PyExpr]:
    """An expression and all within it."""
    stack: list[object] = [expr]
    while stack:
        one = stack.pop()
        if isinstance(one, Py) and not isinstance(one, Remark):
            yield one  # type: ignore[misc]  # every Py that is no statement is an expression
            stack += vars(one).values()
        elif isinstance(one, (tuple, list)):
            stack += one


def blocks(statement: AnyStatement) -> tuple[list[AnyStatement], ...]:
    """The statements within a statement, one list for each block."""
    match statement:
        case Define() | Loop():
            return (statement.body,)
        case When():
            return (statement.then, statement.otherwise)
        case Attempt():
            return (statement.body, *(handler.body for handler in statement.handlers))
        case _:
            return ()


def within(statement: AnyStatement) -> Iterator[PyExpr]:
    """Every expression of a statement."""
    for expr in _direct(statement):
        yield from expressions(expr)
    for block in blocks(statement):
        for inner in block:
            yield from within(inner)


def bound(statement: AnyStatement) -> Iterator[Local]:
    """Every name that a statement gives a value, those within functions and comprehensions among them."""
    yield from _named_by(statement)
    for expr in _direct(statement):
        for one in expressions(expr):
            if isinstance(one, Anonymous):
                yield from one.params
            elif isinstance(one, Clause):
                yield from one.names
    for block in blocks(statement):
        for inner in block:
            yield from bound(inner)


def _named_by(statement: AnyStatement) -> Iterator[Local]:
    match statement:
        case Assign():
            yield from (local for local in statement.targets if local is not None)
        case Define():
            yield from (statement.name, *(param.local for param in statement.params))
        case DefineRecord():
            yield statement.name
        case Todo():
            yield from statement.defines
        case Loop():
            yield from statement.names
        case _:
            return


def _direct(statement: AnyStatement) -> Iterator[PyExpr]:  # noqa: C901  # one case for each statement
    match statement:
        case Assign() | Return():
            yield statement.value
        case Do():
            if statement.value is not None:
                yield statement.value
        case Put():
            yield from (statement.target, statement.value)
        case Raise():
            yield statement.message
        case When():
            yield statement.condition
        case Loop():
            yield statement.iterable
        case Define():
            yield from (param.default for param in statement.params if param.default is not None)
        case DefineRecord():
            yield NAMED_TUPLE
        case Todo() | Attempt():
            return


NAMED_TUPLE = Imported(line=0, name="NamedTuple", module="typing")


def annotations_of(statement: AnyStatement) -> Iterator[Annotation]:
    """Every annotation of a statement."""
    match statement:
        case Assign(annotation=Annotation() as written):
            yield written
        case Define():
            yield from (param.annotation for param in statement.params)
            yield statement.returns
        case DefineRecord():
            yield from (hint for _, hint in statement.fields)
        case Todo() if statement.defines:
            yield Annotation("Any", (("typing", "Any"),))
        case _:
            pass
    for block in blocks(statement):
        for inner in block:
            yield from annotations_of(inner)
