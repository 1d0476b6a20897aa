"""A `config.ml`, read from its syntax tree, as the tree of `tree.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from mirage_py.convert import tree as t
from mirage_py.convert.comment_syntax import comments_in
from mirage_py.convert.literals import quoted_parts, string_parts
from mirage_py.convert.operators import ALL_OPERATORS, FLOATS, LEFT, PLAIN_OPERATORS, RIGHT, as_function, section
from mirage_py.convert.pattern_syntax import PatternReader
from mirage_py.convert.source_text import checked, syntax_error
from mirage_py.convert.syntax_nodes import named, of_type, operator_in, path_of, place, sides, unwrapped, words
from mirage_py.errors import ConfigError, Location
from mirage_py.syntax import syntax_tree

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
    reader = _Reader(text, file)
    items = tuple(reader.items(root))
    return t.Source(file=file, text=text, items=items, comments=tuple(comments_in(root, text)))


class _Reader:
    """Turns syntax nodes into those of `tree.py`; says where it is too deep."""

    def __init__(self, text: bytes, file: str) -> None:
        self._text = text
        self._file = file
        self._depth = 0
        self._patterns = PatternReader(text, self.expression)

    def _slice(self, node: Syntax) -> str:
        return self._text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    # -----------------------------------------------------------------------------------------------------------------
    # Definitions

    def items(self, node: Syntax) -> Iterator[t.Item]:
        for child in named(node):
            match child.type:
                case "value_definition":
                    yield t.Define(bindings=self._bindings(child), **place(child))
                case "expression_item":
                    yield t.Evaluate(value=self.expression(named(child)[0]), **place(child))
                case "open_module":
                    path = child.child_by_field_name("module") or named(child)[0]
                    yield t.OpenModule(module=self._path(path), **place(child))
                case "type_definition":
                    yield from self._types(child)
                case "module_definition":
                    yield self._module(child)
                case "include_module":
                    yield self._included(child)
                case "item_attribute" | "floating_attribute" | "line_number_directive":
                    continue
                case _:
                    yield t.UnknownItem(what=_WORDS.get(child.type, words(child.type)), **place(child))

    def _types(self, node: Syntax) -> Iterator[t.Item]:
        for binding in of_type(node, "type_binding"):
            found, body = binding.child_by_field_name("name"), binding.child_by_field_name("body")
            name = self._slice(found) if found else ""
            if body is None:
                yield t.Variant(name=name, constructors=(), **place(node))
            elif body.type == "record_declaration":
                fields = tuple(self._declared(one) for one in of_type(body, "field_declaration"))
                yield t.RecordType(name=name, fields=fields, **place(node))
            elif body.type == "variant_declaration":
                yield self._variant(name, body, node)
            elif body.type != "polymorphic_variant_type":
                yield t.Synonym(name=name, type_=self._slice(body), **place(node))

    def _declared(self, node: Syntax) -> tuple[str, str]:
        type_ = node.child_by_field_name("type")
        return self._slice(of_type(node, "field_name")[0]), self._slice(type_) if type_ else ""

    def _variant(self, name: str, body: Syntax, node: Syntax) -> t.Item:
        all_ = of_type(body, "constructor_declaration")
        names = [self._slice(of_type(one, "constructor_name")[0]) for one in all_]
        filled = tuple(name for name, one in zip(names, all_, strict=True) if len(named(one)) > 1)
        return t.Variant(name=name, constructors=tuple(names), filled=filled, **place(node))

    def _module(self, node: Syntax) -> t.Item:
        binding = next(iter(of_type(node, "module_binding")), None)
        body = binding.child_by_field_name("body") if binding else None
        while body is not None and body.type in ("parenthesized_module_expression", "typed_module_expression"):
            body = named(body)[0]
        if binding is None or body is None or of_type(binding, "module_parameter"):
            return t.UnknownItem(what="a functor of the file's own", **place(node))
        name = self._slice(of_type(binding, "module_name")[0])
        if body.type == "module_path":
            return t.Alias(name=name, module=self._path(body), **place(node))
        if body.type != "structure":
            return t.UnknownItem(what="a module that is no plain struct ... end", **place(node))
        return t.Module(name=name, items=tuple(self.items(body)), **place(node))

    def _included(self, node: Syntax) -> t.Item:
        body = node.child_by_field_name("module") or named(node)[0]
        if body.type != "module_path":
            return t.UnknownItem(what="include of more than a module's name", **place(node))
        return t.OpenModule(module=self._path(body), included=True, **place(node))

    def _bindings(self, node: Syntax) -> tuple[t.Binding, ...]:
        recursive = any(child.type == "rec" for child in node.children)
        group = node.start_byte
        return tuple(self._binding(one, recursive=recursive, group=group) for one in of_type(node, "let_binding"))

    def _binding(self, node: Syntax, *, recursive: bool, group: int) -> t.Binding:
        pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
        params = tuple(self._param(one) for one in of_type(node, "parameter"))
        value: t.Expr = (
            self.expression(body) if body is not None else t.Unknown(what="a value without a body", **place(node))
        )
        if params:
            value = _function(params, value, node)
        return t.Binding(
            pattern=self._bound(node, pattern),
            value=value,
            recursive=recursive,
            group=group,
            **place(node),
        )

    def _bound(self, node: Syntax, pattern: Syntax | None) -> t.Pattern:
        """The pattern of a definition, with the type that the file says it has."""
        read: t.Pattern = self._patterns.pattern(pattern) if pattern else t.Anything(**place(node))
        type_ = node.child_by_field_name("type")
        if isinstance(read, t.Name) and type_ is not None and not of_type(node, "parameter"):
            return t.Name(name=read.name, type_=self._slice(type_), **place(node))
        return read

    def _param(self, node: Syntax) -> t.Param:
        pattern = node.child_by_field_name("pattern")
        marks = {child.type for child in node.children}
        label = next(iter(of_type(node, "label_name")), None)
        read: t.Pattern = self._patterns.pattern(pattern) if pattern else t.Anything(**place(node))
        name: str | None = self._slice(label) if label else None
        if name is None and marks & {"~", "?"} and isinstance(read, t.Name):
            name = read.name
        default = node.child_by_field_name("default")
        return t.Param(
            pattern=read,
            label=name,
            optional="?" in marks,
            default=self.expression(default) if default else None,
            **place(node),
        )

    # -----------------------------------------------------------------------------------------------------------------
    # Expressions

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
                return t.Unknown(what=_WORDS.get(node.type, words(node.type)), **place(node))
            return reader(self, node)
        finally:
            self._depth -= 1

    def variable(self, node: Syntax) -> t.Expr:
        operator = operator_in(self._slice(node))
        if operator != self._slice(node) and operator in ALL_OPERATORS:
            return as_function(operator, node)
        return t.Var(path=self._path(node), **place(node))

    def string(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte + 1 : node.end_byte - 1]
        return t.Str(parts=string_parts(inside), **place(node))

    def quoted(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte : node.end_byte]
        opening = inside.index(b"|") + 1
        return t.Str(parts=quoted_parts(inside[opening : len(inside) - opening]), **place(node))

    def character(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte + 1 : node.end_byte - 1]
        return t.Str(parts=string_parts(inside), **place(node))

    def number(self, node: Syntax) -> t.Expr:
        return self._number(node, 1)

    def signed(self, node: Syntax) -> t.Expr:
        operand = node.child_by_field_name("expression")
        if (
            operand is not None
            and operand.type == "number"
            and self._text[node.start_byte : node.start_byte + 1] == b"-"
        ):
            return self._number(operand, -1)
        return t.Unknown(what="a sign before an expression", **place(node))

    def _number(self, node: Syntax, sign: int) -> t.Expr:
        written = self._slice(node).rstrip("lLn").replace("_", "")
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
        return t.Bool(value=self._slice(node) == "true", **place(node))

    def unit(self, node: Syntax) -> t.Expr:
        return t.Unit(**place(node))

    def constructor(self, node: Syntax) -> t.Expr:
        return t.Constructor(path=self._path(node), **place(node))

    def tag(self, node: Syntax) -> t.Expr:
        return t.Constructor(path=(self._slice(node).lstrip("`").strip(),), tag=True, **place(node))

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
            path = self._path(head) if head.type == "constructor_path" else (self._slice(head).lstrip("`"),)
            return t.Constructor(path=path, argument=arguments[0].value, tag=head.type == "tag", **place(node))
        operator = operator_in(self._slice(head)) if head.type == "value_path" else ""
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
        label = self._slice(of_type(node, "label_name")[0])
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
        function = t.Var(path=(self._slice(operator),), **place(operator))
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
        written = self._slice(operator) if operator else ""
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
            bindings += self._bindings(definition)
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
            return t.Open(module=self._path(path), body=self.expression(body), **place(node))
        read = self._module(module[0]) if module else None
        if body is not None and isinstance(read, t.Module):
            return t.LetModule(module=read, body=self.expression(body), **place(node))
        return t.Unknown(what="a let of this form", **place(node))

    def _let_operator(self, definition: Syntax, body: Syntax, node: Syntax) -> t.Expr:
        """`let* x = value in body`: the operator, applied to the value and to a function of `x`."""
        operator, bindings = of_type(definition, "let_operator")[0], self._bindings(definition)
        if len(bindings) != 1:
            return t.Unknown(what="a let of this form", **place(node))
        param = t.Param(pattern=bindings[0].pattern, **place(definition))
        function = _function((param,), self.expression(body), node)
        given = (t.Argument(label=None, value=one, **place(node)) for one in (bindings[0].value, function))
        verb = t.Var(path=(self._slice(operator),), **place(operator))
        return t.Apply(function=verb, arguments=tuple(given), **place(node))

    def fun(self, node: Syntax) -> t.Expr:
        params = tuple(self._param(one) for one in of_type(node, "parameter"))
        body = node.child_by_field_name("body")
        if body is None:
            return t.Unknown(what="a function of this form", **place(node))
        return _function(params, self.expression(body), node)

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
        return t.Open(module=self._path(path), body=self.expression(body), **place(node))

    def let_open(self, node: Syntax) -> t.Expr:
        opened = next(iter(of_type(node, "open_module")), None)
        body = node.child_by_field_name("body")
        if opened is None or body is None:
            return t.Unknown(what="a let open of this form", **place(node))
        return t.Open(module=self._path(of_type(opened, "module_path")[0]), body=self.expression(body), **place(node))

    def record(self, node: Syntax) -> t.Expr:
        fields: list[tuple[str, t.Expr]] = []
        for one in of_type(node, "field_expression"):
            name = self._slice(of_type(one, "field_path")[0]).rsplit(".", 1)[-1]
            body = one.child_by_field_name("body")
            fields.append((name, self.expression(body) if body else t.Var(path=(name,), **place(one))))
        base = node.child_by_field_name("record")
        return t.Record(fields=tuple(fields), base=self.expression(base) if base else None, **place(node))

    def field(self, node: Syntax) -> t.Expr:
        record, name = node.child_by_field_name("record"), node.child_by_field_name("field")
        if record is None or name is None:
            return t.Unknown(what="a field of this form", **place(node))
        return t.Field(record=self.expression(record), name=self._slice(name).rsplit(".", 1)[-1], **place(node))

    def typed(self, node: Syntax) -> t.Expr:
        inner = node.child_by_field_name("expression")
        return self.expression(inner) if inner else t.Unknown(what="a type of this form", **place(node))

    def assertion(self, node: Syntax) -> t.Expr:
        return t.Assert(condition=self.expression(named(node)[0]), **place(node))

    def object_(self, node: Syntax) -> t.Expr:
        methods: list[tuple[str, t.Expr]] = []
        for one in of_type(node, "method_definition"):
            name, body = of_type(one, "method_name")[0], one.child_by_field_name("body")
            params = tuple(self._param(param) for param in of_type(one, "parameter"))
            if body is not None:
                read = self.expression(body)
                methods.append((self._slice(name), _function(params, read, one) if params else read))
        return t.Object(methods=tuple(methods), **place(node))

    # -----------------------------------------------------------------------------------------------------------------

    def _path(self, node: Syntax) -> t.Path:
        return path_of(self._slice(node))


def _function(params: tuple[t.Param, ...], body: t.Expr, node: Syntax) -> t.Expr:
    if isinstance(body, t.Fun):
        return t.Fun(params=(*params, *body.params), body=body.body, **place(node))
    return t.Fun(params=params, body=body, **place(node))


_WORDS = {
    "class_definition": "a class",
    "exception_definition": "an exception",
    "external": "an external function",
    "for_expression": "a for loop",
    "include_module": "include",
    "module_type_definition": "a module type",
    "package_expression": "a module as a value",
    "while_expression": "a while loop",
}

_EXPRESSIONS: dict[str, Callable[[_Reader, Syntax], t.Expr]] = {
    "application_expression": _Reader.apply,
    "assert_expression": _Reader.assertion,
    "boolean": _Reader.boolean,
    "character": _Reader.character,
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
