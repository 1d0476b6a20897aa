"""Small questions about syntax nodes of OCaml: their children, their place, what is within parentheses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirage_py.syntax import text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax


def named(node: Syntax) -> list[Syntax]:
    """The named children of a node, comments aside."""
    return [child for child in node.named_children if child.type != "comment" and not child.is_extra]


def of_type(node: Syntax, kind: str) -> list[Syntax]:
    """The children of one kind."""
    return [child for child in node.children if child.type == kind]


def sides(node: Syntax) -> list[Syntax]:
    """The operands of an operator."""
    return [side for name in ("left", "right") if (side := node.child_by_field_name(name)) is not None]


def unwrapped(node: Syntax, kind: str) -> Syntax:
    """What is within parentheses (or another wrapping of that kind)."""
    while node.type == kind:
        inside = named(node)
        if len(inside) != 1:
            break
        node = inside[0]
    return node


def place(node: Syntax) -> dict[str, Any]:  # any: keyword arguments beside others
    """The three numbers of a place, as keyword arguments."""
    return {"line": node.start_point[0] + 1, "start": node.start_byte, "end": node.end_byte}


def words(node: Syntax) -> str:
    """A kind of node as a person would name it."""
    plain = node.type.removesuffix("_definition").removesuffix("_expression").replace("_", " ")
    return _WORDS.get(node.type, f"this {plain}")


def operator_in(name: str) -> str:
    """The operator that a name in parentheses is: `( @-> )`."""
    return name[1:-1].strip() if name.startswith("(") and name.endswith(")") else name


def path_of(node: Syntax) -> tuple[str, ...]:
    """The parts of a path: `Key.Arg.( |+ )`."""
    return tuple(part.strip() for part in operator_in(text_at(node)).split("."))


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
