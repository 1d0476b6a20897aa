"""What in a `config.ml` tells which releases of the OCaml tool accept it."""

from __future__ import annotations

from collections.abc import Iterator

from mirage_py.convert import tree as t
from mirage_py.convert.catalogue import entries
from mirage_py.convert.dialect import BEYOND, OLDEST, Evidence
from mirage_py.convert.verb_types import LABELS


def evidence(source: t.Source) -> Iterator[Evidence]:
    """Names, labels and shapes of calls that not every release has."""
    keys = {
        binding.pattern.name
        for item in source.items
        if isinstance(item, t.Define)
        for binding in item.bindings
        if isinstance(binding.pattern, t.Name) and _makes_key(binding.value)
    }
    own = {node.name for node in source.nodes() if isinstance(node, t.Name)}
    for node in source.nodes():
        if isinstance(node, t.Var):
            yield from _name(node, own)
        elif isinstance(node, t.Apply):
            yield from _call(node, keys)
        elif isinstance(node, t.Object):
            yield Evidence(what="a device as an object", line=node.line, until=(4, 0, 0))
        elif isinstance(node, t.Constructor) and node.name == "Type" and node.argument is not None:
            yield Evidence(what="Type", line=node.line, until=(4, 0, 0))


def _name(node: t.Var, own: set[str]) -> Iterator[Evidence]:
    name = ".".join(part for part in node.path if part not in ("Mirage", "Functoria"))
    if len(node.path) == 1 and name in own:
        return
    if node.path == ("Job", "register"):  # how configurations ended before 2.0
        yield Evidence(what=name, line=node.line, until=(2, 0, 0, 1))
    entry = entries().get(name)
    if entry is not None and (entry.since, entry.until) != (OLDEST, BEYOND):
        yield Evidence(what=name, line=node.line, since=entry.since, until=entry.until)


def _call(node: t.Apply, keys: set[str]) -> Iterator[Evidence]:
    function = t.unopened(node.function)
    if not isinstance(function, t.Var):
        return
    name = function.path[-1]
    for argument in node.arguments:
        found = LABELS.get((name, argument.label or ""))
        if found is not None:
            yield Evidence(what=f"{name} ~{argument.label}", line=argument.line, since=found[0], until=found[1])
    if name in _BOOT_ARGUMENTS:
        for argument in node.arguments:
            given = t.unopened(argument.value)
            if isinstance(given, t.Var) and given.path[-1] in keys:
                yield Evidence(what=f"{name} with a key", line=argument.line, until=(4, 5, 0))
    count = sum(1 for argument in node.arguments if argument.label is None)
    if (name, count) in (("generic_dns_client", 1), ("generic_happy_eyeballs", 2)):
        yield Evidence(what=f"{name} with {count} argument{'s' * (count > 1)}", line=node.line, until=(4, 6, 0))
    elif (name, count) in (("generic_dns_client", 2), ("generic_happy_eyeballs", 1)):
        yield Evidence(what=f"{name} with {count} argument{'s' * (count > 1)}", line=node.line, since=(4, 6, 0))


_BOOT_ARGUMENTS = frozenset(("ccm_block", "chamelon", "paf_server", "git_ssh", "git_http", "generic_dns_client"))
"""Devices that took keys before 4.5, and boot-time arguments or plain values after it."""


def _makes_key(expr: t.Expr) -> bool:
    """Whether a definition is a key in the end."""
    expr = t.unopened(expr)
    while isinstance(expr, t.Let):
        expr = t.unopened(expr.body)
    return isinstance(expr, t.Apply) and isinstance(expr.function, t.Var) and expr.function.path[-1] == "create"
