"""Configure-time keys: what `Key.create` says, as mpy's keys say it; and those that were boot options as well."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mirage_py.convert import tree as t
from mirage_py.convert.context import Context
from mirage_py.convert.python import Attribute, Called, Constant, Imported, Listed, Mapped, PyExpr, Text, mpy_call
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.words import word_of
from mirage_py.dataclass import dataclass
from mirage_py.dsl.value import RESERVED

_TEXTS = frozenset(
    f"Arg.{name}" for name in ["string", "file", "dir", "ip_address", "ipv4_address", "ipv6_address", "ipv4", "ipv6"]
)
_WRAPPERS = frozenset(("Key.v", "Key.abstract", "key", "Key.value"))


def creation(context: Context, expr: t.Expr) -> t.Apply | None:
    """The `Key.create` that an expression is in the end, if it is one."""
    expr = t.unopened(expr)
    while True:
        if isinstance(expr, t.Let):
            expr = t.unopened(expr.body)
        elif isinstance(expr, t.Apply) and context.analysis.entry(expr.function) in _WRAPPERS:
            expr = t.unopened(expr.arguments[-1].value)
        else:
            break
    return expr if isinstance(expr, t.Apply) and context.analysis.entry(expr.function) == "Key.create" else None


def key_local(context: Context, expr: t.Expr) -> Local | None:
    """The name of the key that an expression speaks of."""
    expr = t.unopened(expr)
    while True:
        if isinstance(expr, t.Apply) and context.analysis.entry(expr.function) in _WRAPPERS:
            expr = t.unopened(expr.arguments[-1].value)
            continue
        symbol = context.analysis.symbol(expr)
        if not isinstance(symbol, Local):
            return None
        if symbol.value is None or creation(context, symbol.value) is not None:
            return symbol
        expr = t.unopened(symbol.value)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a `Key.create` says."""

    name: t.Expr
    kind: str
    info: t.Apply | None
    conv: t.Expr | None = None
    default: t.Expr | None = None
    stage: str = ""


def declared(context: Context, create: t.Apply) -> Declared:
    """The parts of a `Key.create`, found where they are defined."""
    if len(create.arguments) != 2:
        raise CannotConvert(create, "a key of this form")
    name, arg = (argument.value for argument in create.arguments)
    made = context.analysis.followed(arg)
    kind = context.analysis.entry(made.function) if isinstance(made, t.Apply) else ""
    if not isinstance(made, t.Apply) or not kind.startswith("Arg."):
        raise CannotConvert(arg, "a key of this form")
    values = [argument.value for argument in made.arguments if argument.label is None]
    stage = next((argument.value for argument in made.arguments if argument.label == "stage"), None)
    info = _info(context, values[-1]) if values else None
    return Declared(
        name=name,
        kind=kind.removeprefix("Arg."),
        info=info,
        conv=values[0] if len(values) > 1 else None,
        default=values[1] if len(values) > 2 else None,
        stage=stage.name if isinstance(stage, t.Constructor) else "",
    )


def _info(context: Context, expr: t.Expr) -> t.Apply | None:
    found = context.analysis.followed(expr)
    while isinstance(found, t.Let):
        found = context.analysis.followed(found.body)
    if isinstance(found, t.Apply) and context.analysis.entry(found.function) == "Arg.info":
        return found
    raise CannotConvert(expr, "the description of a key, which is not written here")


def key(context: Context, create: t.Apply) -> PyExpr:
    """A key of mpy's that asks for the same."""
    said = declared(context, create)
    keywords = list(_described(context, said.info))
    name = _option(context, said, create)
    kind, more, values = _kind(context, said)
    if kind in ("flag", "enum"):  # they show what may be given
        keywords = [pair for pair in keywords if pair[0] != "docv"]
    args = (name,) if values is None else (name, values)
    return Called(
        line=create.line,
        function=Attribute(line=create.line, value=Imported(line=create.line, name="key"), name=kind),
        args=args,
        keywords=(*more, *keywords),
    )


def _described(context: Context, info: t.Apply | None) -> Iterator[tuple[str, PyExpr]]:
    for argument in info.arguments if info else ():
        if argument.label in ("doc", "docv"):
            value = context.emit(argument.value)
            if isinstance(value, Text):
                value = Text(line=value.line, parts=(value.text,)) if len(value.text) < 60 else value
            yield argument.label, value
        elif argument.label == "env":
            name = context.analysis.followed(argument.value)
            while isinstance(name, t.Apply) and name.arguments:
                name = context.analysis.followed(name.arguments[-1].value)
            if not isinstance(name, t.Str):
                raise CannotConvert(argument, "an environment variable whose name is not written here")
            yield "env", Text(line=name.line, parts=(name.text,))


def _option(context: Context, said: Declared, create: t.Apply) -> PyExpr:
    """The word of the key on the command line: the option's own, which scripts have."""
    names = context.analysis.followed(said.info.arguments[-1].value) if said.info else said.name
    words = [one for one in names.items if isinstance(one, t.Str)] if isinstance(names, t.ListOf) else []
    long = next((one for one in words if len(one.text) > 1), None)
    if long is None:
        return _literal_option(context, said.name, create) or context.emit(said.name)
    for short in words:
        if short is not long:
            context.report.add(
                create.line, "boot", f"the key --{long.text} has this one name here, not {_dashed(short.text)}"
            )
    return _literal_option(context, long, create) or context.emit(long)


def _dashed(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _literal_option(context: Context, name: t.Expr, create: t.Apply) -> PyExpr | None:
    found = context.analysis.followed(name)
    if not isinstance(found, t.Str):
        return None
    word = re.sub(r"-+", "-", re.sub(r"[^a-z0-9]+", "-", found.text.lower())).strip("-") or "key"
    if word in RESERVED or not word[0].isalpha():
        word = f"unikernel-{word}"
    if word != found.text:
        context.report.add(create.line, "boot", f"the key --{found.text} is --{word} here")
    return Text(line=found.line, parts=(word,))


Keywords = tuple[tuple[str, PyExpr], ...]


def _kind(context: Context, said: Declared) -> tuple[str, Keywords, PyExpr | None]:
    """The kind of a key, what it takes beside its name, and the values of an enumeration."""
    match said.kind:
        case "flag":
            return "flag", (), None
        case "opt_all":
            if _converter(context, said.conv) not in _TEXTS:
                raise CannotConvert(said.conv or said.name, "a repeated key that is no text")
            return "strings", (), None
        case "required":
            return _valued(context, said, (("required", Constant(line=said.name.line, value=True)),))
        case "opt":
            default = _default(context, said.default)
            return _valued(context, said, () if default is None else (("default", default),))
        case _:
            raise CannotConvert(said.name, f"a key of the kind {said.kind}")


def _default(context: Context, expr: t.Expr | None) -> PyExpr | None:
    if expr is None:
        return None
    value = context.emit(expr)
    return None if isinstance(value, Constant) and value.value is None else value


def _valued(context: Context, said: Declared, more: Keywords) -> tuple[str, Keywords, PyExpr | None]:
    conv = _unwrapped(context, said.conv)
    name = _converter(context, conv)
    if name in _TEXTS:
        return "string", more, None
    if name in ("Arg.int", "Arg.int64"):
        return "integer", more, None
    if name == "Arg.bool":
        words = {"true": True, "false": False}
        pairs = tuple(
            (Text(line=said.name.line, parts=(word,)), Constant(line=said.name.line, value=value))
            for word, value in words.items()
        )
        return "enum", more, Mapped(line=said.name.line, items=pairs)
    if name == "Arg.enum" and isinstance(conv, t.Apply):
        return "enum", more, _enumeration(context, conv)
    if conv is not None and (own := _own_converter(context, conv)) is not None:
        return "enum", more, own
    raise CannotConvert(said.conv or said.name, "a converter of its own for the value of a key")


def _unwrapped(context: Context, conv: t.Expr | None) -> t.Expr | None:
    """The converter within `some`."""
    found = None if conv is None else context.analysis.followed(conv)
    while isinstance(found, t.Apply) and context.analysis.entry(found.function) == "Arg.some":
        found = context.analysis.followed(found.arguments[0].value)
    return found


def _converter(context: Context, conv: t.Expr | None) -> str:
    if conv is None:
        return ""
    found = context.analysis.followed(conv)
    return context.analysis.entry(found.function if isinstance(found, t.Apply) else found)


def _enumeration(context: Context, conv: t.Apply) -> PyExpr:
    listed = context.analysis.followed(conv.arguments[-1].value)
    if not isinstance(listed, t.ListOf):
        raise CannotConvert(conv, "an enumeration whose values are not written here")
    pairs = []
    for item in listed.items:
        if not isinstance(item, t.TupleOf) or len(item.items) != 2:
            raise CannotConvert(item, "an enumeration of this form")
        pairs.append((context.emit(item.items[0]), context.emit(item.items[1])))
    return _mapping(tuple(pairs), conv.line)


def _mapping(pairs: tuple[tuple[PyExpr, PyExpr], ...], line: int) -> PyExpr:
    """A list of words where each stands for itself, else a dictionary."""
    if all(isinstance(w, Text) and isinstance(v, Text) and w.text == v.text for w, v in pairs):
        return Listed(line=line, items=tuple(word for word, _ in pairs))
    return Mapped(line=line, items=pairs)


def _own_converter(context: Context, conv: t.Expr) -> PyExpr | None:
    """`Arg.conv (parser, printer)` with a parser that tells words apart: an enumeration."""
    if not isinstance(conv, t.Apply) or context.analysis.entry(conv.function) != "Arg.conv":
        return None
    pair = context.analysis.followed(conv.arguments[0].value)
    parser = context.analysis.followed(pair.items[0]) if isinstance(pair, t.TupleOf) else None
    if not isinstance(parser, t.Match) or parser.subject is not None:
        return None
    pairs = []
    for case in parser.cases:
        body = t.unopened(case.body)
        if isinstance(case.pattern, t.Literal) and isinstance(case.pattern.value, str):
            if not isinstance(body, t.Constructor) or body.name != "Ok" or not isinstance(body.argument, t.Constructor):
                return None
            value = word_of(body.argument.name, tag=body.argument.tag)
            pairs.append((Text(line=case.line, parts=(case.pattern.value,)), Text(line=case.line, parts=(value,))))
    return _mapping(tuple(pairs), conv.line) if pairs else None


# ---------------------------------------------------------------------------------------------------------------------
# Keys that were boot options as well (before 4.5)


def boot_keys(context: Context) -> dict[Local, str]:
    """The keys that nothing decides by when configuring: boot options, each with the module that reads it."""
    if not context.dialect.before(4, 5):
        return {}
    created = {
        local: create
        for local in context.analysis.locals.values()
        if local.value is not None and (create := creation(context, local.value)) is not None
    }
    deciding = set(_deciding(context))
    module = _module(context)
    return {
        local: module for local, create in created.items() if local not in deciding and _is_for_boot(context, create)
    }


def _is_for_boot(context: Context, create: t.Apply) -> bool:
    """Whether a key may be a boot option; one that cannot be read is none, and is told of where it is defined."""
    try:
        return declared(context, create).stage != "Configure"
    except CannotConvert:
        return False


def _deciding(context: Context) -> Iterator[Local]:
    for call in context.calls_of(*_DECIDERS):
        for argument in call.arguments:
            local = key_local(context, argument.value)
            if local is not None:
                yield local


_DECIDERS = ("Key.value", "Key.map", "Key.match_", "Key.if_", "docteur", "generic_kv_ro", "generic_block")


def _module(context: Context) -> str:
    for call in context.calls_of("main", "foreign"):
        for argument in call.arguments:
            text = context.analysis.followed(argument.value)
            if argument.label is None and isinstance(text, t.Str):
                return text.text.split(".")[0]
    return "Unikernel"


def listed(context: Context, expr: t.Expr | None) -> list[t.Expr]:
    """The keys of a list of keys, through the names and functions that it is made with."""
    if expr is None:
        return []
    found = context.analysis.followed(expr)
    match found:
        case t.ListOf():
            return list(found.items)
        case t.Apply() if context.analysis.entry(found.function) == "List.map":
            return listed(context, found.arguments[-1].value)
        case t.Chain(operator="@"):
            return [one for operand in found.operands for one in listed(context, operand)]
        case t.Chain(operator="::"):
            return [*found.operands[:-1], *listed(context, found.operands[-1])]
        case t.Let():
            return listed(context, found.body)
        case t.Match() | t.If() if context.dialect.before(4, 5):
            return []  # decided by what a function is given: boot-time arguments, see functors.py
        case _:
            raise CannotConvert(expr, "a list of keys that is not written here")


def listed_for_boot(context: Context, expr: t.Expr | None) -> Iterator[Local]:
    """Those of a list of keys that are boot-time arguments now."""
    for one in listed(context, expr):
        local = key_local(context, one)
        if local is not None and local in context.boot_keys:
            yield local


def boot_argument(context: Context, local: Local, create: t.Apply) -> PyExpr:
    """The boot-time argument that a key is now, with the Cmdliner term that unikernel.ml has to define for it."""
    said = declared(context, create)
    name = context.analysis.followed(said.name)
    word = name.text if isinstance(name, t.Str) else local.name
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", word)
    module = context.boot_keys[local]
    context.report.add(
        create.line,
        "boot",
        f"the key {word} was a boot option too: {module.lower()}.ml defines it now, and start takes its value",
        f"instead of Key_gen.{identifier} (), let start take one more argument, {identifier}, the last in order;",
        f"and define before the functor, in {module.lower()}.ml:",
        *_term(context, said, identifier),
    )
    code = Text(line=create.line, parts=(f"{module}.{identifier}",))
    return mpy_call("runtime_arg", create.line, (code,))


def _term(context: Context, said: Declared, identifier: str) -> Iterator[str]:
    """The Cmdliner term, in OCaml."""
    excerpt = context.source.excerpt
    words, doc = f'[ "{identifier}" ]', ""
    for argument in said.info.arguments if said.info else ():
        if argument.label is None:
            words = _oneline(excerpt(argument.value))
        elif argument.label in ("doc", "docv"):
            value = context.analysis.followed(argument.value)
            doc += f" ~{argument.label}:{_oneline(excerpt(value))}" if isinstance(value, t.Str) else ""
    conv = _oneline(excerpt(context.analysis.followed(said.conv))) if said.conv else "string"
    default = _oneline(excerpt(said.default)) if said.default else ""
    if " " in default and not default.startswith(('"', "(", "[")):
        default = f"({default})"
    yield f"  let {identifier} ="
    yield f"    let doc = Cmdliner.Arg.info{doc} {words} in"
    yield (
        "    Cmdliner.Arg.("
        + {
            "flag": "value & flag doc",
            "opt": f"value & opt {_wrapped(conv)} {default} doc",
            "opt_all": f"value & opt_all {_wrapped(conv)} [] doc",
            "required": f"required & opt (some {_wrapped(conv)}) None doc",
        }.get(said.kind, f"value & opt {_wrapped(conv)} {default} doc")
        + ")"
    )


def _oneline(text: str) -> str:
    return re.sub(r"\\?\s*\n\s*", " ", text)


def _wrapped(text: str) -> str:
    return f"({text})" if " " in text and not text.startswith("(") else text
