"""OCaml's standard library, as far as configurations call it: lists, strings, options, references, paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mirage_py.convert import tree as t
from mirage_py.convert.annotations import annotation
from mirage_py.convert.catalogue import Entry
from mirage_py.convert.context import Context
from mirage_py.convert.idioms import IDIOMS
from mirage_py.convert.library import LIBRARY
from mirage_py.convert.ocaml_types import Con, parameters, signature
from mirage_py.convert.patterns import decided, meeting
from mirage_py.convert.python import (
    Anonymous,
    Assign,
    Attribute,
    Builtin,
    Called,
    Choice,
    Clause,
    Constant,
    Each,
    Imported,
    Item,
    Joined,
    Listed,
    Loop,
    PyExpr,
    Ref,
    Slice,
    Spread,
    Text,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local

_IDENTITIES = frozenset(("Key.v", "Key.abstract", "key", "dep", "abstract", "Runtime_arg.v", "Fun.id", "Key.value"))

Given = t.Expr | PyExpr
"""An argument: as the file writes it, or in Python already."""

FunctionValue = Callable[[t.Expr, bool], tuple[tuple[Local, ...], PyExpr] | None]
"""The parameters and the body of a function written where it is used; a tuple's parts on their own where asked for."""


class Lists:
    """Calls of OCaml's library."""

    def __init__(self, context: Context, function_value: FunctionValue) -> None:
        self._c = context
        self._function_value = function_value

    def apply(self, name: str, expr: t.Apply) -> PyExpr:
        """A function of the library, applied to all of its arguments or to some of them."""
        labels = [one.label for one in parameters(signature(LIBRARY[name]))]
        labelled = {one.label: one.value for one in expr.arguments if one.label is not None}
        plain = iter([one.value for one in expr.arguments if one.label is None])
        given = [labelled.get(label) if label else next(plain, None) for label in labels]
        if next(plain, None) is not None:
            raise CannotConvert(expr, f"{name} with an argument too many")
        if None in given:
            return self._rest(name, given, expr.line)
        return self.call(name, [one for one in given if one is not None], expr)

    def name(self, name: str, expr: t.Expr) -> PyExpr:
        """A function of the library, as a value."""
        params = list(parameters(signature(LIBRARY[name])))
        if not params:
            return Constant(line=expr.line, value=None)
        return self._rest(name, [None] * len(params), expr.line)

    def _rest(self, name: str, given: Sequence[t.Expr | None], line: int) -> PyExpr:
        """The function of those arguments that are not given yet."""
        params = list(parameters(signature(LIBRARY[name])))
        wanted = [
            Local(name=_PLACEHOLDERS[at], line=line, type=one.param)
            for at, (one, value) in enumerate(zip(params, given, strict=True))
            if value is None
        ]
        fresh = iter(wanted)
        args: list[Given] = [Ref(line=line, local=next(fresh)) if one is None else one for one in given]
        nowhere = t.Unit(line=line, start=0, end=0)
        return Anonymous(line=line, params=tuple(wanted), body=self.call(name, args, nowhere))

    def call(self, name: str, given: Sequence[Given], at: t.Expr) -> PyExpr:
        """A function of the library applied to all of its arguments."""
        return IDIOMS[name](self, at, *given)

    # -----------------------------------------------------------------------------------------------------------------
    # Arguments

    def value(self, given: Given) -> PyExpr:
        """An argument that is a value."""
        return given if not isinstance(given, t.Node) else self._c.emit(given)

    def each(self, function: Given, at: t.Expr, items: PyExpr | None = None) -> tuple[tuple[Local, ...], PyExpr]:
        """Names for each item, and what a function of one argument makes of it."""
        if isinstance(function, t.Node):
            written = self._function_value(function, True)
            if written is not None:
                return written
        local = Local(name=_one_of(items), line=at.line, type=Con("any"))
        return (local,), self.applied(function, at, Ref(line=at.line, local=local))

    def several(self, function: Given, at: t.Expr, *names: str) -> tuple[tuple[Local, ...], PyExpr]:
        """Names for the arguments of a function, and what it makes of them."""
        if isinstance(function, t.Node):
            written = self._function_value(function, False)
            if written is not None and len(written[0]) == len(names):
                return written
        fresh = tuple(Local(name=name, line=at.line, type=Con("any")) for name in names)
        return fresh, self.applied(function, at, *(Ref(line=at.line, local=one) for one in fresh))

    def letters(self, function: Given, text: PyExpr, at: t.Expr) -> PyExpr:
        """A string made of what a function makes of each letter."""
        return self.method(Text(line=at.line, parts=("",)), "join", self.mapped(function, text, at, bare=True))

    def written(self, function: t.Expr) -> tuple[tuple[Local, ...], PyExpr] | None:
        """The parameters and the body of a function that is written here."""
        return self._function_value(function, False)

    def applied(self, function: Given, at: t.Expr, *args: PyExpr) -> PyExpr:
        """A function, applied to what is Python already."""
        if not isinstance(function, t.Node):
            return Called(line=at.line, function=function, args=args)
        function = t.unopened(function)
        if isinstance(function, t.Fun) and len(function.params) == len(args):
            for param, arg in zip(function.params, args, strict=True):
                self._c.replaced |= meeting(self._c, param.pattern, self.plain(arg, at)).names
            return self._c.emit(function.body)
        symbol, name = self._c.analysis.symbol(function), self._c.analysis.entry(function)
        if name in _IDENTITIES:
            return args[0]
        if name in LIBRARY:
            return self.call(name, args, at)
        if isinstance(symbol, Local | Entry):
            return Called(line=at.line, function=self._c.emit(function), args=args)
        if isinstance(function, t.Apply):
            return self._further(function, at, args)
        made = self._c.emit(function)
        if isinstance(made, Anonymous):
            made = self._called_later(made, at)
        return Called(line=at.line, function=made, args=args)

    def _called_later(self, made: Anonymous, at: t.Expr) -> PyExpr:
        local = Local(name="step", line=at.line, type=Con("function"))
        self._c.statements.append(Assign(line=at.line, targets=(local,), value=made))
        return Ref(line=at.line, local=local)

    def _further(self, function: t.Apply, at: t.Expr, args: tuple[PyExpr, ...]) -> PyExpr:
        """A function that was given some of its arguments, and gets the rest."""
        name = self._c.analysis.entry(function.function)
        if name in LIBRARY and not any(one.label for one in function.arguments):
            return self.call(name, (*(one.value for one in function.arguments), *args), at)
        made = self._c.emit(function)
        if isinstance(made, Called) and isinstance(made.function, Imported) and made.function.name == "partial":
            head, *given = made.args
            return Called(line=at.line, function=head, args=(*given, *args), keywords=made.keywords)
        if isinstance(made, Called) and isinstance(made.function, Imported):
            return Called(line=at.line, function=made.function, args=(*made.args, *args), keywords=made.keywords)
        return Called(line=at.line, function=made, args=args)

    # -----------------------------------------------------------------------------------------------------------------
    # Loops

    def fold(self, function: Given, start: Given, items: PyExpr, at: t.Expr, *, right: bool) -> PyExpr:
        """`List.fold_left` and `fold_right`, as a loop."""
        first = self.value(start)
        names = ("item", "folded") if right else ("folded", "item")
        with self._c.block() as step:
            params, body = self.several(function, at, *names)
        one, folded = params if right else params[::-1]
        type_ = self._c.analysis.type_of(at)
        hint = annotation(type_) if _says_little(first) else None
        self._c.statements.append(Assign(line=at.line, targets=(folded,), value=first, annotation=hint))
        step.append(Assign(line=at.line, targets=(folded,), value=body))
        walked = self.reversed(items) if right else items
        self._c.statements.append(Loop(line=at.line, names=(one,), iterable=walked, body=step))
        return Ref(line=at.line, local=folded)

    def loop(
        self, function: Given, items: PyExpr, at: t.Expr, *, counted: bool, perform: Callable[[t.Expr], None]
    ) -> None:
        """`List.iter` and `List.iteri`."""
        written = t.unopened(function) if isinstance(function, t.Node) else None
        wanted = 2 if counted else 1
        names: tuple[Local, ...]
        with self._c.block() as body:
            if isinstance(written, t.Fun) and len(written.params) == wanted and _named(written):
                patterns = [one.pattern for one in written.params]
                names = tuple(
                    self._c.analysis.locals[one]
                    for pattern in patterns
                    for one in (pattern.items if isinstance(pattern, t.Items) else (pattern,))
                )
                perform(written.body)
            else:
                names = tuple(Local(name=name, line=at.line, type=Con("any")) for name in ("place", "item")[-wanted:])
                made = self.applied(function, at, *(Ref(line=at.line, local=one) for one in names))
                self._c.say(made)
        over = self.enumerated(items) if counted else items
        self._c.statements.append(Loop(line=at.line, names=names, iterable=over, body=body))

    # -----------------------------------------------------------------------------------------------------------------
    # Python

    def mapped(self, function: Given, items: PyExpr, at: t.Expr, *, bare: bool = False) -> PyExpr:
        """`[f(x) for x in items]`."""
        if isinstance(function, t.Node) and self._c.analysis.entry(function) in _IDENTITIES:
            return items
        names, element = self.each(function, at, items)
        return Each(
            line=at.line, element=element, clauses=(Clause(line=at.line, names=names, iterable=items),), bare=bare
        )

    def kept(self, function: Given, items: PyExpr, at: t.Expr, *, bare: bool = False) -> PyExpr:
        """`[x for x in items if f(x)]`."""
        names, condition = self.each(function, at, items)
        parts: tuple[PyExpr, ...] = tuple(Ref(line=at.line, local=one) for one in names)
        element = parts[0] if len(parts) == 1 else Listed(line=at.line, items=parts, tuple_=True)
        clause = Clause(line=at.line, names=names, iterable=items)
        return Each(line=at.line, element=element, clauses=(clause,), condition=condition, bare=bare)

    def some(self, function: Given, items: PyExpr, at: t.Expr) -> PyExpr:
        """`[y for x in items for y in [f(x)] if y is not None]`, in two steps."""
        made = self.mapped(function, items, at, bare=True)
        local = Local(name="found", line=at.line, type=Con("any"))
        there = Joined(
            line=at.line,
            operator="is not",
            operands=(Ref(line=at.line, local=local), Constant(line=at.line, value=None)),
        )
        bracketed = Parenthesised(made)
        clause = Clause(line=at.line, names=(local,), iterable=bracketed)
        return Each(line=at.line, element=Ref(line=at.line, local=local), clauses=(clause,), condition=there)

    def flat(self, lists: PyExpr, at: t.Expr) -> PyExpr:
        """The items of several lists."""
        if isinstance(lists, Listed):
            items: list[PyExpr] = []
            for one in lists.items:
                items += one.items if isinstance(one, Listed) else (Spread(line=one.line, value=one),)
            return Listed(line=at.line, items=tuple(items))
        if isinstance(lists, Each) and not lists.bare and lists.condition is None:
            return self._nested(lists.clauses, lists.element, at)
        group = Local(name="group", line=at.line, type=Con("any"))
        clause = Clause(line=at.line, names=(group,), iterable=lists)
        return self._nested((clause,), Ref(line=at.line, local=group), at)

    def _nested(self, clauses: tuple[Clause, ...], lists: PyExpr, at: t.Expr) -> PyExpr:
        if isinstance(lists, Listed) and len(lists.items) == 1:
            return Each(line=at.line, element=lists.items[0], clauses=clauses)
        if isinstance(lists, Each) and not lists.bare:
            return Each(
                line=at.line, element=lists.element, clauses=(*clauses, *lists.clauses), condition=lists.condition
            )
        one = Local(name="item", line=at.line, type=Con("any"))
        inner = Clause(line=at.line, names=(one,), iterable=lists)
        return Each(line=at.line, element=Ref(line=at.line, local=one), clauses=(*clauses, inner))

    def reversed(self, items: PyExpr) -> PyExpr:
        return self.builtin("reversed", items)

    def enumerated(self, items: PyExpr) -> PyExpr:
        return self.builtin("enumerate", items)

    def builtin(self, name: str, *args: PyExpr, **keywords: PyExpr) -> PyExpr:
        line = args[0].line if args else 0
        return Called(line=line, function=Builtin(line=line, name=name), args=args, keywords=tuple(keywords.items()))

    def method(self, value: PyExpr, name: str, *args: PyExpr) -> PyExpr:
        line = value.line
        return Called(line=line, function=Attribute(line=line, value=value, name=name), args=args)

    def joined(self, operator: str, *operands: PyExpr) -> PyExpr:
        return Joined(line=operands[0].line, operator=operator, operands=operands)

    def item(self, value: PyExpr, at: int) -> PyExpr:
        if isinstance(value, Listed) and value.tuple_ and 0 <= at < len(value.items):
            return value.items[at]
        return Item(line=value.line, value=value, index=Constant(line=value.line, value=at))

    def list_of(self, *items: PyExpr) -> PyExpr:
        return Listed(line=items[0].line, items=items)

    def together(self, first: PyExpr, second: PyExpr) -> PyExpr:
        items: list[PyExpr] = []
        for one in (first, second):
            items += one.items if isinstance(one, Listed) and not one.remarks else (Spread(line=one.line, value=one),)
        return Listed(line=first.line, items=tuple(items))

    def zipped(self, first: PyExpr, second: PyExpr) -> PyExpr:
        return self.builtin("zip", first, second, strict=Constant(line=first.line, value=True))

    def mapped_two(self, function: Given, first: PyExpr, second: PyExpr, at: t.Expr) -> PyExpr:
        names, element = self.several(function, at, "left", "right")
        clause = Clause(line=at.line, names=names, iterable=self.zipped(first, second))
        return Each(line=at.line, element=element, clauses=(clause,))

    def counted(self, function: Given, items: PyExpr, at: t.Expr) -> PyExpr:
        names, element = self.several(function, at, "place", "item")
        clause = Clause(line=at.line, names=names, iterable=self.enumerated(items))
        return Each(line=at.line, element=element, clauses=(clause,))

    def found(self, function: Given, items: PyExpr, at: t.Expr, *, optional: bool) -> PyExpr:
        made = self.kept(function, items, at, bare=True)
        if not optional:
            return self.builtin("next", made)
        return self.builtin("next", Parenthesised(made), Constant(line=at.line, value=None))

    def there(self, value: PyExpr) -> PyExpr:
        return self.joined("is not", value, Constant(line=value.line, value=None))

    def plain(self, value: PyExpr, at: t.Expr) -> PyExpr:
        """A value that may stand twice: by a name, where it is more than one."""
        if isinstance(value, (Ref, Constant, Text, Item, Attribute)):
            return value
        local = Local(name="given", line=at.line, type=Con("any"))
        self._c.statements.append(Assign(line=at.line, targets=(local,), value=value))
        return Ref(line=at.line, local=local)

    def where_there(self, value: PyExpr, then: PyExpr, otherwise: PyExpr) -> PyExpr:
        """`then if value is not None else otherwise`, decided here where it is known."""
        if isinstance(value, Constant) and value.value is None:
            return otherwise
        if isinstance(value, (Text, Constant, Listed)):
            return then
        return Choice(line=value.line, condition=self.there(value), then=then, otherwise=otherwise)

    def option(self, function: Given, value: Given, otherwise: PyExpr, at: t.Expr) -> PyExpr:
        """What a function makes of a value, or something else where there is none."""
        whole = self.plain(self.value(value), at)
        if isinstance(whole, Constant) and whole.value is None:
            return otherwise
        if isinstance(whole, (Text, Constant)):
            return self.applied(function, at, whole)
        made = decided(self._c, at, self.there(whole), lambda: self.applied(function, at, whole), lambda: otherwise)
        assert made is not None
        return made

    def capital(self, text: PyExpr, method: str) -> PyExpr:
        if isinstance(text, Text):
            first, rest = text.text[:1], text.text[1:]
            return Text(line=text.line, parts=(getattr(first, method)() + rest,))
        one = Constant(line=text.line, value=1)
        first_ = self.method(Slice(line=text.line, value=text, stop=one), method)
        return self.joined("+", first_, Slice(line=text.line, value=text, start=one))

    def part(self, text: PyExpr, start: PyExpr, count: PyExpr) -> PyExpr:
        if isinstance(start, Constant) and isinstance(count, Constant):
            end: PyExpr = Constant(line=text.line, value=(start.value or 0) + (count.value or 0))
        else:
            end = self.joined("+", start, count)
        return Slice(line=text.line, value=text, start=start, stop=end)

    def here(self, line: int) -> PyExpr:
        """The folder that OCaml configurations run in, which is their own."""
        path = Imported(line=line, name="Path", module="pathlib")
        file = Called(line=line, function=path, args=(Builtin(line=line, name="__file__"),))
        whole = Called(line=line, function=Attribute(line=line, value=file, name="absolute"))
        return Attribute(line=line, value=whole, name="parent")

    def path(self, made: PyExpr) -> PyExpr:
        if isinstance(made, Attribute):
            return made
        return Called(line=made.line, function=Imported(line=made.line, name="Path", module="pathlib"), args=(made,))

    def of_path(self, made: PyExpr, name: str) -> PyExpr:
        if name == "name" and isinstance(made, Text):
            return Text(line=made.line, parts=(made.text.rstrip("/").rpartition("/")[2],))
        return Attribute(line=made.line, value=self.path(made), name=name)


def Parenthesised(made: PyExpr) -> PyExpr:  # noqa: N802  # reads as what it makes
    """A generator as one of several arguments, or as what is walked over."""
    if isinstance(made, Each):
        return Each(line=made.line, element=made.element, clauses=made.clauses, condition=made.condition)
    return made


_PLACEHOLDERS = ("first", "second", "third")


def _one_of(items: PyExpr | None) -> str:
    """A name for one of these."""
    if isinstance(items, Ref) and items.local.name.endswith("s") and len(items.local.name) > 2:
        name = items.local.name.rstrip("'")
        return name[:-3] + "y" if name.endswith("ies") else name[:-1]
    return "name" if isinstance(items, Listed) and all(isinstance(one, Text) for one in items.items) else "one"


def _named(function: t.Fun) -> bool:
    """Whether every parameter is a name, or a tuple of names that is the only one."""
    patterns = [one.pattern for one in function.params]
    if len(patterns) == 1 and isinstance(patterns[0], t.Items) and patterns[0].tuple_:
        return all(isinstance(one, t.Name) for one in patterns[0].items)
    return all(isinstance(one, t.Name) for one in patterns)


def _says_little(value: PyExpr) -> bool:
    return (isinstance(value, Listed) and not value.items) or (isinstance(value, Constant) and value.value is None)
