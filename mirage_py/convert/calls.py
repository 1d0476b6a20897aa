"""Applications: the verbs and devices of the OCaml language, and functions of the file's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mirage_py.convert import keys, lists, tree as t
from mirage_py.convert.analysis import Call
from mirage_py.convert.catalogue import Entry
from mirage_py.convert.connect import string_of
from mirage_py.convert.context import Context
from mirage_py.convert.devices import Devices
from mirage_py.convert.functors import Functors
from mirage_py.convert.handlers import with_default
from mirage_py.convert.library import LIBRARY
from mirage_py.convert.ocaml_types import Arrow, argument as argument_of, is_con
from mirage_py.convert.python import (
    Attribute,
    Builtin,
    Called,
    Constant,
    Imported,
    Item,
    Joined,
    Listed,
    Put,
    PyExpr,
    Text,
    mpy_call,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.values import Values
from mirage_py.convert.verb_types import BOOT_NAMES, FORMATS, PRINTERS
from mirage_py.convert.verbs import Verbs
from mirage_py.convert.words import word_of
from mirage_py.dataclass import replace

MOST_ARGUMENTS = 8
"""Functor arguments that the types of mpy follow in one call; further ones go into a second."""


class Calls:
    """What the walk asks whenever something is applied."""

    def __init__(self, context: Context, function_value: lists.FunctionValue) -> None:
        self._c = context
        self._devices = Devices(context)
        self._lists = lists.Lists(context, function_value)
        self._values = Values(context, self._lists)
        self.functors = Functors(context, self._values)
        self.verbs = Verbs(context)

    def prepare(self) -> None:
        """Look at the whole file first: which keys were boot options, what a `register` adds to every job."""
        self._c.boot_keys |= keys.boot_keys(self._c)
        for call in self._c.calls_of("register"):
            for argument in call.arguments:
                if argument.label in ("packages", "keys"):
                    self._c.register_extras[argument.label] = argument.value

    def wanted_first(self, item: t.Item) -> Iterable[Local]:
        """The definitions that one needs although they come later in the file: those `register` passes to every job."""
        if not self._c.register_extras:
            return
        mains = ("main", "foreign")
        if any(isinstance(node, t.Apply) and self._c.analysis.entry(node.function) in mains for node in t.nodes(item)):
            for extra in self._c.register_extras.values():
                for node in t.nodes(extra):
                    if isinstance(node, t.Var) and isinstance(local := self._c.analysis.symbols.get(node), Local):
                        yield local

    def binding(self, local: Local, value: t.Expr) -> PyExpr | None:
        """What a definition is made of where that is more than its value; the walk's own way where this is None."""
        create = keys.creation(self._c, value)
        if create is not None:
            if isinstance(value, t.Let):
                return None if local not in self._c.boot_keys else keys.boot_argument(self._c, local, create)
            return keys.boot_argument(self._c, local, create) if local in self._c.boot_keys else None
        return self._devices.binding(local, value)

    def is_dropped_key(self, local: Local) -> bool:
        """Whether a definition is a key that only a device asked for, which has a boot option of its own now."""
        if is_con(local.type, "list") and self._is_key_list(local):
            return True
        if self._devices.is_done(local):
            return True
        return local in self._c.boot_keys and not self._is_listed(local)

    def _is_key_list(self, local: Local) -> bool:
        return is_con(argument_of(local.type), "abstract_key")

    def _is_listed(self, local: Local) -> bool:
        """Whether a key is in a list of keys, and not an argument of devices alone."""
        asked = self._devices.asked_for
        return local.uses > sum(1 for one in asked if one is local)

    # -----------------------------------------------------------------------------------------------------------------

    def name(self, entry: Entry, expr: t.Var) -> PyExpr:
        """A name of the language, on its own."""
        line = expr.line
        if entry.change is not None:
            self._devices.changed(entry, expr)
        if entry.name in _KEYS:
            return Attribute(line=line, value=Imported(line=line, name="key"), name=_KEYS[entry.name])
        if entry.name.startswith("Runtime_arg.") and entry.name not in _VERBS:
            name = entry.name.removeprefix("Runtime_arg.")
            return Attribute(line=line, value=Imported(line=line, name="boot"), name=BOOT_NAMES.get(name, name))
        if entry.name in LIBRARY:
            return self._lists.name(entry.name, expr)
        if entry.name == "git_client" and self._is_mimic(expr):
            return Imported(line=line, name="mimic")
        if entry.python is not None:
            return Imported(line=line, name=entry.python)
        if entry.name in ("main", "impl", "package", "register", "typ", "runtime_arg", "if_impl"):
            return Imported(line=line, name=entry.name)
        raise CannotConvert(expr, f"{entry.name} is no name of the present language")

    def _is_mimic(self, expr: t.Var) -> bool:
        """Whether this type of before 4.3.2 is that of a connection to git's servers, which is a mimic now."""
        return is_con(argument_of(self._c.analysis.type_of(expr)), "mimic")

    def constructor(self, expr: t.Constructor) -> PyExpr:
        """A constructor or tag as a value."""
        if expr.name == "None" and not expr.tag:
            return Constant(line=expr.line, value=None)
        if expr.name == "Some" and expr.argument is not None:
            return self._c.emit(expr.argument)
        word = Text(line=expr.line, parts=(word_of(expr.name, tag=expr.tag),))
        tagged = self._c.analysis.variants.get(expr) in self._c.analysis.tagged
        if expr.argument is not None and not tagged and not expr.tag:
            raise CannotConvert(expr, f"the constructor {expr.name}")
        if expr.argument is not None:
            return Listed(line=expr.line, items=(word, self._c.emit(expr.argument)), tuple_=True)
        return Listed(line=expr.line, items=(word,), tuple_=True) if tagged and not expr.tag else word

    def apply(self, expr: t.Apply) -> PyExpr:
        """A function applied to arguments; `Key.(if_impl k) a b` is one call, however it is bracketed."""
        inner = t.unopened(expr.function)
        if isinstance(inner, t.Apply) and self._c.analysis.entry(inner.function) in _VERBS:
            return self.apply(replace(expr, function=inner.function, arguments=(*inner.arguments, *expr.arguments)))
        entry = self._c.analysis.entry(expr.function)
        if entry in FORMATS:
            return string_of(self._c, expr)
        if entry in _VERBS:
            return _VERBS[entry](self, expr)
        if entry in LIBRARY:
            return self._lists.apply(entry, expr)
        if isinstance(inner, t.Fun) and _is_plain(inner, expr) and len(inner.params) <= len(expr.arguments):
            return self._lists.applied(inner, expr, *(self._c.emit(one.value) for one in expr.arguments))
        symbol = self._c.analysis.symbol(t.unopened(expr.function))
        if isinstance(symbol, Entry):
            return self._devices.call(symbol, expr)
        return self._own(expr)

    def performed(self, expr: t.Apply, perform: Callable[[t.Expr], None]) -> bool:
        """An application for what it does, where it is one of the library's; whether it was."""
        entry = self._c.analysis.entry(expr.function)
        given = [argument.value for argument in expr.arguments if argument.label is None]
        line = expr.line
        if entry in ("List.iter", "List.iteri") and len(given) == 2:
            items = self._c.emit(given[1])
            self._lists.loop(given[0], items, expr, counted=entry == "List.iteri", perform=perform)
        elif entry in (":=", "incr", "decr"):
            cell = Item(line=line, value=self._c.emit(given[0]), index=Constant(line=line, value=0))
            one = Constant(line=line, value=1)
            value = (
                self._c.emit(given[1])
                if entry == ":="
                else Joined(line=line, operator="+" if entry == "incr" else "-", operands=(cell, one))
            )
            self._c.statements.append(Put(line=line, target=cell, value=value))
        elif entry in _PRINTS:
            end = _PRINTS[entry]
            keywords: tuple[tuple[str, PyExpr], ...] = () if end is None else (("end", Text(line=line, parts=(end,))),)
            args = tuple(self._printed(expr, given))
            self._c.say(Called(line=line, function=Builtin(line=line, name="print"), args=args, keywords=keywords))
        else:
            return False
        return True

    def _printed(self, expr: t.Apply, given: list[t.Expr]) -> Iterable[PyExpr]:
        if self._c.analysis.entry(expr.function) in PRINTERS:
            yield string_of(self._c, expr)
        elif given and not isinstance(given[0], t.Unit):
            yield self._c.emit(given[0])

    def reason(self, expr: t.Apply) -> PyExpr:
        """What a failure says."""
        given = expr.arguments[-1].value
        if isinstance(t.unopened(given), t.Constructor):
            return Text(line=expr.line, parts=(self._c.source.excerpt(given),))
        return self._c.emit(given)

    def _own(self, expr: t.Apply) -> PyExpr:
        """A function of the file's own."""
        call = self._c.analysis.calls.get(expr)
        function = self._c.emit(expr.function)
        if call is None or call.beyond:
            raise CannotConvert(expr, "an application of this form")
        args, keywords = self._passed(call)
        later = self._taken_later(expr, len(args)) if not keywords else 0
        if later:
            first = Called(line=expr.line, function=function, args=tuple(args[:-later]))
            return Called(line=expr.line, function=first, args=tuple(args[-later:]))
        wanted = [param for param in call.wanted if not param.optional and not self._c.is_gone(param.param)]
        wanted = [param for param in wanted if not is_con(param.param, "unit")]
        made = Called(line=expr.line, function=function, args=tuple(args), keywords=tuple(keywords))
        return made.begun() if wanted else made

    def _taken_later(self, expr: t.Apply, given: int) -> int:
        """How many of the arguments the function does not take itself: what it gives is a function that takes them."""
        symbol = self._c.analysis.symbol(t.unopened(expr.function))
        function = t.unopened(symbol.value) if isinstance(symbol, Local) and symbol.value is not None else None
        if not isinstance(function, t.Fun) or any(param.label for param in function.params):
            return 0
        last = t.unopened(function.body)
        units = sum(isinstance(one.pattern, t.Literal) and one.pattern.value is None for one in function.params)
        cases = isinstance(last, t.Match) and last.subject is None
        gone = sum(self._c.is_gone(self._c.analysis.type_of(one.pattern)) is not None for one in function.params)
        return max(0, given - len(function.params) + units + gone - cases)

    def _passed(self, call: Call) -> tuple[list[PyExpr], list[tuple[str, PyExpr]]]:
        args: list[PyExpr] = []
        keywords: list[tuple[str, PyExpr]] = []
        for param, argument in call.met:
            if self._c.is_gone(param.param) or self._is_unit(param, argument):
                continue
            value = self._c.emit(argument.value)
            if param.label is None:
                args.append(value)
            else:
                keywords.append((param.label, value))
        return args, keywords

    def _is_unit(self, param: Arrow, argument: t.Argument) -> bool:
        return is_con(param.param, "unit") or isinstance(argument.value, t.Unit)

    # -----------------------------------------------------------------------------------------------------------------
    # Operators

    def functor(self, expr: t.Chain) -> PyExpr:
        """`f $ a $ b`: the arguments that are none any more are left out."""
        head, *given = expr.operands
        if is_con(self._c.analysis.type_of(t.unopened(head)), "value"):
            return self._values.computed(head, given, expr.line)
        made = self._c.emit(head)
        args = [self._c.emit(one) for one in given if not self._c.is_gone_value(one)]
        while args:
            now = args if len(args) <= MOST_ARGUMENTS else args[:3]
            made = Called(line=expr.line, function=made, args=tuple(now))
            args = args[len(now) :]
        return made

    def arrow(self, expr: t.Chain) -> PyExpr:
        """`a @-> b`: the module types that are none any more are left out."""
        return self.verbs.arrow(expr)

    def text(self, expr: t.Chain) -> PyExpr:
        """`a ^ b`."""
        return string_of(self._c, expr)

    def compare(self, expr: t.Chain, operator: str) -> PyExpr:
        """A comparison."""
        if any(self._is_mode(one) for one in expr.operands):
            condition = self._mode(expr)
            if condition is not None:
                return condition
        return Joined(line=expr.line, operator=operator, operands=tuple(map(self._c.emit, expr.operands)))

    def _is_mode(self, expr: t.Expr) -> bool:
        """Whether an expression reads the environment variable by which the target was chosen."""
        found = self._c.analysis.followed(expr)
        if not isinstance(found, t.Apply) or self._c.analysis.entry(found.function) not in (
            "Sys.getenv",
            "Unix.getenv",
        ):
            return False
        name = self._c.analysis.followed(found.arguments[0].value)
        return isinstance(name, t.Str) and name.text in ("MODE", "MIRAGE_MODE")

    def _mode(self, expr: t.Chain) -> PyExpr | None:
        word = next((o for o in map(self._c.analysis.followed, expr.operands) if isinstance(o, t.Str)), None)
        if word is None:
            return None
        line = expr.line
        self._c.report.add(line, "dialect", "the target is asked for: what MODE says is not known when configuring")
        target = Attribute(line=line, value=Imported(line=line, name="key"), name="target")
        is_ = Attribute(line=line, value=target, name="is_")
        return Called(line=line, function=is_, args=(Text(line=line, parts=(word.text,)),))

    def if_(self, expr: t.If) -> PyExpr | None:
        """An `if` that the target decides: both devices are there until it is known."""
        condition = t.unopened(expr.condition)
        if (
            isinstance(condition, t.Chain)
            and condition.operator == "="
            and any(self._is_mode(one) for one in condition.operands)
            and expr.otherwise is not None
        ):
            args = tuple(map(self._c.emit, (condition, expr.then, expr.otherwise)))
            return mpy_call("if_impl", expr.line, args)
        return None

    def handled(self, expr: t.Match) -> PyExpr | None:
        """A `try` that is a call with a default; None for another."""
        return with_default(self._c, self._lists, expr)

    # -----------------------------------------------------------------------------------------------------------------
    # Verbs

    def itself(self, expr: t.Apply) -> PyExpr:
        """What only changes a type in OCaml."""
        if len(expr.arguments) != 1:
            raise CannotConvert(expr, "an application of this form")
        return self._c.emit(expr.arguments[0].value)

    def create(self, expr: t.Apply) -> PyExpr:
        """`Key.create`."""
        return keys.key(self._c, expr)

    def key_of_group(self, expr: t.Apply) -> PyExpr:
        """`Key.kv_ro ?group ()` and its like."""
        name = self._c.analysis.entry(expr.function).removeprefix("Key.")
        if name == "dhcp":
            raise CannotConvert(expr, "the key dhcp: it is no_dhcp now, and says the opposite")
        function = Attribute(line=expr.line, value=Imported(line=expr.line, name="key"), name=name)
        args = tuple(self._c.emit(one.value) for one in expr.arguments if one.label == "group")
        return Called(line=expr.line, function=function, args=args)

    def pure(self, expr: t.Apply) -> PyExpr:
        """`Key.pure`."""
        args = (self._c.emit(_exactly(expr, 1)[0]),)
        return mpy_call("pure", expr.line, args)

    def map_value(self, expr: t.Apply) -> PyExpr:
        """`Key.map f v`."""
        function, value = _exactly(expr, 2)
        return self._values.mapped(function, value, expr.line)

    def if_value(self, expr: t.Apply) -> PyExpr:
        """`Key.if_ condition a b`."""
        _exactly(expr, 3)
        return self._values.if_value(expr)

    def match_value(self, expr: t.Apply) -> PyExpr:
        """`Key.match_ v (function ...)`."""
        _exactly(expr, 2)
        return self._values.match_value(expr)

    def runtime_value(self, expr: t.Apply) -> PyExpr:
        """`failwith` and its like, where a value is wanted."""
        raise CannotConvert(expr, "a failure where a value is wanted")

    def getenv(self, expr: t.Apply) -> PyExpr:
        """`Sys.getenv`."""
        name = self._c.emit(expr.arguments[0].value)
        return Item(line=expr.line, value=_environ(expr.line), index=name)

    def getenv_opt(self, expr: t.Apply) -> PyExpr:
        """`Sys.getenv_opt`."""
        get = Attribute(line=expr.line, value=_environ(expr.line), name="get")
        return Called(line=expr.line, function=get, args=(self._c.emit(expr.arguments[0].value),))


def _exactly(expr: t.Apply, count: int) -> list[t.Expr]:
    """The arguments of a function that is given all that it takes."""
    if len(expr.arguments) != count:
        raise CannotConvert(expr, "an application of this form")
    return [argument.value for argument in expr.arguments]


def _is_plain(function: t.Fun, expr: t.Apply) -> bool:
    """Whether neither parameters nor arguments have labels."""
    return all(one.label is None for one in function.params) and all(one.label is None for one in expr.arguments)


def _environ(line: int) -> PyExpr:
    return Imported(line=line, name="environ", module="os")


_KEYS = {
    "Key.is_unix": "is_unix",
    "Key.is_solo5": "is_solo5",
    "Key.is_xen": "is_xen",
    "Key.is_unikraft": "is_unikraft",
    "Key.target": "target",
}

_VERBS: dict[str, Callable[[Calls, t.Apply], PyExpr]] = {
    "main": lambda calls, expr: calls.functors.main(expr),
    "foreign": lambda calls, expr: calls.functors.main(expr),
    "impl": lambda calls, expr: calls.functors.impl(expr),
    "package": lambda calls, expr: calls.verbs.package(expr),
    "register": lambda calls, expr: calls.verbs.register(expr),
    "typ": lambda calls, expr: calls.verbs.typ(expr),
    "Type.v": lambda calls, expr: calls.verbs.typ(expr),
    "if_impl": lambda calls, expr: calls.verbs.if_impl(expr),
    "match_impl": lambda calls, expr: calls.verbs.match_impl(expr),
    "runtime_arg": lambda calls, expr: calls.verbs.runtime_arg(expr),
    "Runtime_arg.create": lambda calls, expr: calls.verbs.runtime_arg(expr),
    **dict.fromkeys(
        (
            "Runtime_arg.v",
            "dep",
            "abstract",
            "Key.v",
            "Key.abstract",
            "key",
            "Key.value",
            "Fun.id",
            "Ipaddr.V4.Prefix.of_string_exn",
            "Ipaddr.V4.of_string_exn",
            "Ipaddr.V6.Prefix.of_string_exn",
            "Ipaddr.V6.of_string_exn",
            "Ipaddr.of_string_exn",
        ),
        Calls.itself,
    ),
    "Key.create": Calls.create,
    **dict.fromkeys(("Key.kv_ro", "Key.block", "Key.net", "Key.no_dhcp", "Key.utcp", "Key.dhcp"), Calls.key_of_group),
    "Key.pure": Calls.pure,
    "Key.map": Calls.map_value,
    "Key.if_": Calls.if_value,
    "Key.match_": Calls.match_value,
    "failwith": Calls.runtime_value,
    "invalid_arg": Calls.runtime_value,
    "Sys.getenv": Calls.getenv,
    "Unix.getenv": Calls.getenv,
    "Sys.getenv_opt": Calls.getenv_opt,
}

FAILURES = frozenset(("failwith", "invalid_arg", "raise"))
"""Functions that come to no end."""

_PRINTS = {
    "print_endline": None,
    "prerr_endline": None,
    "print_newline": None,
    "print_string": "",
    "prerr_string": "",
    **dict.fromkeys(PRINTERS, ""),
}
"""Functions that print -> what they print at the end; None for the end of a line."""
