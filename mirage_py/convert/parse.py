"""A `config.ml`, read from its syntax tree, as the tree of `tree.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from mirage_py.convert import tree as t
from mirage_py.convert.literals import quoted_parts, string_parts
from mirage_py.errors import ConfigError, Location
from mirage_py.syntax import syntax_tree

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax

MAX_DEPTH: Final = 60
"""Expressions within each other, parentheses aside. The deepest of 530 public files has 22."""

MAX_BYTES: Final = 1 << 18


def parse(text: bytes, file: str) -> t.Source:
    """The definitions of a file; a `ConfigError` at the line that is not OCaml."""
    text = _checked(text, file)
    root = syntax_tree(text)
    if root.has_error:
        raise _syntax_error(root, text, file)
    reader = _Reader(text, file)
    items = tuple(reader.items(root))
    return t.Source(file=file, text=text, items=items, comments=tuple(reader.comments(root)))


def _checked(text: bytes, file: str) -> bytes:
    text = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if b"\0" in text:
        raise ConfigError("this is not text", location=Location(file), hint="name an OCaml configuration with -f")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        text = text.decode("latin-1").encode()  # what OCaml itself takes such a file for
    if len(text) > MAX_BYTES:
        raise ConfigError(
            f"this is {len(text) >> 10} KiB long, and a configuration has {MAX_BYTES >> 10} at most",
            location=Location(file),
        )
    return text


def _syntax_error(root: Syntax, text: bytes, file: str) -> ConfigError:
    """The first place where the parser had to guess."""
    place = _first_error(root)
    line = place.start_point[0] + 1
    shown = text.split(b"\n")[line - 1].decode("utf-8", "replace").strip()
    if place.is_missing:
        message = f"syntax error: {place.type} is missing here"
    elif place.end_byte >= len(text.rstrip()) and place.start_byte <= root.start_byte + 1:
        message = "this is not OCaml, or a part of it is missing"
    else:
        message = "syntax error"
    return ConfigError(
        message,
        location=Location(file, line),
        details=(shown[:100],) if shown else (),
        hint="OCaml cannot read on here: mend this line, or what is before it",
    )


def _first_error(root: Syntax) -> Syntax:
    found = root
    while True:
        below = next((child for child in found.children if child.is_error or child.is_missing or child.has_error), None)
        if below is None:
            return found
        found = below


_MODES: Final = {
    "mode_unix": ("Unix", "MacOSX"),
    "mode_xen": ("Xen", "Qubes"),
    "mode_solo5": ("Hvt", "Spt", "Virtio", "Muen", "Genode"),
    "mode_unikraft": ("Firecracker", "QEMU"),
}
"""The tool's types of targets, as they stand in patterns: `#Key.mode_unix`."""

_PLAIN_OPERATORS = ("<", ">", "=", "==", "!=", "<>", "<=", ">=", "&&", "||", "+", "-", "*", "/", "/.", "mod")
_LEFT = ("$", "+", "-", "&&", "||", "*")
_RIGHT = ("^", "@", "@->", "::")
_ALL_OPERATORS = frozenset((*_PLAIN_OPERATORS, *_LEFT, *_RIGHT))
_FLOATS = {"+.": "+", "-.": "-", "*.": "*"}


class _Reader:
    """Turns syntax nodes into those of `tree.py`; says where it is too deep."""

    def __init__(self, text: bytes, file: str) -> None:
        self._text = text
        self._file = file
        self._depth = 0

    def _slice(self, node: Syntax) -> str:
        return self._text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    # -----------------------------------------------------------------------------------------------------------------
    # Definitions

    def items(self, node: Syntax) -> Iterator[t.Item]:
        for child in _named(node):
            match child.type:
                case "value_definition":
                    yield t.Define(bindings=self._bindings(child), **_place(child))
                case "expression_item":
                    yield t.Evaluate(value=self.expression(_named(child)[0]), **_place(child))
                case "open_module":
                    path = child.child_by_field_name("module") or _named(child)[0]
                    yield t.OpenModule(module=self._path(path), **_place(child))
                case "type_definition":
                    yield from self._types(child)
                case "module_definition":
                    yield self._module(child)
                case "include_module":
                    yield self._included(child)
                case "item_attribute" | "floating_attribute" | "line_number_directive":
                    continue
                case _:
                    yield t.UnknownItem(what=_WORDS.get(child.type, _words(child.type)), **_place(child))

    def _types(self, node: Syntax) -> Iterator[t.Item]:
        for binding in _of_type(node, "type_binding"):
            found, body = binding.child_by_field_name("name"), binding.child_by_field_name("body")
            name = self._slice(found) if found else ""
            if body is None:
                yield t.Variant(name=name, constructors=(), **_place(node))
            elif body.type == "record_declaration":
                fields = tuple(self._declared(one) for one in _of_type(body, "field_declaration"))
                yield t.RecordType(name=name, fields=fields, **_place(node))
            elif body.type == "variant_declaration":
                yield self._variant(name, body, node)
            elif body.type != "polymorphic_variant_type":
                yield t.Synonym(name=name, type_=self._slice(body), **_place(node))

    def _declared(self, node: Syntax) -> tuple[str, str]:
        type_ = node.child_by_field_name("type")
        return self._slice(_of_type(node, "field_name")[0]), self._slice(type_) if type_ else ""

    def _variant(self, name: str, body: Syntax, node: Syntax) -> t.Item:
        all_ = _of_type(body, "constructor_declaration")
        names = [self._slice(_of_type(one, "constructor_name")[0]) for one in all_]
        filled = tuple(name for name, one in zip(names, all_, strict=True) if len(_named(one)) > 1)
        return t.Variant(name=name, constructors=tuple(names), filled=filled, **_place(node))

    def _module(self, node: Syntax) -> t.Item:
        binding = next(iter(_of_type(node, "module_binding")), None)
        body = binding.child_by_field_name("body") if binding else None
        while body is not None and body.type in ("parenthesized_module_expression", "typed_module_expression"):
            body = _named(body)[0]
        if binding is None or body is None or _of_type(binding, "module_parameter"):
            return t.UnknownItem(what="a functor of the file's own", **_place(node))
        name = self._slice(_of_type(binding, "module_name")[0])
        if body.type == "module_path":
            return t.Alias(name=name, module=self._path(body), **_place(node))
        if body.type != "structure":
            return t.UnknownItem(what="a module that is no plain struct ... end", **_place(node))
        return t.Module(name=name, items=tuple(self.items(body)), **_place(node))

    def _included(self, node: Syntax) -> t.Item:
        body = node.child_by_field_name("module") or _named(node)[0]
        if body.type != "module_path":
            return t.UnknownItem(what="include of more than a module's name", **_place(node))
        return t.OpenModule(module=self._path(body), included=True, **_place(node))

    def _bindings(self, node: Syntax) -> tuple[t.Binding, ...]:
        recursive = any(child.type == "rec" for child in node.children)
        group = node.start_byte
        return tuple(self._binding(one, recursive=recursive, group=group) for one in _of_type(node, "let_binding"))

    def _binding(self, node: Syntax, *, recursive: bool, group: int) -> t.Binding:
        pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
        params = tuple(self._param(one) for one in _of_type(node, "parameter"))
        value: t.Expr = (
            self.expression(body) if body is not None else t.Unknown(what="a value without a body", **_place(node))
        )
        if params:
            value = _function(params, value, node)
        return t.Binding(
            pattern=self._bound(node, pattern),
            value=value,
            recursive=recursive,
            group=group,
            **_place(node),
        )

    def _bound(self, node: Syntax, pattern: Syntax | None) -> t.Pattern:
        """The pattern of a definition, with the type that the file says it has."""
        read: t.Pattern = self.pattern(pattern) if pattern else t.Anything(**_place(node))
        type_ = node.child_by_field_name("type")
        if isinstance(read, t.Name) and type_ is not None and not _of_type(node, "parameter"):
            return t.Name(name=read.name, type_=self._slice(type_), **_place(node))
        return read

    def _param(self, node: Syntax) -> t.Param:
        pattern = node.child_by_field_name("pattern")
        marks = {child.type for child in node.children}
        label = next(iter(_of_type(node, "label_name")), None)
        read: t.Pattern = self.pattern(pattern) if pattern else t.Anything(**_place(node))
        name: str | None = self._slice(label) if label else None
        if name is None and marks & {"~", "?"} and isinstance(read, t.Name):
            name = read.name
        default = node.child_by_field_name("default")
        return t.Param(
            pattern=read,
            label=name,
            optional="?" in marks,
            default=self.expression(default) if default else None,
            **_place(node),
        )

    # -----------------------------------------------------------------------------------------------------------------
    # Patterns

    def pattern(self, node: Syntax) -> t.Pattern:  # noqa: C901  # one case for each form
        node = _unwrapped(node, "parenthesized_pattern")
        match node.type:
            case "value_name" | "value_pattern":
                return t.Name(name=self._slice(node), **_place(node))
            case "parenthesized_operator":
                return t.Name(name=_operator_in(self._slice(node)), **_place(node))
            case "alias_pattern":
                return self._whole(node)
            case "cons_pattern":
                return self._longer(node)
            case "record_pattern":
                return t.Fields(fields=tuple(self._field_patterns(node)), **_place(node))
            case "any_pattern":
                return t.Anything(**_place(node))
            case "unit":
                return t.Literal(value=None, **_place(node))
            case "typed_pattern":
                return self._typed_pattern(node)
            case "string" | "quoted_string" | "number" | "boolean" | "character":
                value = self.expression(node)
                if isinstance(value, t.Str):
                    return t.Literal(value=value.text, **_place(node))
                if isinstance(value, (t.Num, t.Bool)):
                    return t.Literal(value=value.value, **_place(node))
            case "constructor_path":
                return t.Case_of(name=self._path(node)[-1], **_place(node))
            case "tag":
                return t.Case_of(name=self._slice(node).lstrip("`"), tag=True, **_place(node))
            case "polymorphic_variant_pattern" if tags := _MODES.get(self._slice(node).rsplit(".", 1)[-1]):
                cases = tuple(t.Case_of(name=tag, tag=True, **_place(node)) for tag in tags)
                return t.Either(alternatives=cases, **_place(node))
            case "constructor_pattern" | "tag_pattern":
                return self._constructor_pattern(node)
            case "empty_list" | "list_pattern":
                return t.Items(items=tuple(self.pattern(one) for one in _named(node)), **_place(node))
            case "tuple_pattern":
                return t.Items(items=tuple(self.pattern(one) for one in _named(node)), tuple_=True, **_place(node))
            case "or_pattern":
                return t.Either(alternatives=tuple(self.pattern(one) for one in _named(node)), **_place(node))
            case _:
                pass
        return t.Strange(what=_words(node.type), **_place(node))

    def _whole(self, node: Syntax) -> t.Pattern:
        inner, name = node.child_by_field_name("pattern"), node.child_by_field_name("alias")
        if inner is None or name is None:
            return t.Strange(what=_words(node.type), **_place(node))
        return t.Whole(pattern=self.pattern(inner), name=t.Name(name=self._slice(name), **_place(name)), **_place(node))

    def _longer(self, node: Syntax) -> t.Pattern:
        heads: list[t.Pattern] = []
        here = node
        while here.type == "cons_pattern":
            first, rest = _sides(here)
            heads.append(self.pattern(first))
            here = _unwrapped(rest, "parenthesized_pattern")
        last = self.pattern(here)
        if isinstance(last, t.Items) and not last.tuple_:
            return t.Items(items=(*heads, *last.items), **_place(node))
        return t.Longer(heads=tuple(heads), rest=last, **_place(node))

    def _field_patterns(self, node: Syntax) -> Iterator[tuple[str, t.Pattern]]:
        for one in _of_type(node, "field_pattern"):
            path = _of_type(one, "field_path")[0]
            name = self._slice(path).rsplit(".", 1)[-1]
            pattern = one.child_by_field_name("pattern")
            yield name, self.pattern(pattern) if pattern else t.Name(name=name, **_place(one))

    def _typed_pattern(self, node: Syntax) -> t.Pattern:
        inner, type_ = node.child_by_field_name("pattern"), node.child_by_field_name("type")
        read = self.pattern(inner) if inner else t.Anything(**_place(node))
        if isinstance(read, t.Name) and type_ is not None:
            return t.Name(name=read.name, type_=self._slice(type_), **_place(node))
        return read

    def _constructor_pattern(self, node: Syntax) -> t.Pattern:
        head, *rest = _named(node)
        inner = self.pattern(rest[0]) if rest else None
        return t.Case_of(
            name=self._slice(head).lstrip("`").rsplit(".", 1)[-1],
            argument=inner,
            tag=head.type == "tag",
            **_place(node),
        )

    # -----------------------------------------------------------------------------------------------------------------
    # Expressions

    def expression(self, node: Syntax) -> t.Expr:
        node = _unwrapped(node, "parenthesized_expression")
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
                return t.Unknown(what=_WORDS.get(node.type, _words(node.type)), **_place(node))
            return reader(self, node)
        finally:
            self._depth -= 1

    def variable(self, node: Syntax) -> t.Expr:
        operator = _operator_in(self._slice(node))
        if operator != self._slice(node) and operator in _ALL_OPERATORS:
            return _as_function(operator, node)
        return t.Var(path=self._path(node), **_place(node))

    def string(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte + 1 : node.end_byte - 1]
        return t.Str(parts=string_parts(inside), **_place(node))

    def quoted(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte : node.end_byte]
        opening = inside.index(b"|") + 1
        return t.Str(parts=quoted_parts(inside[opening : len(inside) - opening]), **_place(node))

    def character(self, node: Syntax) -> t.Expr:
        inside = self._text[node.start_byte + 1 : node.end_byte - 1]
        return t.Str(parts=string_parts(inside), **_place(node))

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
        return t.Unknown(what="a sign before an expression", **_place(node))

    def _number(self, node: Syntax, sign: int) -> t.Expr:
        written = self._slice(node).rstrip("lLn").replace("_", "")
        value: int | float
        try:
            value = int(written, 0)
        except ValueError:
            try:
                value = int(written, 10) if written.isdigit() else float(written)
            except ValueError:
                return t.Unknown(what="a number of this form", **_place(node))
        return t.Num(value=sign * value, **_place(node))

    def boolean(self, node: Syntax) -> t.Expr:
        return t.Bool(value=self._slice(node) == "true", **_place(node))

    def unit(self, node: Syntax) -> t.Expr:
        return t.Unit(**_place(node))

    def constructor(self, node: Syntax) -> t.Expr:
        return t.Constructor(path=self._path(node), **_place(node))

    def tag(self, node: Syntax) -> t.Expr:
        return t.Constructor(path=(self._slice(node).lstrip("`").strip(),), tag=True, **_place(node))

    def listed(self, node: Syntax) -> t.Expr:
        return t.ListOf(items=tuple(self.expression(one) for one in _named(node)), **_place(node))

    def tuple_(self, node: Syntax) -> t.Expr:
        return t.TupleOf(items=tuple(self.expression(one) for one in _named(node)), **_place(node))

    def apply(self, node: Syntax) -> t.Expr:
        function = node.child_by_field_name("function")
        given = node.children_by_field_name("argument")
        if function is None:
            return t.Unknown(what="an application without a function", **_place(node))
        return self._applied(function, [self._argument(one) for one in given], node)

    def _applied(self, function: Syntax, arguments: list[t.Argument], node: Syntax) -> t.Expr:
        """One application, whatever number of steps the file makes of it."""
        head = _unwrapped(function, "parenthesized_expression")
        if head.type in ("constructor_path", "tag") and len(arguments) == 1:
            path = self._path(head) if head.type == "constructor_path" else (self._slice(head).lstrip("`"),)
            return t.Constructor(path=path, argument=arguments[0].value, tag=head.type == "tag", **_place(node))
        operator = _operator_in(self._slice(head)) if head.type == "value_path" else ""
        if len(arguments) == 2 and operator in _ALL_OPERATORS and all(one.label is None for one in arguments):
            return t.Chain(operator=operator, operands=tuple(one.value for one in arguments), **_place(node))
        if len(arguments) == 1 and operator in _ALL_OPERATORS:
            return _section(operator, arguments[0].value, node)
        read = self.expression(function)
        if isinstance(read, t.Apply):
            return t.Apply(function=read.function, arguments=(*read.arguments, *arguments), **_place(node))
        return t.Apply(function=read, arguments=tuple(arguments), **_place(node))

    def _argument(self, node: Syntax) -> t.Argument:
        if node.type != "labeled_argument":
            return t.Argument(label=None, value=self.expression(node), **_place(node))
        label = self._slice(_of_type(node, "label_name")[0])
        value = node.child_by_field_name("expression")
        read: t.Expr = self.expression(value) if value is not None else t.Var(path=(label,), **_place(node))
        return t.Argument(label=label, value=read, optional=node.children[0].type == "?", **_place(node))

    def infix(self, node: Syntax) -> t.Expr:
        operator = self._operator(node)
        if operator in ("@@", "|>"):
            return self._piped(node, operator)
        if operator in _LEFT:
            return self._chain(node, operator, "left", "right")
        if operator in _RIGHT:
            return self._chain(node, operator, "right", "left")
        if operator in _PLAIN_OPERATORS:
            return t.Chain(operator=operator, operands=tuple(map(self.expression, _sides(node))), **_place(node))
        arguments = tuple(t.Argument(label=None, value=self.expression(one), **_place(one)) for one in _sides(node))
        return t.Apply(function=t.Var(path=(operator,), **_place(node)), arguments=arguments, **_place(node))

    def prefix(self, node: Syntax) -> t.Expr:
        operator, given = node.child_by_field_name("operator"), node.child_by_field_name("expression")
        if operator is None or given is None:
            return t.Unknown(what="an operator of this form", **_place(node))
        argument = t.Argument(label=None, value=self.expression(given), **_place(given))
        function = t.Var(path=(self._slice(operator),), **_place(operator))
        return t.Apply(function=function, arguments=(argument,), **_place(node))

    def _piped(self, node: Syntax, operator: str) -> t.Expr:
        left, right = _sides(node)
        function, given = (left, right) if operator == "@@" else (right, left)
        argument = t.Argument(label=None, value=self.expression(given), **_place(given))
        return self._applied(function, [argument], node)

    def _operator(self, node: Syntax) -> str:
        if node.type == "cons_expression":
            return "::"
        operator = node.child_by_field_name("operator")
        written = self._slice(operator) if operator else ""
        return _FLOATS.get(written, written)

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
        return t.Chain(operator=operator, operands=tuple(map(self.expression, operands)), **_place(node))

    def let(self, node: Syntax) -> t.Expr:
        bindings: list[t.Binding] = []
        here = node
        while here.type == "let_expression":
            definition = next(iter(_of_type(here, "value_definition")), None)
            body = here.child_by_field_name("body")
            if definition is None or body is None or _of_type(definition, "let_operator"):
                break
            bindings += self._bindings(definition)
            here = _unwrapped(body, "parenthesized_expression")
        if bindings:
            return t.Let(bindings=tuple(bindings), body=self.expression(here), **_place(node))
        return self._let_other(node)

    def _let_other(self, node: Syntax) -> t.Expr:
        """`let open M in`, `let module M = ... in`."""
        body = node.child_by_field_name("body")
        bound = next(iter(_of_type(node, "value_definition")), None)
        if body is not None and bound is not None:
            return self._let_operator(bound, body, node)
        opened, module = next(iter(_of_type(node, "open_module")), None), _of_type(node, "module_definition")
        if body is not None and opened is not None:
            path = opened.child_by_field_name("module") or _named(opened)[0]
            return t.Open(module=self._path(path), body=self.expression(body), **_place(node))
        read = self._module(module[0]) if module else None
        if body is not None and isinstance(read, t.Module):
            return t.LetModule(module=read, body=self.expression(body), **_place(node))
        return t.Unknown(what="a let of this form", **_place(node))

    def _let_operator(self, definition: Syntax, body: Syntax, node: Syntax) -> t.Expr:
        """`let* x = value in body`: the operator, applied to the value and to a function of `x`."""
        operator, bindings = _of_type(definition, "let_operator")[0], self._bindings(definition)
        if len(bindings) != 1:
            return t.Unknown(what="a let of this form", **_place(node))
        param = t.Param(pattern=bindings[0].pattern, **_place(definition))
        function = _function((param,), self.expression(body), node)
        given = (t.Argument(label=None, value=one, **_place(node)) for one in (bindings[0].value, function))
        verb = t.Var(path=(self._slice(operator),), **_place(operator))
        return t.Apply(function=verb, arguments=tuple(given), **_place(node))

    def fun(self, node: Syntax) -> t.Expr:
        params = tuple(self._param(one) for one in _of_type(node, "parameter"))
        body = node.child_by_field_name("body")
        if body is None:
            return t.Unknown(what="a function of this form", **_place(node))
        return _function(params, self.expression(body), node)

    def function(self, node: Syntax) -> t.Expr:
        return t.Match(subject=None, cases=self._cases(node), **_place(node))

    def match(self, node: Syntax) -> t.Expr:
        subject = next((one for one in _named(node) if one.type != "match_case"), node)
        return t.Match(
            subject=self.expression(subject),
            cases=self._cases(node),
            handler=node.type == "try_expression",
            **_place(node),
        )

    def _cases(self, node: Syntax) -> tuple[t.Case, ...]:
        return tuple(self._case(one) for one in _of_type(node, "match_case"))

    def _case(self, node: Syntax) -> t.Case:
        pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
        guard = next(iter(_of_type(node, "guard")), None)
        return t.Case(
            pattern=self.pattern(pattern) if pattern else t.Anything(**_place(node)),
            body=self.expression(body) if body else t.Unit(**_place(node)),
            guard=self.expression(_named(guard)[0]) if guard else None,
            **_place(node),
        )

    def if_(self, node: Syntax) -> t.Expr:
        condition = node.child_by_field_name("condition")
        then = next(iter(_of_type(node, "then_clause")), None)
        other = next(iter(_of_type(node, "else_clause")), None)
        if condition is None or then is None:
            return t.Unknown(what="an if of this form", **_place(node))
        return t.If(
            condition=self.expression(condition),
            then=self.expression(_named(then)[0]),
            otherwise=self.expression(_named(other)[0]) if other else None,
            **_place(node),
        )

    def sequence(self, node: Syntax) -> t.Expr:
        steps: list[Syntax] = []
        here = node
        while here.type == "sequence_expression" and len(_named(here)) > 1:
            first, here = _named(here)[0], _named(here)[-1]
            steps.append(first)
        steps.append(here)
        return t.Sequence(steps=tuple(map(self.expression, steps)), **_place(node))

    def open_(self, node: Syntax) -> t.Expr:
        body = node.child_by_field_name("expression") or _named(node)[-1]
        path = node.child_by_field_name("module") or _of_type(node, "module_path")[0]
        return t.Open(module=self._path(path), body=self.expression(body), **_place(node))

    def let_open(self, node: Syntax) -> t.Expr:
        opened = next(iter(_of_type(node, "open_module")), None)
        body = node.child_by_field_name("body")
        if opened is None or body is None:
            return t.Unknown(what="a let open of this form", **_place(node))
        return t.Open(module=self._path(_of_type(opened, "module_path")[0]), body=self.expression(body), **_place(node))

    def record(self, node: Syntax) -> t.Expr:
        fields: list[tuple[str, t.Expr]] = []
        for one in _of_type(node, "field_expression"):
            name = self._slice(_of_type(one, "field_path")[0]).rsplit(".", 1)[-1]
            body = one.child_by_field_name("body")
            fields.append((name, self.expression(body) if body else t.Var(path=(name,), **_place(one))))
        base = node.child_by_field_name("record")
        return t.Record(fields=tuple(fields), base=self.expression(base) if base else None, **_place(node))

    def field(self, node: Syntax) -> t.Expr:
        record, name = node.child_by_field_name("record"), node.child_by_field_name("field")
        if record is None or name is None:
            return t.Unknown(what="a field of this form", **_place(node))
        return t.Field(record=self.expression(record), name=self._slice(name).rsplit(".", 1)[-1], **_place(node))

    def typed(self, node: Syntax) -> t.Expr:
        inner = node.child_by_field_name("expression")
        return self.expression(inner) if inner else t.Unknown(what="a type of this form", **_place(node))

    def assertion(self, node: Syntax) -> t.Expr:
        return t.Assert(condition=self.expression(_named(node)[0]), **_place(node))

    def object_(self, node: Syntax) -> t.Expr:
        methods: list[tuple[str, t.Expr]] = []
        for one in _of_type(node, "method_definition"):
            name, body = _of_type(one, "method_name")[0], one.child_by_field_name("body")
            params = tuple(self._param(param) for param in _of_type(one, "parameter"))
            if body is not None:
                read = self.expression(body)
                methods.append((self._slice(name), _function(params, read, one) if params else read))
        return t.Object(methods=tuple(methods), **_place(node))

    # -----------------------------------------------------------------------------------------------------------------

    def _path(self, node: Syntax) -> t.Path:
        return tuple(part.strip() for part in _operator_in(self._slice(node)).split("."))

    def comments(self, root: Syntax) -> Iterator[t.Comment]:
        """Every comment of the file, in order."""
        stack = [root]
        found: list[Syntax] = []
        while stack:
            node = stack.pop()
            if node.type == "comment":
                found.append(node)
            elif b"(*" in self._text[node.start_byte : node.end_byte]:
                stack += node.children
        for node in sorted(found, key=lambda one: one.start_byte):
            yield self._comment(node)

    def _comment(self, node: Syntax) -> t.Comment:
        before = self._text[: node.start_byte].rpartition(b"\n")[2]
        inside = self._slice(node)[2:-2].removeprefix("*").strip("\n")
        return t.Comment(
            line=node.start_point[0] + 1,
            last_line=node.end_point[0] + 1,
            start=node.start_byte,
            end=node.end_byte,
            lines=tuple(_comment_lines(inside)),
            own_line=not before.strip(),
        )


def _comment_lines(text: str) -> list[str]:
    """The lines of a comment, dedented, without the star that some begin each line with."""
    lines = [line.rstrip() for line in text.expandtabs().splitlines()] or [""]
    rest = [line for line in lines[1:] if line.strip()]
    if rest and all(line.lstrip().startswith("*") for line in rest):
        lines = [lines[0], *(line.lstrip()[1:] for line in lines[1:])]
        rest = [line for line in lines[1:] if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    dedented = [lines[0].strip(), *(line[indent:] for line in lines[1:])]
    while dedented and not dedented[-1].strip():
        dedented.pop()
    while dedented and not dedented[0].strip():
        dedented.pop(0)
    return dedented


def _operator_in(name: str) -> str:
    """The operator that a name in parentheses is: `( @-> )`."""
    return name[1:-1].strip() if name.startswith("(") and name.endswith(")") else name


def _as_function(operator: str, node: Syntax) -> t.Expr:
    """An operator as a value: the function of two arguments that it is."""
    place = _place(node)
    left, right = (t.Param(pattern=t.Name(name=name, **place), **place) for name in ("left", "right"))
    operands = (t.Var(path=("left",), **place), t.Var(path=("right",), **place))
    return t.Fun(params=(left, right), body=t.Chain(operator=operator, operands=operands, **place), **place)


def _section(operator: str, left: t.Expr, node: Syntax) -> t.Expr:
    """An operator with its left operand: `( ^ ) "x"` is the function of what comes behind."""
    place = _place(node)
    right = t.Param(pattern=t.Name(name="right", **place), **place)
    operands = (left, t.Var(path=("right",), **place))
    return t.Fun(params=(right,), body=t.Chain(operator=operator, operands=operands, **place), **place)


def _function(params: tuple[t.Param, ...], body: t.Expr, node: Syntax) -> t.Expr:
    if isinstance(body, t.Fun):
        return t.Fun(params=(*params, *body.params), body=body.body, **_place(node))
    return t.Fun(params=params, body=body, **_place(node))


def _named(node: Syntax) -> list[Syntax]:
    return [child for child in node.named_children if child.type != "comment" and not child.is_extra]


def _of_type(node: Syntax, kind: str) -> list[Syntax]:
    return [child for child in node.children if child.type == kind]


def _sides(node: Syntax) -> list[Syntax]:
    return [side for name in ("left", "right") if (side := node.child_by_field_name(name)) is not None]


def _unwrapped(node: Syntax, kind: str) -> Syntax:
    while node.type == kind:
        inside = _named(node)
        if len(inside) != 1:
            break
        node = inside[0]
    return node


def _place(node: Syntax) -> dict[str, Any]:  # any: keyword arguments beside others
    """The three numbers of a place, as keyword arguments."""
    return {"line": node.start_point[0] + 1, "start": node.start_byte, "end": node.end_byte}


def _words(kind: str) -> str:
    return "this " + kind.removesuffix("_definition").removesuffix("_expression").replace("_", " ")


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
