"""The types of chains of operators: OCaml's own, `$` of functors and of computed values, and `@->` of module types."""

from __future__ import annotations

from mirage_py.convert.ocaml_types import Arrow, Con, Type, Unknown_, is_con, unify


def chained(operator: str, types: list[Type], level: int) -> Type:  # noqa: C901  # one case for each operator
    """The type of operands of these types with an operator between them, which are made to fit.

    What is not known yet gets a variable of the level.
    """
    match operator:
        case "$":
            return _applied(types, level)
        case "@->":
            return _arrow(types, level)
        case "^":
            for type_ in types:
                unify(type_, Con("string"))
            return Con("string")
        case "@":
            for type_ in types[1:]:
                unify(types[0], type_)
            return types[0]
        case "::":
            for type_ in types[:-1]:
                unify(types[-1], Con("list", (type_,)))
            return types[-1]
        case "+" | "-" | "*" | "/" | "mod":
            return Con("float") if any(is_con(type_, "float") for type_ in types) else Con("int")
        case "/.":
            return Con("float")
        case _:
            unify(types[0], types[-1])
            return Con("bool")


def _applied(types: list[Type], level: int) -> Type:
    function = types[0]
    if is_con(function, "value"):  # Key.(pure f $ a $ b)
        return _computed(types, level)
    for given in types[1:]:
        param, result = Unknown_(level), Unknown_(level)
        unify(function, Con("impl", (Arrow(param, result),)))
        unify(given, Con("impl", (param,)))
        function = Con("impl", (result,))
    return function


def _computed(types: list[Type], level: int) -> Type:
    result: Type = Unknown_(level)
    whole: Type = result
    params = [Unknown_(level) for _ in types[1:]]
    for param, given in zip(reversed(params), reversed(types[1:]), strict=True):
        unify(given, Con("value", (param,)))
        whole = Arrow(param, whole)
    unify(types[0], Con("value", (whole,)))
    return Con("value", (result,))


def _arrow(types: list[Type], level: int) -> Type:
    inside = []
    for type_ in types:
        one = Unknown_(level)
        unify(type_, Con("typ", (one,)))
        inside.append(one)
    result: Type = inside[-1]
    for one in reversed(inside[:-1]):
        result = Arrow(one, result)
    return Con("typ", (result,))
