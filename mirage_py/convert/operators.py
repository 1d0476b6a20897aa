"""Operators of OCaml: how they bind, and the functions that they are where they stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirage_py.convert import tree as t
from mirage_py.convert.syntax_nodes import place

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax

PLAIN_OPERATORS = ("<", ">", "=", "==", "!=", "<>", "<=", ">=", "&&", "||", "+", "-", "*", "/", "/.", "mod")
LEFT = ("$", "+", "-", "&&", "||", "*")
RIGHT = ("^", "@", "@->", "::")
ALL_OPERATORS = frozenset((*PLAIN_OPERATORS, *LEFT, *RIGHT))
FLOATS = {"+.": "+", "-.": "-", "*.": "*"}


def as_function(operator: str, node: Syntax) -> t.Expr:
    """An operator as a value: the function of two arguments that it is."""
    at = place(node)
    left, right = (t.Param(pattern=t.Name(name=name, **at), **at) for name in ("left", "right"))
    operands = (t.Var(path=("left",), **at), t.Var(path=("right",), **at))
    return t.Fun(params=(left, right), body=t.Chain(operator=operator, operands=operands, **at), **at)


def section(operator: str, left: t.Expr, node: Syntax) -> t.Expr:
    """An operator with its left operand: `( ^ ) "x"` is the function of what comes behind."""
    at = place(node)
    right = t.Param(pattern=t.Name(name="right", **at), **at)
    operands = (left, t.Var(path=("right",), **at))
    return t.Fun(params=(right,), body=t.Chain(operator=operator, operands=operands, **at), **at)
