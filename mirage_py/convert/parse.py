"""A `config.ml`, read from its syntax tree, as the tree of `tree.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mirage_py.convert import tree as t
from mirage_py.convert.comment_syntax import comments_in
from mirage_py.convert.definition_syntax import DefinitionReader, function_of
from mirage_py.convert.literals import quoted_parts, string_parts
from mirage_py.convert.operators import ALL_OPERATORS, FLOATS, LEFT, PLAIN_OPERATORS, RIGHT, as_function, section
from mirage_py.convert.pattern_syntax import PatternReader
from mirage_py.convert.source_text import checked, syntax_error
from mirage_py.convert.syntax_nodes import named, of_type, operator_in, path_of, place, sides, unwrapped, words
from mirage_py.errors import ConfigError, Location
from mirage_py.syntax import syntax_tree, text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax

MAX_DEPTH: Final = 60
"""Expressions within each other, parentheses aside. The deepest of 530 public files has 22."""


def parse(text: bytes, file: str) -> t.Source:
    """The definitions of a file; a `ConfigError` at the line that is not OCaml."""
    text = checked(text, file)
    root = syntax_tree(text)
    if root.has_error:
        raise syntax_error(root, text, file)
    items = tuple(_Reader(text, file).definitions.items(root))
    return t.Source(file=file, text=text, items=items, comments=tuple(comments_in(root, text)))


class _Reader:
    """Reads expressions, with the definitions and patterns in them; says where it is too deep."""

    def __init__(self, text: bytes, file: str) -> None:
        self._text = text
        self._file = file
        self._depth = 0
        self._patterns = PatternReader(self.expression)
        self.definitions = DefinitionReader(self.expression, self._patterns.pattern)

    def expression(self, node: Syntax) -> t.Expr:
        node = unwrapped(node, "parenthesized_expression")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConfigError(
                f"expressions are nested more than {MAX_DEPTH} levels deep",
                location=Location(self._file, node.start_point[0] + 1),
                hint="give the inner ones names with let",
            )
        try:
            reader = _EXPRESSIONS.get(node.type)
            if reader is None:
                return t.Unknown(what=words(node), **place(node))
            return reader(self, node)
        finally:
            self._depth -= 1

    def variable(self, node: Syntax) -> t.Expr:
        operator = operator_in(text_at(node))
        if operator != text_at(node) and operator in ALL_OPERATORS:
            return as_function(operator, node)
        return t.Var(path=path_of(node), **place(node))

    def string(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte + 1 : node.end_byte - 1]
        return t.Str(parts=string_parts(inside), **place(node))

    def quoted(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte : node.end_byte]
        opening = inside.index(b"|") + 1
        return t.Str(parts=quoted_parts(inside[opening : len(inside) - opening]), **place(node))

    def number(self, node: Syntax) -> t.Expr:
        return self._number(node, 1)

    def signed(self, node: Syntax) -> t.Expr:
        operand = node.child_by_field_name("expression")
        if operand is not None and operand.type == "number" and text_at(node).startswith("-"):
            return self._number(operand, -1)
        return t.Unknown(what="a sign before an expression", **place(node))

    def _number(self, node: Syntax, sign: int) -> t.Expr:
        written = text_at(node).rstrip("lLn").replace("_", "")
        value: int | float
        try:
            value = int(written, 0)
        except ValueError:
            try:
                value = int(written, 10) if written.isdigit() else float(written)
            except ValueError:
                return t.Unknown(what="a number of this form", **place(node))
        return t.Num(value=sign * value, **place(node))

    def boolean(self, node: Syntax) -> t.Expr:
        return t.Bool(value=text_at(node) == "true", **place(node))

    def unit(self, node: Syntax) -> t.Expr:
        return t.Unit(**place(node))

    def constructor(self, node: Syntax) -> t.Expr:
        return t.Constructor(path=path_of(node), **place(node))

    def tag(self, node: Syntax) -> t.Expr:
        return t.Constructor(path=(text_at(node).lstrip("`").strip(),), tag=True, **place(node))

    def listed(self, node: Syntax) -> t.Expr:
        return t.ListOf(items=tuple(self.expression(one) for one in named(node)), **place(node))

    def tuple_(self, node: Syntax) -> t.Expr:
        return t.TupleOf(items=tuple(self.expression(one) for one in named(node)), **place(node))

    def apply(self, node: Syntax) -> t.Expr:
        function = node.child_by_field_name("function")
        given = node.children_by_field_name("argument")
        if function is None:
            return t.Unknown(what="an application without a function", **place(node))
        return self._applied(function, [self._argument(one) for one in given], node)

    def _applied(self, function: Syntax, arguments: list[t.Argument], node: Syntax) -> t.Expr:
        """One application, whatever number of steps the file makes of it."""
        head = unwrapped(function, "parenthesized_expression")
        if head.type in ("constructor_path", "tag") and len(arguments) == 1:
            path = path_of(head) if head.type == "constructor_path" else (text_at(head).lstrip("`"),)
            return t.Constructor(path=path, argument=arguments[0].value, tag=head.type == "tag", **place(node))
        operator = operator_in(text_at(head)) if head.type == "value_path" else ""
        if len(arguments) == 2 and operator in ALL_OPERATORS and all(one.label is None for one in arguments):
            return t.Chain(operator=operator, operands=tuple(one.value for one in arguments), **place(node))
        if len(arguments) == 1 and operator in ALL_OPERATORS:
            return section(operator, arguments[0].value, node)
        read = self.expression(function)
        if isinstance(read, t.Apply):
            return t.Apply(function=read.function, arguments=(*read.arguments, *arguments), **place(node))
        return t.Apply(function=read, arguments=tuple(arguments), **place(node))

    def _argument(self, node: Syntax) -> t.Argument:
        if node.type != "labeled_argument":
            return t.Argument(label=None, value=self.expression(node), **place(node))
        label = text_at(of_type(node, "label_name")[0])
        value = node.child_by_field_name("expression")
        read: t.Expr = self.expression(value) if value is not None else t.Var(path=(label,), **place(node))
        return t.Argument(label=label, value=read, optional=node.children[0].type == "?", **place(node))

    def infix(self, node: Syntax) -> t.Expr:
        operator = self._operator(node)
        if operator in ("@@", "|>"):
            return self._piped(node, operator)
        if operator in LEFT:
            return self._chain(node, operator, "left", "right")
        if operator in RIGHT:
            return self._chain(node, operator, "right", "left")
        if operator in PLAIN_OPERATORS:
            return t.Chain(operator=operator, operands=tuple(map(self.expression, sides(node))), **place(node))
        arguments = tuple(t.Argument(label=None, value=self.expression(one), **place(one)) for one in sides(node))
        return t.Apply(function=t.Var(path=(operator,), **place(node)), arguments=arguments, **place(node))

    def prefix(self, node: Syntax) -> t.Expr:
        operator, given = node.child_by_field_name("operator"), node.child_by_field_name("expression")
        if operator is None or given is None:
            return t.Unknown(what="an operator of this form", **place(node))
        argument = t.Argument(label=None, value=self.expression(given), **place(given))
        function = t.Var(path=(text_at(operator),), **place(operator))
        return t.Apply(function=function, arguments=(argument,), **place(node))

    def _piped(self, node: Syntax, operator: str) -> t.Expr:
        left, right = sides(node)
        function, given = (left, right) if operator == "@@" else (right, left)
        argument = t.Argument(label=None, value=self.expression(given), **place(given))
        return self._applied(function, [argument], node)

    def _operator(self, node: Syntax) -> str:
        if node.type == "cons_expression":
            return "::"
        operator = node.child_by_field_name("operator")
        written = text_at(operator) if operator else ""
        return FLOATS.get(written, written)

    def _chain(self, node: Syntax, operator: str, deep: str, shallow: str) -> t.Expr:
        """The operands of a chain in the order of the file, without a step of recursion for each."""
        operands: list[Syntax] = []
        here = node
        while here.type in ("infix_expression", "cons_expression") and self._operator(here) == operator:
            deeper, other = here.child_by_field_name(deep), here.child_by_field_name(shallow)
            if deeper is None or other is None:
                break
            operands.append(other)
            here = deeper
        operands.append(here)
        if deep == "left":
            operands.reverse()
        return t.Chain(operator=operator, operands=tuple(map(self.expression, operands)), **place(node))

    def let(self, node: Syntax) -> t.Expr:
        bindings: list[t.Binding] = []
        here = node
        while here.type == "let_expression":
            definition = next(iter(of_type(here, "value_definition")), None)
            body = here.child_by_field_name("body")
            if definition is None or body is None or of_type(definition, "let_operator"):
                break
            bindings += self.definitions.bindings(definition)
            here = unwrapped(body, "parenthesized_expression")
        if bindings:
            return t.Let(bindings=tuple(bindings), body=self.expression(here), **place(node))
        return self._let_other(node)

    def _let_other(self, node: Syntax) -> t.Expr:
        """`let open M in`, `let module M = ... in`."""
        body = node.child_by_field_name("body")
        bound = next(iter(of_type(node, "value_definition")), None)
        if body is not None and bound is not None:
            return self._let_operator(bound, body, node)
        opened, module = next(iter(of_type(node, "open_module")), None), of_type(node, "module_definition")
        if body is not None and opened is not None:
            path = opened.child_by_field_name("module") or named(opened)[0]
            return t.Open(module=path_of(path), body=self.expression(body), **place(node))
        read = self.definitions.module(module[0]) if module else None
        if body is not None and isinstance(read, t.Module):
            return t.LetModule(module=read, body=self.expression(body), **place(node))
        return t.Unknown(what="a let of this form", **place(node))

    def _let_operator(self, definition: Syntax, body: Syntax, node: Syntax) -> t.Expr:
        """`let* x = value in body`: the operator, applied to the value and to a function of `x`."""
        operator, bindings = of_type(definition, "let_operator")[0], self.definitions.bindings(definition)
        if len(bindings) != 1:
            return t.Unknown(what="a let of this form", **place(node))
        param = t.Param(pattern=bindings[0].pattern, **place(definition))
        function = function_of((param,), self.expression(body), node)
        given = (t.Argument(label=None, value=one, **place(node)) for one in (bindings[0].value, function))
        verb = t.Var(path=(text_at(operator),), **place(operator))
        return t.Apply(function=verb, arguments=tuple(given), **place(node))

    def fun(self, node: Syntax) -> t.Expr:
        params = tuple(self.definitions.param(one) for one in of_type(node, "parameter"))
        body = node.child_by_field_name("body")
        if body is None:
            return t.Unknown(what="a function of this form", **place(node))
        return function_of(params, self.expression(body), node)

    def function(self, node: Syntax) -> t.Expr:
        return t.Match(subject=None, cases=self._cases(node), **place(node))

    def match(self, node: Syntax) -> t.Expr:
        subject = next((one for one in named(node) if one.type != "match_case"), node)
        return t.Match(
            subject=self.expression(subject),
            cases=self._cases(node),
            handler=node.type == "try_expression",
            **place(node),
        )

    def _cases(self, node: Syntax) -> tuple[t.Case, ...]:
        return tuple(self._case(one) for one in of_type(node, "match_case"))

    def _case(self, node: Syntax) -> t.Case:
        pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
        guard = next(iter(of_type(node, "guard")), None)
        return t.Case(
            pattern=self._patterns.pattern(pattern) if pattern else t.Anything(**place(node)),
            body=self.expression(body) if body else t.Unit(**place(node)),
            guard=self.expression(named(guard)[0]) if guard else None,
            **place(node),
        )

    def if_(self, node: Syntax) -> t.Expr:
        condition = node.child_by_field_name("condition")
        then = next(iter(of_type(node, "then_clause")), None)
        other = next(iter(of_type(node, "else_clause")), None)
        if condition is None or then is None:
            return t.Unknown(what="an if of this form", **place(node))
        return t.If(
            condition=self.expression(condition),
            then=self.expression(named(then)[0]),
            otherwise=self.expression(named(other)[0]) if other else None,
            **place(node),
        )

    def sequence(self, node: Syntax) -> t.Expr:
        steps: list[Syntax] = []
        here = node
        while here.type == "sequence_expression" and len(named(here)) > 1:
            first, here = named(here)[0], named(here)[-1]
            steps.append(first)
        steps.append(here)
        return t.Sequence(steps=tuple(map(self.expression, steps)), **place(node))

    def open_(self, node: Syntax) -> t.Expr:
        body = node.child_by_field_name("expression") or named(node)[-1]
        path = node.child_by_field_name("module") or of_type(node, "module_path")[0]
        return t.Open(module=path_of(path), body=self.expression(body), **place(node))

    def let_open(self, node: Syntax) -> t.Expr:
        opened = next(iter(of_type(node, "open_module")), None)
        body = node.child_by_field_name("body")
        if opened is None or body is None:
            return t.Unknown(what="a let open of this form", **place(node))
        return t.Open(module=path_of(of_type(opened, "module_path")[0]), body=self.expression(body), **place(node))

    def record(self, node: Syntax) -> t.Expr:
        fields: list[tuple[str, t.Expr]] = []
        for one in of_type(node, "field_expression"):
            name = text_at(of_type(one, "field_path")[0]).rsplit(".", 1)[-1]
            body = one.child_by_field_name("body")
            fields.append((name, self.expression(body) if body else t.Var(path=(name,), **place(one))))
        base = node.child_by_field_name("record")
        return t.Record(fields=tuple(fields), base=self.expression(base) if base else None, **place(node))

    def field(self, node: Syntax) -> t.Expr:
        record, name = node.child_by_field_name("record"), node.child_by_field_name("field")
        if record is None or name is None:
            return t.Unknown(what="a field of this form", **place(node))
        return t.Field(record=self.expression(record), name=text_at(name).rsplit(".", 1)[-1], **place(node))

    def typed(self, node: Syntax) -> t.Expr:
        inner = node.child_by_field_name("expression")
        return self.expression(inner) if inner else t.Unknown(what="a type of this form", **place(node))

    def assertion(self, node: Syntax) -> t.Expr:
        return t.Assert(condition=self.expression(named(node)[0]), **place(node))

    def object_(self, node: Syntax) -> t.Expr:
        methods: list[tuple[str, t.Expr]] = []
        for one in of_type(node, "method_definition"):
            name, body = of_type(one, "method_name")[0], one.child_by_field_name("body")
            params = tuple(self.definitions.param(param) for param in of_type(one, "parameter"))
            if body is not None:
                read = self.expression(body)
                methods.append((text_at(name), function_of(params, read, one) if params else read))
        return t.Object(methods=tuple(methods), **place(node))


_EXPRESSIONS: dict[str, Callable[[_Reader, Syntax], t.Expr]] = {
    "application_expression": _Reader.apply,
    "assert_expression": _Reader.assertion,
    "boolean": _Reader.boolean,
    "character": _Reader.string,
    "cons_expression": _Reader.infix,
    "constructor_path": _Reader.constructor,
    "empty_list": _Reader.listed,
    "field_get_expression": _Reader.field,
    "fun_expression": _Reader.fun,
    "function_expression": _Reader.function,
    "if_expression": _Reader.if_,
    "infix_expression": _Reader.infix,
    "let_expression": _Reader.let,
    "let_open_expression": _Reader.let_open,
    "list_expression": _Reader.listed,
    "local_open_expression": _Reader.open_,
    "match_expression": _Reader.match,
    "number": _Reader.number,
    "object_expression": _Reader.object_,
    "prefix_expression": _Reader.prefix,
    "quoted_string": _Reader.quoted,
    "record_expression": _Reader.record,
    "sequence_expression": _Reader.sequence,
    "sign_expression": _Reader.signed,
    "string": _Reader.string,
    "tag": _Reader.tag,
    "try_expression": _Reader.match,
    "tuple_expression": _Reader.tuple_,
    "typed_expression": _Reader.typed,
    "unit": _Reader.unit,
    "value_path": _Reader.variable,
}
