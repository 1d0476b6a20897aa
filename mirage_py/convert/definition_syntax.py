"""Definitions of a `config.ml`, read from its syntax tree: values, types, modules, and what is opened or included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mirage_py.convert import tree as t
from mirage_py.convert.syntax_nodes import named, of_type, path_of, place, words
from mirage_py.syntax import text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax


class DefinitionReader:
    """Reads definitions; `expression` and `pattern` read what they are made of."""

    def __init__(self, expression: Callable[[Syntax], t.Expr], pattern: Callable[[Syntax], t.Pattern]) -> None:
        self._expression = expression
        self._pattern = pattern

    def items(self, node: Syntax) -> Iterator[t.Item]:
        """The definitions of a file, or of what stands between `struct` and `end`."""
        for child in named(node):
            match child.type:
                case "value_definition":
                    yield t.Define(bindings=self.bindings(child), **place(child))
                case "expression_item":
                    yield t.Evaluate(value=self._expression(named(child)[0]), **place(child))
                case "open_module":
                    path = child.child_by_field_name("module") or named(child)[0]
                    yield t.OpenModule(module=path_of(path), **place(child))
                case "type_definition":
                    yield from self._types(child)
                case "module_definition":
                    yield self.module(child)
                case "include_module":
                    yield self._included(child)
                case "item_attribute" | "floating_attribute" | "line_number_directive":
                    continue
                case _:
                    yield t.UnknownItem(what=words(child), **place(child))

    def _types(self, node: Syntax) -> Iterator[t.Item]:
        for binding in of_type(node, "type_binding"):
            found, body = binding.child_by_field_name("name"), binding.child_by_field_name("body")
            name = text_at(found) if found else ""
            if body is None:
                yield t.Variant(name=name, constructors=(), **place(node))
            elif body.type == "record_declaration":
                fields = tuple(self._declared(one) for one in of_type(body, "field_declaration"))
                yield t.RecordType(name=name, fields=fields, **place(node))
            elif body.type == "variant_declaration":
                yield self._variant(name, body, node)
            elif body.type != "polymorphic_variant_type":
                yield t.Synonym(name=name, type_=text_at(body), **place(node))

    def _declared(self, node: Syntax) -> tuple[str, str]:
        type_ = node.child_by_field_name("type")
        return text_at(of_type(node, "field_name")[0]), text_at(type_) if type_ else ""

    def _variant(self, name: str, body: Syntax, node: Syntax) -> t.Item:
        all_ = of_type(body, "constructor_declaration")
        names = [text_at(of_type(one, "constructor_name")[0]) for one in all_]
        filled = tuple(name for name, one in zip(names, all_, strict=True) if len(named(one)) > 1)
        return t.Variant(name=name, constructors=tuple(names), filled=filled, **place(node))

    def module(self, node: Syntax) -> t.Item:
        """`module M = ...`; `UnknownItem` for what is beyond a configuration."""
        binding = next(iter(of_type(node, "module_binding")), None)
        body = binding.child_by_field_name("body") if binding else None
        while body is not None and body.type in ("parenthesized_module_expression", "typed_module_expression"):
            body = named(body)[0]
        if binding is None or body is None or of_type(binding, "module_parameter"):
            return t.UnknownItem(what="a functor of the file's own", **place(node))
        name = text_at(of_type(binding, "module_name")[0])
        if body.type == "module_path":
            return t.Alias(name=name, module=path_of(body), **place(node))
        if body.type != "structure":
            return t.UnknownItem(what="a module that is no plain struct ... end", **place(node))
        return t.Module(name=name, items=tuple(self.items(body)), **place(node))

    def _included(self, node: Syntax) -> t.Item:
        body = node.child_by_field_name("module") or named(node)[0]
        if body.type != "module_path":
            return t.UnknownItem(what="include of more than a module's name", **place(node))
        return t.OpenModule(module=path_of(body), included=True, **place(node))

    def bindings(self, node: Syntax) -> tuple[t.Binding, ...]:
        """What a `let`, with all its `and`, defines."""
        recursive = any(child.type == "rec" for child in node.children)
        group = node.start_byte
        return tuple(self._binding(one, recursive=recursive, group=group) for one in of_type(node, "let_binding"))

    def _binding(self, node: Syntax, *, recursive: bool, group: int) -> t.Binding:
        pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
        params = tuple(self.param(one) for one in of_type(node, "parameter"))
        value: t.Expr = (
            self._expression(body) if body is not None else t.Unknown(what="a value without a body", **place(node))
        )
        if params:
            value = function_of(params, value, node)
        return t.Binding(
            pattern=self._bound(node, pattern),
            value=value,
            recursive=recursive,
            group=group,
            **place(node),
        )

    def _bound(self, node: Syntax, pattern: Syntax | None) -> t.Pattern:
        """The pattern of a definition, with the type that the file says it has."""
        read: t.Pattern = self._pattern(pattern) if pattern else t.Anything(**place(node))
        type_ = node.child_by_field_name("type")
        if isinstance(read, t.Name) and type_ is not None and not of_type(node, "parameter"):
            return t.Name(name=read.name, type_=text_at(type_), **place(node))
        return read

    def param(self, node: Syntax) -> t.Param:
        """A parameter of a function."""
        pattern = node.child_by_field_name("pattern")
        marks = {child.type for child in node.children}
        label = next(iter(of_type(node, "label_name")), None)
        read: t.Pattern = self._pattern(pattern) if pattern else t.Anything(**place(node))
        name: str | None = text_at(label) if label else None
        if name is None and marks & {"~", "?"} and isinstance(read, t.Name):
            name = read.name
        default = node.child_by_field_name("default")
        return t.Param(
            pattern=read,
            label=name,
            optional="?" in marks,
            default=self._expression(default) if default else None,
            **place(node),
        )


def function_of(params: tuple[t.Param, ...], body: t.Expr, node: Syntax) -> t.Expr:
    """The function of these parameters; one of one parameter after the other is a single one."""
    if isinstance(body, t.Fun):
        return t.Fun(params=(*params, *body.params), body=body.body, **place(node))
    return t.Fun(params=params, body=body, **place(node))
