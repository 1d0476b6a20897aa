"""Python as text, laid out as `ruff format` lays it out, comments and all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mirage_py.convert.doc import HARD, SOFT, SPACE, WIDTH, Doc, Either, Group, Indented, rendered
from mirage_py.convert.names import imports
from mirage_py.convert.python import (
    Anonymous,
    AnyStatement,
    Assign,
    Attempt,
    Attribute,
    Builtin,
    Called,
    Choice,
    Constant,
    Define,
    DefineRecord,
    Do,
    Each,
    Formatted,
    Imported,
    Inverted,
    Item,
    Joined,
    Listed,
    Loop,
    Mapped,
    Not,
    Parameter,
    Put,
    PyExpr,
    Raise,
    Ref,
    Remark,
    Return,
    Shown,
    Slice,
    Spread,
    Text,
    Todo,
    When,
)


def text_of(statements: list[AnyStatement], heading: str) -> str:
    """The whole file: a docstring, imports, statements."""
    pieces = [f'"""{heading}"""', *_imports(statements)]
    body = _block(statements, 0)
    gap = "\n\n\n" if statements and isinstance(statements[0], (Define, DefineRecord)) else "\n\n"
    whole = "\n\n".join(pieces) + gap + body if body else "\n\n".join(pieces)
    return re.sub(r"\n{4,}", "\n\n\n", whole).rstrip("\n") + "\n"


def _imports(statements: list[AnyStatement]) -> Iterator[str]:
    found = imports(statements)
    own = [name for name in found if name.startswith("mirage_py")]
    for modules in (sorted(found.keys() - own), sorted(own)):
        lines = [_import(module, found[module]) for module in modules]
        if lines:
            yield "\n".join(lines)


def _import(module: str, names: Iterable[str]) -> str:
    ordered = sorted(names, key=lambda name: (_rank(name), name))
    listed = _separated(tuple(ordered))
    flat = f"from {module} import {', '.join(ordered)}"
    if len(flat) <= WIDTH:
        return flat
    return rendered((f"from {module} import ", Group(("(", Indented((SOFT, *listed)), SOFT, ")"), broken=True)))


def _rank(name: str) -> int:
    if name.isupper() and len(name) > 1:
        return 0
    return 1 if name[0].isupper() else 2


def _separated(items: tuple[Doc, ...]) -> tuple[Doc, ...]:
    """Items with commas between, and one at the end where each has a line of its own."""
    made: list[Doc] = []
    for at, item in enumerate(items):
        made += [item, ",", SPACE] if at < len(items) - 1 else [item, Either(",", "")]
    return tuple(made)


# ---------------------------------------------------------------------------------------------------------------------
# Statements


def _block(statements: list[AnyStatement], indent: int) -> str:
    out: list[str] = []
    before: AnyStatement | None = None
    for statement in statements:
        if before is not None:
            out.append("\n" * _gap(before, statement, indent))
        out.append(_statement(statement, indent))
        before = statement
    return "".join(out)


def _gap(before: AnyStatement, statement: AnyStatement, indent: int) -> int:
    """Line ends between two statements: around functions two empty lines, one within a block."""
    if isinstance(before, (Define, DefineRecord)) or isinstance(statement, (Define, DefineRecord)):
        return 2 if indent else 3
    return 2 if statement.apart else 1


def _statement(statement: AnyStatement, indent: int) -> str:
    pad = " " * indent
    above = [f"{pad}# {line}".rstrip() if line else "" for line in statement.above]
    if isinstance(statement, Do) and statement.value is None:  # comments alone
        return "\n".join(above)
    text = (
        rendered(_of_statement(statement), indent) if not isinstance(statement, Define) else _define(statement, indent)
    )
    if isinstance(statement, Todo):
        text = _todo(statement, pad)
    elif isinstance(statement, (When, Attempt, Loop, DefineRecord)):
        text = _compound(statement, indent)
    behind = statement.behind
    if behind:
        last = text.rsplit("\n", 1)[-1]
        if isinstance(statement, Define) or len(last) + 4 + len(behind) > WIDTH:
            above.append(f"{pad}# {behind}")
        else:
            text = f"{text}  # {behind}"
    return "\n".join([*above, text])


def _compound(statement: When | Attempt | Loop | DefineRecord, indent: int, word: str = "if") -> str:
    """A statement with blocks of its own."""
    pad = " " * indent
    match statement:
        case When():
            head = rendered((f"{word} ", _value(statement.condition), ":"), indent)
            text = f"{head}\n{_block(statement.then, indent + 4) or pad + '    pass'}"
            match statement.otherwise:
                case []:
                    return text
                case [When(above=[]) as other]:
                    return f"{text}\n{_compound(other, indent, 'elif')}"
                case _:
                    return f"{text}\n{pad}else:\n{_block(statement.otherwise, indent + 4)}"
        case Attempt():
            text = f"{pad}try:\n{_block(statement.body, indent + 4) or pad + '    pass'}"
            for handler in statement.handlers:
                caught = handler.exceptions[0] if len(handler.exceptions) == 1 else f"({', '.join(handler.exceptions)})"
                body = _block(handler.body, indent + 4) or f"{pad}    pass"
                text += f"\n{pad}except {caught}:\n{body}"
            return text
        case Loop():
            names = ", ".join(str(local.python) for local in statement.names)
            head = rendered((f"for {names} in ", _value(statement.iterable), ":"), indent)
            return f"{head}\n{_block(statement.body, indent + 4) or pad + '    pass'}"
        case DefineRecord():
            fields = "\n".join(f"{pad}    {name}: {hint.text}" for name, hint in statement.fields)
            return f"{pad}class {statement.name.python}(NamedTuple):\n{fields}"


def _todo(statement: Todo, pad: str) -> str:
    lines = [f"{pad}# TODO(mpy): {statement.reason}"]
    lines += [f"{pad}#     {line}".rstrip() for line in statement.ocaml.split("\n")]
    lines += [f"{pad}{local.python}: Any = ..." for local in statement.defines]
    return "\n".join(lines)


def _of_statement(statement: AnyStatement) -> Doc:
    match statement:
        case Assign():
            targets = ", ".join("_" if local is None else str(local.python) for local in statement.targets)
            hint = f": {statement.annotation.text}" if statement.annotation else ""
            return (f"{targets}{hint} = ", _value(statement.value))
        case Return():
            return ("return ", _value(statement.value))
        case Do(value=value):
            return "" if value is None else _value(value)
        case Put():
            return (_doc(statement.target), " = ", _value(statement.value))
        case Raise():
            return ("raise ValueError", Group(("(", Indented((SOFT, _doc(statement.message))), SOFT, ")")))
        case _:
            return ""


def _value(expr: PyExpr) -> Doc:
    """The right side of a statement: what has no brackets of its own gets some when it takes several lines."""
    if isinstance(expr, (Joined, Choice, Not)) or (isinstance(expr, (Text, Formatted)) and len(expr.parts) > 1):
        inside = _doc(expr)
        return Group((Either("(", ""), Indented((SOFT, inside)), SOFT, Either(")", "")))
    return _doc(expr)


def _define(statement: Define, indent: int) -> str:
    pad = " " * indent
    params = _parameters(statement.params)
    head: Doc = (
        f"def {statement.name.python}",
        Group(("(", Indented((SOFT, Group(_separated(params)))), SOFT, ")")) if params else "()",
        f" -> {statement.returns.text}:",
    )
    return rendered(head, indent) + "\n" + _block(statement.body, indent + 4) if statement.body else f"{pad}pass"


def _parameters(params: tuple[Parameter, ...]) -> tuple[Doc, ...]:
    made: list[Doc] = []
    star = False
    for param in params:
        if param.keyword and not star:
            made.append("*")
            star = True
        default: Doc = () if param.default is None else (" = ", _doc(param.default))
        made.append((f"{param.local.python}: {param.annotation.text}", default))
    return tuple(made)


# ---------------------------------------------------------------------------------------------------------------------
# Expressions


def _doc(expr: PyExpr) -> Doc:  # noqa: C901  # one case for each form of expression
    match expr:
        case Ref():
            return str(expr.local.python)
        case Imported() | Builtin():
            return expr.name
        case Attribute():
            return (_operand(expr.value, expr), f".{expr.name}")
        case Called():
            return (_operand(expr.function, expr), _arguments(expr))
        case Text():
            return _text(expr.parts)
        case Shown():
            return _f_string((expr,))
        case Formatted():
            return _formatted(expr)
        case Constant():
            return expr.shown
        case Listed():
            return _listed(expr)
        case Mapped():
            entries = tuple((_doc(key), ": ", _doc(value)) for key, value in expr.items)
            return _bracketed("{", entries, "}")
        case Joined():
            return Group(_joined(expr))
        case Not():
            return ("not ", _operand(expr.value, expr))
        case Inverted():
            return ("~", _operand(expr.value, expr))
        case Choice():
            return Group(
                (
                    _operand(expr.then, expr),
                    SPACE,
                    "if ",
                    _doc(expr.condition),
                    SPACE,
                    "else ",
                    _doc(expr.otherwise),
                )
            )
        case Anonymous():
            params = ", ".join(str(local.python) for local in expr.params)
            inside: Doc = Group((Either("(", ""), Indented((SOFT, _doc(expr.body))), SOFT, Either(")", "")))
            if isinstance(expr.body, Listed):  # it has brackets of its own
                inside = _doc(expr.body)
            return (f"lambda {params}: " if params else "lambda: ", inside)
        case Each():
            return _each(expr)
        case Spread():
            return ("*", _operand(expr.value, Not(line=expr.line, value=expr.value)))
        case Item():
            return (_operand(expr.value, expr), "[", _doc(expr.index), "]")
        case Slice():
            start, stop = ("" if one is None else _doc(one) for one in (expr.start, expr.stop))
            return (_operand(expr.value, expr), "[", start, _colon(expr), stop, "]")


def _colon(expr: Slice) -> str:
    """The colon of a slice, which has blanks around it where a side is more than a name or a number."""
    return " : " if any(isinstance(one, (Joined, Called)) for one in (expr.start, expr.stop)) else ":"


_STRENGTH = {"or": 1, "and": 2, "==": 4, "!=": 4, "<": 4, ">": 4, "<=": 4, ">=": 4, "is": 4, "is not": 4}
_STRENGTH |= {"in": 4, "|": 5, "&": 5, ">>": 6, "+": 7, "-": 7, "*": 8, "/": 8, "//": 8, "%": 8}


def _strength(expr: PyExpr) -> int:
    match expr:
        case Anonymous() | Choice():
            return 0
        case Joined():
            return _STRENGTH[expr.operator]
        case Not():
            return 3
        case Inverted():
            return 9
        case _:
            return 10


def _operand(expr: PyExpr, parent: PyExpr) -> Doc:
    """An expression within another, in parentheses where it binds less."""
    needed = _strength(parent) + 1 if not isinstance(parent, Choice) else 1
    if _strength(expr) < needed and _strength(expr) < 10:
        return Group(("(", Indented((SOFT, _doc(expr))), SOFT, ")"))
    return _doc(expr)


def _joined(expr: Joined) -> tuple[Doc, ...]:
    first, *rest = expr.operands
    made: list[Doc] = [_operand(first, expr)]
    for operand in rest:
        made += [SPACE, f"{expr.operator} ", _operand(operand, expr)]
    return tuple(made)


def _arguments(expr: Called) -> Doc:
    items = tuple(_doc(arg) for arg in expr.args) + tuple((f"{name}=", _doc(value)) for name, value in expr.keywords)
    if not items:
        return "()"
    return Group(("(", Indented((SOFT, Group(_separated(items)))), SOFT, ")"))


def _bracketed(opening: str, items: tuple[Doc, ...], closing: str) -> Doc:
    if not items:
        return opening + closing
    return Group((opening, Indented((SOFT, *_separated(items))), SOFT, closing))


def _listed(expr: Listed) -> Doc:
    items = tuple(_doc(item) for item in expr.items)
    if expr.tuple_:
        if len(items) == 1:
            return Group(("(", Indented((SOFT, items[0], ",")), SOFT, ")"))
        return _bracketed("(", items, ")")
    if expr.remarks:
        return _remarked(items, expr.remarks)
    return _bracketed("[", items, "]")


def _remarked(items: tuple[Doc, ...], remarks: tuple[Remark, ...]) -> Doc:
    """A list with comments: each item has its line."""
    made: list[Doc] = []
    for at, remark in enumerate(remarks):
        for line in (*remark.above, *_long(remark, items, at)):
            made += [HARD, f"# {line}".rstrip()]
        if at < len(items):
            behind = f"  # {remark.behind}" if remark.behind and not list(_long(remark, items, at)) else ""
            made += [HARD, items[at], ",", behind]
    return Group(("[", Indented(tuple(made)), HARD, "]"), broken=True)


def _long(remark: Remark, items: tuple[Doc, ...], at: int) -> Iterator[str]:
    """A comment behind an item that is too long to stand there."""
    if remark.behind and at < len(items):
        width = len(rendered(items[at], 4).rsplit("\n", 1)[-1]) + 5 + len(remark.behind) + 4
        if width > WIDTH:
            yield remark.behind


def _each(expr: Each) -> Doc:
    made: list[Doc] = [_doc(expr.element)]
    for clause in expr.clauses:
        names = ", ".join(str(local.python) for local in clause.names)
        made += [SPACE, f"for {names} in ", _doc(clause.iterable)]
    if expr.condition is not None:
        made += [SPACE, "if ", _doc(expr.condition)]
    if expr.bare:
        return Group(tuple(made))
    return Group(("[", Indented((SOFT, Group(tuple(made)))), SOFT, "]"))


# ---------------------------------------------------------------------------------------------------------------------
# Strings


def _text(parts: tuple[str, ...]) -> Doc:
    flat = quoted("".join(parts))
    if len(parts) == 1:
        return flat
    made: list[Doc] = []
    for at, part in enumerate(parts):
        made += [HARD, quoted(part)] if at else [quoted(part)]
    return Group((Either(tuple(made), flat),))


def quoted(text: str) -> str:
    """A string literal, between whichever quotation marks need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + _escaped(text, mark) + mark


_NAMED = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(text: str, mark: str) -> str:
    return "".join(
        _NAMED.get(char) or (f"\\{mark}" if char == mark else char if char.isprintable() else _code(char))
        for char in text
    )


def _code(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def _formatted(expr: Formatted) -> Doc:
    flat = _f_string(tuple(piece for part in expr.parts for piece in part))
    if len(expr.parts) == 1:
        return flat
    made: list[Doc] = []
    for at, part in enumerate(expr.parts):
        made += [HARD, _f_string(part)] if at else [_f_string(part)]
    return Group((Either(tuple(made), flat),))


def _f_string(pieces: tuple[str | PyExpr, ...]) -> str:
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    holes = [_hole(piece) for piece in pieces if not isinstance(piece, str)]
    if not holes:
        return quoted(text)
    marks = [mark for mark in "\"'" if not any(mark in hole or "\\" in hole for hole in holes)]
    if not marks:  # before Python 3.12 a hole has neither the mark around it nor a backslash
        return _format(pieces)
    mark = min(marks, key=text.count)
    filled = iter(holes)
    inside = (_braced(_escaped(one, mark)) if isinstance(one, str) else f"{{{next(filled)}}}" for one in pieces)
    return f"f{mark}{''.join(inside)}{mark}"


def _hole(piece: PyExpr) -> str:
    if isinstance(piece, Shown):
        return f"{_hole(piece.value)}:{piece.spec}" if piece.spec else _hole(piece.value)
    text = rendered(_doc(piece)).replace("\n", " ")
    return f"({text})" if isinstance(piece, Anonymous) else text


def _format(pieces: tuple[str | PyExpr, ...]) -> str:
    text = "".join(_braced(piece) if isinstance(piece, str) else _place_of(piece) for piece in pieces)
    values = [_hole(one.value if isinstance(one, Shown) else one) for one in pieces if not isinstance(one, str)]
    return f"{quoted(text)}.format({', '.join(values)})"


def _place_of(piece: PyExpr) -> str:
    return f"{{:{piece.spec}}}" if isinstance(piece, Shown) and piece.spec else "{}"


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
