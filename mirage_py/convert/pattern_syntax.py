"""Patterns of a `config.ml`, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from mirage_py.convert import tree as t
from mirage_py.convert.syntax_nodes import named, of_type, operator_in, path_of, place, sides, unwrapped, words
from mirage_py.syntax import text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax

_MODES: Final = {
    "mode_unix": ("Unix", "MacOSX"),
    "mode_xen": ("Xen", "Qubes"),
    "mode_solo5": ("Hvt", "Spt", "Virtio", "Muen", "Genode"),
    "mode_unikraft": ("Firecracker", "QEMU"),
}
"""The tool's types of targets, as they stand in patterns: `#Key.mode_unix`."""


class PatternReader:
    """Reads patterns; `literal` reads the strings, numbers and booleans in them."""

    def __init__(self, literal: Callable[[Syntax], t.Expr]) -> None:
        self._literal = literal

    def pattern(self, node: Syntax) -> t.Pattern:  # noqa: C901  # one case for each form
        """A pattern; `Strange` for one that is not known."""
        node = unwrapped(node, "parenthesized_pattern")
        match node.type:
            case "value_name" | "value_pattern":
                return t.Name(name=text_at(node), **place(node))
            case "parenthesized_operator":
                return t.Name(name=operator_in(text_at(node)), **place(node))
            case "alias_pattern":
                return self._whole(node)
            case "cons_pattern":
                return self._longer(node)
            case "record_pattern":
                return t.Fields(fields=tuple(self._field_patterns(node)), **place(node))
            case "any_pattern":
                return t.Anything(**place(node))
            case "unit":
                return t.Literal(value=None, **place(node))
            case "typed_pattern":
                return self._typed_pattern(node)
            case "string" | "quoted_string" | "number" | "boolean" | "character":
                value = self._literal(node)
                if isinstance(value, t.Str):
                    return t.Literal(value=value.text, **place(node))
                if isinstance(value, (t.Num, t.Bool)):
                    return t.Literal(value=value.value, **place(node))
            case "constructor_path":
                return t.Case_of(name=path_of(node)[-1], **place(node))
            case "tag":
                return t.Case_of(name=text_at(node).lstrip("`"), tag=True, **place(node))
            case "polymorphic_variant_pattern" if tags := _MODES.get(text_at(node).rsplit(".", 1)[-1]):
                cases = tuple(t.Case_of(name=tag, tag=True, **place(node)) for tag in tags)
                return t.Either(alternatives=cases, **place(node))
            case "constructor_pattern" | "tag_pattern":
                return self._constructor_pattern(node)
            case "empty_list" | "list_pattern":
                return t.Items(items=tuple(self.pattern(one) for one in named(node)), **place(node))
            case "tuple_pattern":
                return t.Items(items=tuple(self.pattern(one) for one in named(node)), tuple_=True, **place(node))
            case "or_pattern":
                return t.Either(alternatives=tuple(self.pattern(one) for one in named(node)), **place(node))
            case _:
                pass
        return t.Strange(what=words(node), **place(node))

    def _whole(self, node: Syntax) -> t.Pattern:
        inner, name = node.child_by_field_name("pattern"), node.child_by_field_name("alias")
        if inner is None or name is None:
            return t.Strange(what=words(node), **place(node))
        return t.Whole(pattern=self.pattern(inner), name=t.Name(name=text_at(name), **place(name)), **place(node))

    def _longer(self, node: Syntax) -> t.Pattern:
        heads: list[t.Pattern] = []
        here = node
        while here.type == "cons_pattern":
            first, rest = sides(here)
            heads.append(self.pattern(first))
            here = unwrapped(rest, "parenthesized_pattern")
        last = self.pattern(here)
        if isinstance(last, t.Items) and not last.tuple_:
            return t.Items(items=(*heads, *last.items), **place(node))
        return t.Longer(heads=tuple(heads), rest=last, **place(node))

    def _field_patterns(self, node: Syntax) -> Iterator[tuple[str, t.Pattern]]:
        for one in of_type(node, "field_pattern"):
            path = of_type(one, "field_path")[0]
            name = text_at(path).rsplit(".", 1)[-1]
            pattern = one.child_by_field_name("pattern")
            yield name, self.pattern(pattern) if pattern else t.Name(name=name, **place(one))

    def _typed_pattern(self, node: Syntax) -> t.Pattern:
        inner, type_ = node.child_by_field_name("pattern"), node.child_by_field_name("type")
        read = self.pattern(inner) if inner else t.Anything(**place(node))
        if isinstance(read, t.Name) and type_ is not None:
            return t.Name(name=read.name, type_=text_at(type_), **place(node))
        return read

    def _constructor_pattern(self, node: Syntax) -> t.Pattern:
        head, *rest = named(node)
        inner = self.pattern(rest[0]) if rest else None
        return t.Case_of(
            name=text_at(head).lstrip("`").rsplit(".", 1)[-1],
            argument=inner,
            tag=head.type == "tag",
            **place(node),
        )
