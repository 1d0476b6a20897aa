"""`main` and `impl`: an OCaml module of the unikernel's own, mostly a functor, as a job or as a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mirage_py.convert import keys, tree as t
from mirage_py.convert.catalogue import GONE_TYPES
from mirage_py.convert.connect import Inputs, connect_of
from mirage_py.convert.context import Context
from mirage_py.convert.literals import Stanza, stanzas
from mirage_py.convert.ocaml_types import Arrow, Con, Type, argument as argument_of, resolved
from mirage_py.convert.python import (
    Anonymous,
    Assign,
    Called,
    Choice,
    Joined,
    Listed,
    Not,
    PyExpr,
    Ref,
    Spread,
    Text,
    mpy_call,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.values import Values, both
from mirage_py.dataclass import replace

Keywords = list[tuple[str, PyExpr]]


class Functors:
    """How a module of the unikernel's own is said to mpy, with all that it is given."""

    def __init__(self, context: Context, values: Values) -> None:
        self._c = context
        self._values = values

    # -----------------------------------------------------------------------------------------------------------------
    # main

    def main(self, expr: t.Apply) -> PyExpr:
        """`main`, with what a `register` of before 4.5 adds to it."""
        given = {one.label: one.value for one in expr.arguments if one.label is not None}
        if sum(one.label is None for one in expr.arguments) < 2:
            return self._begun(expr, given)
        module, type_ = self._module_and_type(expr)
        self._tell_gone(module, type_, main=True)
        keywords: Keywords = []
        for label in self._labels(expr):
            keywords += self._main_keyword(label, given)
        keywords = _never_none(self._with_extras(keywords, given), expr)
        self._tell_idle(given)
        args = (self._c.emit(module), self._c.emit(type_))
        return mpy_call("main", expr.line, args, tuple(keywords))

    def _begun(self, expr: t.Apply, given: dict[str, t.Expr]) -> PyExpr:
        """`main`, given some of what it takes."""
        keywords = [pair for label in self._labels(expr) for pair in self._main_keyword(label, given)]
        args = tuple(self._c.emit(one.value) for one in expr.arguments if one.label is None)
        call = mpy_call("main", expr.line, args, tuple(keywords))
        return call.begun() if args or keywords else call.function

    def _main_keyword(self, label: str, given: dict[str, t.Expr]) -> Keywords:
        match label:
            case "pos":
                return []
            case "packages":
                return [("packages", self._values.packages(given))]
            case "local_libs":
                return [("local_libs", self._c.emit(given["local_libs"]))]
            case "runtime_args":
                args = self._runtime_args(given)
                return [("runtime_args", args)] if args is not None else []
            case "deps":
                return self._deps(given["deps"] if "deps" in given else given["extra_deps"])
            case _:
                raise CannotConvert(given[label], f"~{label} of main has no counterpart here")

    def _deps(self, expr: t.Expr) -> Keywords:
        """What start waits for, less what is gone."""
        listed = self._c.analysis.followed(expr)
        if not isinstance(listed, t.ListOf):
            return [("deps", self._c.emit(expr))]
        gone = [name for one in listed.items if (name := self._gone_dep(one)) is not None]
        if not gone:
            return [("deps", self._c.emit(expr))]
        for name in gone:
            self._c.report.add(expr.line, "unikernel", f"start loses the argument of {name}", GONE_TYPES[name])
        kept = tuple(self._c.emit(one) for one in listed.items if self._gone_dep(one) is None)
        return [("deps", Listed(line=expr.line, items=kept))] if kept else []

    def _gone_dep(self, expr: t.Expr) -> str | None:
        expr = t.unopened(expr)
        if isinstance(expr, t.Apply) and self._c.analysis.entry(expr.function) in ("dep", "abstract"):
            return self._c.is_gone_value(expr.arguments[0].value)
        return None

    def _with_extras(self, keywords: Keywords, given: dict[str, t.Expr]) -> Keywords:
        """What `register` passed to every job before 4.5 is said where the job is made now."""
        extras = self._c.register_extras
        found = dict(keywords)
        if "packages" in extras:
            more = self._c.emit(self._inlined(extras["packages"]))
            found["packages"] = both(found["packages"], more, more.line) if "packages" in found else more
        listed = {id(local) for local in keys.listed_for_boot(self._c, given.get("keys"))}
        boot = [local for local in keys.listed_for_boot(self._c, extras.get("keys")) if id(local) not in listed]
        if boot:
            more = Listed(line=boot[0].line, items=tuple(self._c.ref(one, one.line) for one in boot))
            found["runtime_args"] = both(found["runtime_args"], more, more.line) if "runtime_args" in found else more
        return list(found.items())

    def _inlined(self, expr: t.Expr) -> t.Expr:
        """An expression, or what it stands for where its name is known beside `register` only."""
        local = self._c.analysis.symbol(t.unopened(expr))
        if isinstance(local, Local) and not local.top and local.value is not None:
            local.uses = 0
            return local.value
        return expr

    def _tell_idle(self, given: dict[str, t.Expr]) -> None:
        """Say which keys nothing asks for: OCaml's tool takes their options all the same."""
        for one in keys.listed(self._c, given.get("keys")):
            local = keys.key_local(self._c, one)
            if local is not None and local not in self._c.boot_keys and local.uses == 1:
                self._c.report.add(
                    local.line, "dropped", f"nothing depends on the key {local.name}: it is no option here, give it up"
                )

    # -----------------------------------------------------------------------------------------------------------------
    # impl

    def impl(self, expr: t.Apply) -> PyExpr:
        """`impl`, also of an object, as devices were before 4.0."""
        if len(expr.arguments) == 1 and isinstance(made := t.unopened(expr.arguments[0].value), t.Object):
            return self._object(made)
        module, type_ = self._module_and_type(expr)
        given = {one.label: one.value for one in expr.arguments if one.label is not None}
        device = self._device(expr, module, type_, given, list(self._labels(expr)))
        return replace(device, keywords=tuple(_never_none(list(device.keywords), expr)))

    def _object(self, made: t.Object) -> PyExpr:
        methods = dict(made.methods)
        if "ty" not in methods or "module_name" not in methods:
            raise CannotConvert(made, "a device as an object without ty or module_name")
        given = {
            label: methods[name]
            for name, label in (
                ("packages", "packages_v"),
                ("keys", "keys"),
                ("deps", "extra_deps"),
                ("connect", "connect"),
            )
            if name in methods
        }
        strange = methods.keys() - {"ty", "module_name", "name", "packages", "keys", "deps", "connect"}
        if strange:
            raise CannotConvert(made, f"a device as an object with the method {min(strange)}")
        return self._device(
            made, methods["module_name"], methods["ty"], given, list(dict.fromkeys(map(_together, given)))
        )

    def _device(  # noqa: C901  # one case for each label
        self, expr: t.Expr, module: t.Expr, type_: t.Expr, given: dict[str, t.Expr], labels: list[str]
    ) -> Called:
        self._tell_gone(module, type_, main=False)
        keywords: Keywords = []
        runtime_args: PyExpr | None = None
        for label in labels:
            match label:
                case "packages":
                    keywords.append(("packages", self._values.packages(given)))
                case "runtime_args":
                    runtime_args = self._runtime_args(given)
                    if runtime_args is not None:
                        keywords.append(("runtime_args", runtime_args))
                    keywords += self._configure_keys(given)
                case "local_libs":
                    keywords.append(("local_libs", self._c.emit(given["local_libs"])))
                case "deps":
                    keywords.append(("extra_deps", self._c.emit(given["extra_deps"])))
                case "dune":
                    keywords.append(("dune", self._stanzas(given["dune"])))
                case "install":
                    self._c.report.add(given["install"].line, "dropped", "~install is gone: nothing is installed")
                case "connect" | "pos":
                    continue
                case _:
                    raise CannotConvert(given[label], f"~{label} of impl has no counterpart here")
        if "connect" in given:
            keywords.append(("connect", self._connect(given, type_, runtime_args)))
        args = (self._path(module), self._c.emit(type_))
        return mpy_call("impl", expr.line, args, tuple(keywords))

    def _configure_keys(self, given: dict[str, t.Expr]) -> Keywords:
        """The keys of a device that are asked when configuring."""
        found = []
        for one in keys.listed(self._c, given.get("keys")):
            local = keys.key_local(self._c, one)
            if local is not None and local not in self._c.boot_keys:
                found.append(self._c.ref(local, one.line))
        return [("keys", Listed(line=found[0].line, items=tuple(found)))] if found else []

    def _path(self, module: t.Expr) -> PyExpr:
        """The name of a module; one that no OCaml module could have was never looked at, and gets a capital."""
        made = self._c.emit(module)
        if isinstance(made, Text) and made.text[:1].islower():
            return Text(line=made.line, parts=(made.text[:1].upper() + made.text[1:],))
        return made

    def _stanzas(self, expr: t.Expr) -> PyExpr:
        """`~dune:(fun _ -> [ Dune.stanza "..." ])`: the stanzas, as lists of words."""
        function = self._c.analysis.followed(expr)
        listed = self._c.analysis.followed(function.body) if isinstance(function, t.Fun) else function
        if not isinstance(listed, t.ListOf):
            raise CannotConvert(expr, "dune stanzas that are not written here")
        found: list[PyExpr] = []
        for one in listed.items:
            text = self._c.analysis.followed(one.arguments[0].value) if isinstance(one, t.Apply) else one
            if not isinstance(text, t.Str) or not isinstance(one, t.Apply):
                raise CannotConvert(one, "a dune stanza that is not written here")
            found += [_words(stanza, one.line) for stanza in stanzas(text.text)]
        local = Local(name="_", line=expr.line, type=Con("any"))
        return Anonymous(line=expr.line, params=(local,), body=Listed(line=expr.line, items=tuple(found), tuple_=True))

    def _connect(self, given: dict[str, t.Expr], type_: t.Expr, runtime_args: PyExpr | None) -> PyExpr:
        deps = self._c.analysis.followed(given["extra_deps"]) if "extra_deps" in given else None
        if deps is not None and not isinstance(deps, t.ListOf):
            raise CannotConvert(deps, "dependencies that are not written here")
        boot = tuple(keys.listed_for_boot(self._c, given.get("keys")))
        counts, chosen = self._counts(runtime_args, given["connect"])
        first = counts[0] - len(boot) if boot else 0
        inputs = Inputs(
            args=tuple(self._c.gone_name(one) is None for one in _params(self._c.analysis.type_of(t.unopened(type_)))),
            deps=len(deps.items) if isinstance(deps, t.ListOf) else 0,
            counts=counts,
            chosen=chosen,
            boot=boot,
            first=first,
            runtime=self._written_args(runtime_args),
        )
        return connect_of(self._c, given["connect"], inputs)

    def _written_args(self, runtime_args: PyExpr | None) -> tuple[PyExpr, ...]:
        """The boot-time arguments of a device, where they are written here; of two lists the longer."""
        made = None if runtime_args is None else self._value_of(runtime_args)
        if isinstance(made, Choice):
            ways = [one for one in (made.then, made.otherwise) if isinstance(one, Listed)]
            made = max(ways, key=lambda one: len(one.items), default=None)
        return made.items if isinstance(made, Listed) else ()

    def _counts(self, runtime_args: PyExpr | None, node: t.Expr) -> tuple[tuple[int, ...], PyExpr | None]:
        """How many boot-time arguments a device has: one number, or none and another with what tells them apart."""
        if runtime_args is None:
            return (0,), None
        made = self._value_of(runtime_args)
        if isinstance(made, Listed) and not any(isinstance(item, Spread) for item in made.items):
            return (len(made.items),), None
        if isinstance(made, Choice) and isinstance(made.then, Listed) and isinstance(made.otherwise, Listed):
            lengths = sorted({len(made.then.items), len(made.otherwise.items)})
            if len(lengths) < 2:
                return tuple(lengths), None
            longer = len(made.then.items) > len(made.otherwise.items)
            inline = made.condition if longer else _negated(made.condition)
            return tuple(lengths), inline if made is runtime_args else runtime_args
        raise CannotConvert(node, "boot-time arguments whose number is not known here")

    def _value_of(self, made: PyExpr) -> PyExpr:
        """What a name was assigned before, in this block or at the top of the file."""
        while isinstance(made, Ref):
            local = made.local
            found = next(
                (one.value for one in self._c.statements if isinstance(one, Assign) and one.targets == (local,)), None
            )
            if found is None and local.value is not None and isinstance(t.unopened(local.value), t.ListOf):
                return self._c.emit(local.value)
            if found is None:
                break
            made = found
        return made

    # -----------------------------------------------------------------------------------------------------------------
    # What both are given

    def _labels(self, expr: t.Apply) -> Iterator[str]:
        """The labels in their order, with those that are one keyword here taken together."""
        seen = set()
        for one in sorted(expr.arguments, key=lambda argument: argument.start):
            label = _together(one.label or "")
            if label and label not in seen:
                seen.add(label)
                yield label

    def _module_and_type(self, expr: t.Apply) -> tuple[t.Expr, t.Expr]:
        positional = [one.value for one in expr.arguments if one.label is None]
        if len(positional) != 2:
            raise CannotConvert(expr, "main or impl without the name and the type of its module")
        return positional[0], positional[1]

    def _runtime_args(self, given: dict[str, t.Expr]) -> PyExpr | None:
        """Boot-time arguments, after which come the keys that were boot options."""
        boot = [self._c.ref(local, local.line) for local in keys.listed_for_boot(self._c, given.get("keys"))]
        written = given.get("runtime_args")
        asked = self._c.analysis.followed(given["keys"]) if "keys" in given else None
        if isinstance(asked, (t.Match, t.If)) and written is None and self._c.dialect.before(4, 5):
            return self._c.emit(asked)
        if written is None:
            return Listed(line=boot[0].line, items=tuple(boot)) if boot else None
        made = self._c.emit(written)
        return made if not boot else both(made, Listed(line=made.line, items=tuple(boot)), made.line)

    def _tell_gone(self, module: t.Expr, type_: t.Expr, *, main: bool) -> None:
        """What it means for the OCaml code that functor parameters are gone."""
        params = _params(self._c.analysis.type_of(t.unopened(type_)))
        gone = [(at, name) for at, one in enumerate(params, 1) if (name := self._c.gone_name(one)) is not None]
        if not gone:
            return
        text = self._c.analysis.followed(module)
        name = text.text if isinstance(text, t.Str) else "the module"
        listed = _and([f"{at} ({what})" for at, what in gone])
        left = len(params) - len(gone)
        told = (
            "it is no functor any more"
            if left == 0
            else f"{left} {'parameter is' if left == 1 else 'parameters are'} left"
        )
        start = " and the arguments of start that stand for them" if main else ""
        self._c.report.add(
            module.line,
            "unikernel",
            f"{name} loses {'parameter' if len(gone) == 1 else 'parameters'} {listed}{start}: {told}",
            *dict.fromkeys(GONE_TYPES[what] for _, what in gone),
        )


_TOGETHER = {"packages_v": "packages", "keys": "runtime_args", "extra_deps": "deps", "install_v": "install"}


def _never_none(keywords: Keywords, expr: t.Apply) -> Keywords:
    """Lists that are passed on with `?packages` are empty where none were given."""
    perhaps = {_together(one.label) for one in expr.arguments if one.optional and one.label is not None}
    return [
        (name, Joined(line=value.line, operator="or", operands=(value, Listed(line=value.line, items=()))))
        if name in perhaps and isinstance(value, Ref)
        else (name, value)
        for name, value in keywords
    ]


def _together(label: str) -> str:
    return _TOGETHER.get(label, label)


def _params(type_: Type) -> list[Type]:
    """The module types of a functor type's parameters."""
    inner = argument_of(type_)
    found = []
    while isinstance(inner, Arrow):
        found.append(inner.param)
        inner = resolved(inner.result)
    return found


def _and(items: Iterable[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def _words(stanza: Stanza, line: int) -> PyExpr:
    if isinstance(stanza, str):
        return Text(line=line, parts=(stanza,))
    return Listed(line=line, items=tuple(_words(one, line) for one in stanza), tuple_=True)


def _negated(condition: PyExpr) -> PyExpr:
    if isinstance(condition, Joined) and condition.operator in ("is", "is not"):
        operator = "is not" if condition.operator == "is" else "is"
        return Joined(line=condition.line, operator=operator, operands=condition.operands)
    return Not(line=condition.line, value=condition)
