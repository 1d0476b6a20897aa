"""`connect` functions as templates: what OCaml prints into main.ml, written as mpy fills it in.

A `connect` gets the names of a device's inputs as one list: functor arguments, then dependencies, then boot-time
arguments. What is printed where is known, so most become text with `{arg0}`, `{dep0}` and `{rt0}`; one that prints
values of the configuration becomes a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mirage_py.convert import tree as t
from mirage_py.convert.context import Context
from mirage_py.convert.literals import format_pieces
from mirage_py.convert.ocaml_types import Con
from mirage_py.convert.patterns import meeting
from mirage_py.convert.python import (
    Annotation,
    Anonymous,
    Assign,
    Attribute,
    Builtin,
    Called,
    Choice,
    Constant,
    Define,
    Formatted,
    Item,
    Parameter,
    PyExpr,
    Ref,
    Return,
    Shown,
    Text,
    mpy_call,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.verb_types import FORMATS, PRINTERS
from mirage_py.dataclass import dataclass, field

Lines = list[list[str | PyExpr]]
"""Text with holes, line by line as the OCaml file lays it out."""

_BREAKING = (FORMATS | PRINTERS) - {"Printf.sprintf", "Printf.printf", "Printf.eprintf"}
_REFUSALS = frozenset(("failwith", "invalid_arg", "connect_err"))


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a device's connect is given: for each functor argument whether it is still one, and what follows.

    `boot` are keys that were boot options, in the order of the boot arguments they become, after `first` others.
    `counts` are the numbers of boot arguments that are possible, with the list that decides when there are several.
    """

    args: tuple[bool, ...]
    deps: int = 0
    counts: tuple[int, ...] = (0,)
    chosen: PyExpr | None = None
    boot: tuple[Local, ...] = ()
    first: int = 0
    runtime: tuple[PyExpr, ...] = ()
    """The boot-time arguments, as far as they are written here."""

    def places(self, boot_args: int) -> list[str | None]:
        """For each input its name in a template; None for an argument that is gone."""
        kept = iter(range(len(self.args)))
        args = [f"arg{next(kept)}" if there else None for there in self.args]
        return [*args, *(f"dep{i}" for i in range(self.deps)), *(f"rt{i}" for i in range(boot_args))]


@dataclass(kw_only=True)
class Texts:
    """Text in the making: expressions of strings, as lines with holes."""

    context: Context
    holes: dict[Local, Lines] = field(default_factory=dict)
    whole: dict[Local, list[PyExpr]] = field(default_factory=dict)
    """Names of lists of inputs."""
    boot: tuple[Local, ...] = ()
    first: int = 0
    runtime: tuple[PyExpr, ...] = ()
    templates: dict[PyExpr, str] = field(default_factory=dict)
    unikernel: Local = field(default_factory=lambda: Local(name="c", line=0, type=Con("connect")))

    def of(self, expr: t.Expr) -> Lines:  # noqa: C901  # one case for each form of expression
        """The text that an expression of type string (or code) is."""
        expr = t.unopened(expr)
        match expr:
            case t.Str():
                return [[part] for part in expr.parts]
            case t.Var():
                return self._name(expr)
            case t.Chain(operator="^"):
                return _joined([self.of(one) for one in expr.operands])
            case t.Let():
                for binding in expr.bindings:
                    if isinstance(binding.pattern, t.Name):
                        self.holes[self.context.analysis.locals[binding.pattern]] = self.of(binding.value)
                return self.of(expr.body)
            case t.Apply() if self.context.analysis.entry(expr.function) in FORMATS | PRINTERS:
                return self._format(expr)
            case t.Apply() if (listed := self._listed(expr)) is not None:
                return listed
            case t.Apply() if self.context.analysis.entry(expr.function) == "Info.name":
                base = Attribute(line=expr.line, value=Ref(line=0, local=self.unikernel), name="unikernel")
                return [[Attribute(line=expr.line, value=base, name="name")]]
            case t.Match() if expr.subject is not None:
                return [[self._choice(expr)]]
            case _:
                return [[self.context.emit(expr)]]

    def _name(self, expr: t.Var) -> Lines:
        found = self.context.analysis.symbols[expr]
        if isinstance(found, Local) and found in self.holes:
            return self.holes[found]
        if isinstance(found, Local) and isinstance(found.value, t.Str) and not found.top:
            return self.of(found.value)
        return [[self.context.emit(expr)]]

    def _listed(self, expr: t.Apply) -> Lines | None:
        """What is made of a list of inputs: all of them with something between, or one of them."""
        analysis = self.context.analysis
        values = [argument.value for argument in expr.arguments]
        inputs = [self.whole[one] for v in values if (one := analysis.symbol(t.unopened(v))) in self.whole]
        name = analysis.entry(expr.function)
        if not inputs:
            return None
        if name == "String.concat":
            between = self.of(values[0])
            pieces: list[Lines] = []
            for each in inputs[0]:
                pieces += [between, [[each]]] if pieces else [[[each]]]
            return _joined(pieces)
        if name == "List.hd":
            return [[inputs[0][0]]]
        if name == "List.nth" and isinstance(values[1], t.Num):
            return [[inputs[0][int(values[1].value)]]]
        raise CannotConvert(expr, "a connect that takes its inputs as a whole")

    def _choice(self, expr: t.Match) -> PyExpr:
        """Alternatives of which one is printed."""
        return self.context.emit(expr)

    def _format(self, expr: t.Apply) -> Lines:
        given = [argument.value for argument in expr.arguments if argument.label is None]
        if not given:
            raise CannotConvert(expr, "a format without text")
        text = self.context.analysis.followed(given[0])
        if not isinstance(text, t.Str):
            raise CannotConvert(expr, "a format that is not written here")
        rest = iter(given[1:])
        breaks = self.context.analysis.entry(expr.function) in _BREAKING
        lines: Lines = []
        for part in text.parts:
            made: Lines = [[]]
            for piece in format_pieces((part,), breaks=breaks):
                inside: Lines = [[piece]] if isinstance(piece, str) else self._filled(piece, rest, expr)
                made = _joined([made, inside])
            lines += made
        return lines

    def _filled(self, conversion: tuple[str, str], rest: Iterator[t.Expr], expr: t.Apply) -> Lines:
        letter, written = conversion
        given = next(rest, None)
        if given is None:
            raise CannotConvert(expr, f"the format wants one argument more, for {written}")
        match letter:
            case "s" | "c":
                return [[self._padded(given, written)]] if written[1:-1] else self.of(given)
            case "S":
                return [[mpy_call("ocaml_string", expr.line, (self._one(given),))]]
            case "d" | "i" | "u" | "x" | "X" | "o" | "f":
                return [[self._number(given, written)]]
            case "B" | "b":
                text = Called(
                    line=expr.line, function=Builtin(line=expr.line, name="str"), args=(self.context.emit(given),)
                )
                lower = Attribute(line=expr.line, value=text, name="lower")
                return [[Called(line=expr.line, function=lower)]]
            case "a":
                return self._printed(given, next(rest, None), expr)
            case _:
                raise CannotConvert(expr, f"{written} in a format")

    def _number(self, given: t.Expr, written: str) -> str | PyExpr:
        """A number, as its conversion shows it: `%02d`."""
        value = self.context.emit(given)
        spec = re.sub(r"[lnL](?=.$)", "", written[1:]).replace("i", "d").replace("u", "d")
        if spec.startswith("-"):
            spec = "<" + spec[1:]
        if isinstance(value, Constant):
            return format(value.value, spec)
        return Shown(line=given.line, value=value, spec="" if spec == "d" else spec)

    def _padded(self, given: t.Expr, written: str) -> str | PyExpr:
        """Text of a width: `%-5s`."""
        value, width = self._one(given), written[1:-1]
        spec = f"<{width[1:]}" if width.startswith("-") else f">{width}"
        return format(value.text, spec) if isinstance(value, Text) else Shown(line=given.line, value=value, spec=spec)

    def _one(self, expr: t.Expr) -> PyExpr:
        lines = self.of(expr)
        if len(lines) == 1 and len(lines[0]) == 1 and not isinstance(lines[0][0], str):
            return lines[0][0]
        return text_of(lines, expr.line)

    def _printed(self, printer: t.Expr, value: t.Expr | None, expr: t.Apply) -> Lines:
        """`%a`: what a printer makes of a value; of those only a key's own is known."""
        if value is not None and self.context.analysis.entry(printer) in ("Key.serialize_call", "Runtime_arg.call"):
            from mirage_py.convert.keys import key_local

            local = key_local(self.context, value)
            if local in self.boot:
                return [[self.hole(f"rt{self.first + self.boot.index(local)}")]]
            made = self.context.emit(value)
            for at, one in enumerate(self.runtime):
                if isinstance(one, Ref) and isinstance(made, Ref) and one.local is made.local:
                    return [[self.hole(f"rt{at}")]]
        raise CannotConvert(expr, "%a in a format")

    def hole(self, name: str) -> PyExpr:
        """An input (or the module) as a function of mpy's gets it; templates know it by its name."""
        made = _attribute(self.unikernel, name)
        self.templates[made] = name
        return made


def _attribute(c: Local, name: str) -> PyExpr:
    base = Ref(line=0, local=c)
    if name == "module":
        return Attribute(line=0, value=base, name="module")
    kind = name.rstrip("0123456789")
    whole = Attribute(line=0, value=base, name={"arg": "args", "dep": "deps", "rt": "runtime_args"}[kind])
    return Item(line=0, value=whole, index=Constant(line=0, value=int(name.removeprefix(kind))))


def _joined(pieces: list[Lines]) -> Lines:
    made: Lines = [[]]
    for lines in pieces:
        made[-1] = [*made[-1], *lines[0]]
        made += [list(line) for line in lines[1:]]
    return made


def text_of(lines: Lines, line: int) -> PyExpr:
    """Lines with holes as a string of Python: an f-string where there is a hole."""
    lines = [[_told(piece) if len(one) > 1 else piece for piece in one] for one in lines]
    if all(isinstance(piece, str) for one in lines for piece in one):
        return Text(line=line, parts=tuple("".join(map(str, one)) for one in lines))
    if len(lines) == 1 and len(lines[0]) == 1 and not isinstance(lines[0][0], str):
        return lines[0][0]
    return Formatted(line=line, parts=tuple(tuple(one) for one in lines))


def _told(piece: str | PyExpr) -> str | PyExpr:
    """A hole without the `str` around it that an f-string does by itself."""
    if isinstance(piece, Called) and isinstance(piece.function, Builtin) and piece.function.name == "str":
        return Shown(line=piece.line, value=piece.args[0])
    return piece


def string_of(context: Context, expr: t.Expr) -> PyExpr:
    """A string that is put together of others."""
    return text_of(Texts(context=context).of(expr), expr.line)


def connect_of(context: Context, expr: t.Expr, inputs: Inputs) -> PyExpr:
    """The connect code of a device: a template, or a function where values of the configuration are printed."""
    function = context.analysis.followed(expr)
    module, cases = _alternatives(context, function)
    if not any(isinstance(case.pattern, (t.Items, t.Longer)) for case in cases):
        return _alternative(context, module, cases, inputs, inputs.counts[-1])
    made = [(count, _alternative(context, module, cases, inputs, count)) for count in inputs.counts]
    if len(made) == 1:
        return made[0][1]
    if inputs.chosen is None or made[0][0] != 0 or len(made) != 2:
        raise CannotConvert(expr, "a connect for this number of inputs")
    return Choice(line=expr.line, condition=inputs.chosen, then=made[1][1], otherwise=made[0][1])


def _alternatives(context: Context, function: t.Expr) -> tuple[Local | None, tuple[t.Case, ...]]:
    """The name of the module, and what is printed for each form of the list of inputs."""
    if not isinstance(function, t.Fun) or len(function.params) not in (2, 3):
        raise CannotConvert(function, "a connect of this form")
    second = function.params[1].pattern
    module = context.analysis.locals[second] if isinstance(second, t.Name) else None
    body = t.unopened(function.body)
    if len(function.params) == 2:
        if isinstance(body, t.Match) and body.subject is None:
            return module, body.cases
        raise CannotConvert(function, "a connect of this form")
    last = function.params[2].pattern
    if isinstance(last, t.Name) and isinstance(body, t.Match) and isinstance(body.subject, t.Var):
        return module, body.cases
    case = t.Case(pattern=last, body=body, line=function.line, start=function.start, end=function.end)
    return module, (case,)


def _alternative(
    context: Context, module: Local | None, cases: tuple[t.Case, ...], inputs: Inputs, boot_args: int
) -> PyExpr:
    places = inputs.places(boot_args)
    wanted = sum(1 for _ in places)
    case = next((one for one in cases if _takes(one, wanted)), None)
    if case is None:
        forms = ", ".join(str(len(one.pattern.items)) for one in cases if isinstance(one.pattern, t.Items))
        raise CannotConvert(cases[0], f"connect is given {wanted} inputs here, and is written for {forms or 'none'}")
    texts = Texts(context=context, boot=inputs.boot, first=inputs.first, runtime=inputs.runtime)
    if module is not None:
        texts.holes[module] = [[texts.hole("module")]]
    if isinstance(case.pattern, t.Items):
        _name_inputs(context, texts, case.pattern.items, places)
    elif isinstance(case.pattern, t.Longer):
        count = len(case.pattern.heads)
        _name_inputs(context, texts, case.pattern.heads, places[:count])
        _name_whole(context, texts, case.pattern.rest, places[count:])
    else:
        _name_whole(context, texts, case.pattern, places)
    return _body(context, texts, case.body, case.line)


def _body(context: Context, texts: Texts, body: t.Expr, line: int) -> PyExpr:
    """What is printed: one text, or one of several that a value of the configuration decides."""
    body = t.unopened(body)
    if not isinstance(body, t.Match) or body.subject is None or body.handler:
        return _written(context, texts, texts.of(body), line)
    subject = context.emit(body.subject)
    if not isinstance(subject, Ref):
        return _written(context, texts, texts.of(body), line)
    made: list[tuple[PyExpr | None, PyExpr]] = []
    for one in body.cases:
        met = meeting(context, one.pattern, subject)
        context.replaced |= met.names
        made.append((met.conditions[0] if met.conditions else None, _body(context, texts, one.body, one.line)))
    whole = made[-1][1]
    for condition, value in reversed(made[:-1]):
        if condition is not None:
            whole = Choice(line=line, condition=condition, then=value, otherwise=whole)
    return whole


def _takes(case: t.Case, count: int) -> bool:
    if isinstance(case.pattern, t.Items):
        return len(case.pattern.items) == count
    if isinstance(case.pattern, t.Longer):
        return len(case.pattern.heads) <= count
    body = t.unopened(case.body)
    return not (isinstance(body, t.Assert) or (isinstance(body, t.Apply) and _is_refusal(body)))


def _is_refusal(body: t.Apply) -> bool:
    return isinstance(body.function, t.Var) and body.function.path[-1] in _REFUSALS


def _name_whole(context: Context, texts: Texts, pattern: t.Pattern, places: list[str | None]) -> None:
    """Name a list of inputs, or what is left of it."""
    if isinstance(pattern, t.Name) and context.analysis.locals[pattern].uses:
        if None in places:
            raise CannotConvert(pattern, "a connect of all inputs, of which functor arguments are gone")
        texts.whole[context.analysis.locals[pattern]] = [texts.hole(place) for place in places if place is not None]


def _name_inputs(context: Context, texts: Texts, patterns: tuple[t.Pattern, ...], places: list[str | None]) -> None:
    for one, place in zip(patterns, places, strict=True):
        if not isinstance(one, t.Name):
            continue
        local = context.analysis.locals[one]
        if place is None:
            if local.uses:
                raise CannotConvert(one, f"connect uses {one.name}, and this functor argument is gone")
            continue
        texts.holes[local] = [[texts.hole(place)]]


def _written(context: Context, texts: Texts, lines: Lines, line: int) -> PyExpr:
    """A template where every hole is an input, else a function."""
    if all(isinstance(piece, str) or piece in texts.templates for one in lines for piece in one):
        parts = tuple(
            "".join(_doubled(p) if isinstance(p, str) else f"{{{texts.templates[p]}}}" for p in one) for one in lines
        )
        return _placed(context, Text(line=line, parts=parts))
    body = text_of(lines, line)
    if len(lines) == 1:
        return Anonymous(line=line, params=(texts.unikernel,), body=body)
    function = Local(name="connect", line=line, type=Con("code"), prefix=context.owner)
    hint = Annotation("Connect", (("mirage_py", "Connect"),))
    context.statements.append(
        Define(
            line=line,
            name=function,
            params=(Parameter(local=texts.unikernel, annotation=hint),),
            returns=Annotation("str"),
            body=[Return(line=line, value=body)],
        )
    )
    return Ref(line=line, local=function)


LONGEST_INLINE = 72


def _placed(context: Context, text: Text) -> PyExpr:
    """A template where it is used, or under a name of its own when it takes several lines."""
    if len(text.parts) == 1 or (len(text.text) <= LONGEST_INLINE and "\n" not in text.text):
        return Text(line=text.line, parts=(text.text,))
    local = Local(name="connect", line=text.line, type=Con("string"), prefix=context.owner)
    context.statements.append(Assign(line=text.line, targets=(local,), value=text))
    return Ref(line=text.line, local=local)


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
