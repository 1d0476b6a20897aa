"""Devices of the catalogue, called as mpy has them; what older releases said otherwise is brought to the present."""

from __future__ import annotations

from typing import Final

from mirage_py.convert import tree as t
from mirage_py.convert.catalogue import Entry
from mirage_py.convert.context import Context
from mirage_py.convert.keys import key_local
from mirage_py.convert.ocaml_types import Arrow, Con, impl_type, is_con, resolved
from mirage_py.convert.python import Assign, Attribute, Called, Constant, Imported, PyExpr, Ref, mpy_call
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local

_OPTIONS: Final = {
    ("git_ssh", "key"): "ssh-key",
    ("git_ssh", "password"): "ssh-password",
    ("git_ssh", "authenticator"): "ssh-authenticator",
    ("git_http", "authenticator"): "tls-authenticator",
    ("git_http", "headers"): "http-headers",
    ("generic_dns_client", "nameservers"): "dns-servers",
    ("generic_dns_client", "timeout"): "dns-timeout",
    ("generic_dns_client", "cache_size"): "dns-cache-size",
    ("resolver_dns", "ns"): "resolver",
} | {
    ("generic_happy_eyeballs", name): f"he-{name.replace('_', '-')}"
    for name in (
        "aaaa_timeout",
        "connect_delay",
        "connect_timeout",
        "resolve_timeout",
        "resolve_retries",
        "timer_interval",
    )
}
"""Arguments that were keys or boot-time arguments before 4.8 -> the boot options of the devices now."""

_DHCP = "4.10.5 made DHCP the default of every network stack: give --no-dhcp when configuring for static addresses"
_V4V6 = "stacks of one version are gone (4.3): this one serves both, and the functor takes Tcpip.Stack.V4V6"
_CHANGES: Final = {
    "v4v6": _V4V6,
    "default_network": "tap0 is default_network now: each target's own interface",
    "tar_kv_ro": "archive is tar_kv_ro now",
    "fat_ro": "fat is fat_ro now, a read-only store at once",
}


class Devices:
    """Calls of the catalogue's functions."""

    def __init__(self, context: Context) -> None:
        self._c = context
        self._settled: set[Local] = set()
        self.asked_for = [local for local in self._keys_of_devices() if local is not None]

    def _keys_of_devices(self) -> list[Local | None]:
        """The keys that devices are given, once for each time."""
        found = []
        for node in self._c.source.nodes():
            if isinstance(node, t.Apply):
                name = self._c.analysis.entry(node.function)
                found += [
                    key_local(self._c, argument.value)
                    for argument in node.arguments
                    if (name, argument.label or "") in _OPTIONS
                ]
        return found

    def is_done(self, local: Local) -> bool:
        """Whether a definition was made already, with another."""
        return local in self._settled

    def changed(self, entry: Entry, node: t.Node) -> None:
        """Say what a name that is gone stands for now."""
        if entry.change is not None:
            self._c.report.once(node.line, "dialect", _CHANGES[entry.change])

    # -----------------------------------------------------------------------------------------------------------------

    def call(self, entry: Entry, expr: t.Apply) -> PyExpr:
        """A function of the catalogue applied."""
        self.changed(entry, expr)
        if entry.name in ("generic_stackv4v6", "generic_stackv4", "generic_stackv6") and self._c.dialect.before(
            4, 10, 5
        ):
            self._c.report.once(expr.line, "boot", _DHCP)
        if entry.name.startswith("Runtime_arg."):
            return self._boot(entry, expr)
        if entry.name == "default_reporter":
            return self._reporter(expr)
        if self._c.dialect.before(4, 6) and entry.name in _TURNED:
            return self._turned(entry, expr)
        if entry.name == "kv_ro_of_fs":
            return self._c.emit(expr.arguments[0].value)
        if entry.name == "http_server":
            self._c.report.once(expr.line, "dialect", "http_server is cohttp_server now")
            entry = Entry(name="cohttp_server", type=entry.type, python="cohttp_server")
        made = self._called(entry, expr)
        if entry.name == "ipv4_of_dhcp" and (self._c.dialect.before(4, 10, 5) or self._is_ipv4(expr)):
            return mpy_call("dhcp_proj_ipv4", expr.line, (made,))
        return made

    def _is_ipv4(self, expr: t.Expr) -> bool:
        """Whether a lease is used as the address that it was before 4.10.5."""
        found = impl_type(self._c.analysis.type_of(expr))
        return found is not None and is_con(found, "ip")

    def _called(self, entry: Entry, expr: t.Apply) -> PyExpr:
        if entry.python is None:
            raise CannotConvert(expr, f"{entry.name} has no counterpart here")
        call = self._c.analysis.calls.get(expr)
        if call is None or call.beyond:
            raise CannotConvert(expr, f"{entry.name} takes no such arguments in a release before {entry.name}")
        args: list[PyExpr] = []
        keywords: list[tuple[int, str, PyExpr]] = []
        for param, argument in call.met:
            if self._c.is_gone(param.param) or is_con(param.param, "unit"):
                continue
            if param.label is None:
                args.append(self._c.emit(argument.value))
            else:
                keywords += [(argument.start, *pair) for pair in self._keyword(entry, param, argument)]
        ordered = tuple((name, value) for _, name, value in sorted(keywords, key=lambda one: one[0]))
        wanted = [
            p for p in call.wanted if not p.optional and not is_con(p.param, "unit") and not self._c.is_gone(p.param)
        ]
        made = mpy_call(entry.python, expr.line, tuple(args), ordered)
        return made.begun() if wanted else made

    def _keyword(self, entry: Entry, param: Arrow, argument: t.Argument) -> list[tuple[str, PyExpr]]:
        label = param.label or ""
        if label in entry.drops:
            self._c.report.add(argument.line, "dropped", f"~{label} of {entry.name} is gone: {entry.drops[label]}")
            return []
        if (entry.name, label) in _OPTIONS and self._is_key(argument.value):
            option = _OPTIONS[entry.name, label]
            self._c.report.add(
                argument.line, "boot", f"{entry.name} has the boot option --{option} by itself now, for ~{label}"
            )
            return []
        if is_con(param.param, "option") and label in ("config", "ipv4_config", "ipv6_config"):
            return self._addresses(label, argument)
        if entry.name.startswith("syslog_") and label in ("config", "console"):
            self._c.report.add(argument.line, "dropped", f"~{label} of {entry.name} is gone: boot options say it now")
            return []
        return [(entry.keywords.get(label, label), self._c.emit(argument.value))]

    def _is_key(self, expr: t.Expr) -> bool:
        type_ = self._c.analysis.type_of(t.unopened(expr))
        if isinstance(type_, Con) and type_.name == "option":
            type_ = resolved(type_.args[0])
        return isinstance(type_, Con) and type_.name in ("key", "runtime_arg", "abstract_key", "abstract_runtime_arg")

    def _addresses(self, label: str, argument: t.Argument) -> list[tuple[str, PyExpr]]:
        """The addresses of a record, as defaults of the boot options."""
        record = self._c.analysis.followed(argument.value)
        while isinstance(record, t.Let):
            for binding in record.bindings:
                if isinstance(binding.pattern, t.Name):
                    self._c.inlined[self._c.analysis.locals[binding.pattern]] = binding.value
            record = self._c.analysis.followed(record.body)
        if not isinstance(record, t.Record):
            raise CannotConvert(argument, "addresses that are not written here")
        version = "ipv6" if label == "ipv6_config" else "ipv4"
        found = []
        for name, value in record.fields:
            if name not in ("network", "gateway"):
                raise CannotConvert(value, f"the field {name} of addresses")
            made = self._c.emit(value)
            if not (isinstance(made, Constant) and made.value is None):
                found.append((f"{version}_{name}", made))
        return found

    def _boot(self, entry: Entry, expr: t.Apply) -> PyExpr:
        """A boot-time argument of the catalogue's."""
        from mirage_py.convert.verb_types import BOOT_NAMES

        name = entry.name.removeprefix("Runtime_arg.")
        args, keywords = [], []
        for argument in expr.arguments:
            if argument.label == "group":
                keywords.append(("group", self._c.emit(argument.value)))
            elif argument.label is None and not isinstance(argument.value, t.Unit):
                args.append(self._c.emit(argument.value))
        boot = Attribute(line=expr.line, value=Imported(line=expr.line, name="boot"), name=BOOT_NAMES.get(name, name))
        return Called(line=expr.line, function=boot, args=tuple(args), keywords=tuple(keywords))

    def _reporter(self, expr: t.Apply) -> PyExpr:
        keywords: list[tuple[str, PyExpr]] = []
        for argument in expr.arguments:
            if argument.label == "level":
                keywords.append(("level", self._c.emit(argument.value)))
            elif argument.label == "ring_size":
                self._c.report.add(argument.line, "dropped", "~ring_size of default_reporter is gone")
        return mpy_call("default_reporter", expr.line, keywords=tuple(keywords))

    # -----------------------------------------------------------------------------------------------------------------
    # Before 4.6 the DNS client came first, and happy eyeballs were made from it

    def binding(self, local: Local, value: t.Expr) -> PyExpr | None:
        """A DNS client of before 4.6: the happy eyeballs that it is made from now come first."""
        if not self._c.dialect.before(4, 6) or not isinstance(value, t.Apply):
            return None
        if self._c.analysis.entry(value.function) != "generic_dns_client":
            return None
        eyeballs, made = self._eyeballs_for(local, value)
        self._c.statements.append(Assign(line=value.line, targets=(eyeballs,), value=made))
        reference = Ref(line=value.line, local=eyeballs)
        self._c.eyeballs[local] = reference
        return self._client(value, reference)

    def _eyeballs_for(self, client: Local, value: t.Apply) -> tuple[Local, PyExpr]:
        """The file's own happy eyeballs of this client where it names them, else new ones."""
        for pattern, local in self._c.analysis.locals.items():
            made = None if local.value is None else t.unopened(local.value)
            if isinstance(pattern, t.Name) and isinstance(made, t.Apply) and self._makes_eyeballs(made, client):
                self._settled.add(local)
                local.top = client.top
                return local, self._eyeballs(made)
        fresh = Local(
            name="happy_eyeballs", line=value.line, type=Con("impl", (Con("happy_eyeballs"),)), top=client.top
        )
        stack = next(argument for argument in value.arguments if argument.label is None)
        return fresh, self._new_eyeballs(stack.value)

    def _makes_eyeballs(self, expr: t.Apply, client: Local) -> bool:
        if self._c.analysis.entry(expr.function) != "generic_happy_eyeballs":
            return False
        return any(self._c.analysis.symbol(t.unopened(one.value)) is client for one in expr.arguments)

    def _eyeballs(self, expr: t.Apply) -> PyExpr:
        """Happy eyeballs without the DNS client."""
        call = self._c.analysis.calls[expr]
        entry = Entry(name="generic_happy_eyeballs", type="unit", python="generic_happy_eyeballs")
        args = [self._c.emit(a.value) for p, a in call.met if p.label is None and not is_con_impl(p, "dns_client")]
        keywords = [
            pair
            for param, argument in call.met
            if param.label is not None and not self._c.is_gone(param.param)
            for pair in self._keyword(entry, param, argument)
        ]
        function = Imported(line=expr.line, name="generic_happy_eyeballs")
        return Called(line=expr.line, function=function, args=tuple(args), keywords=tuple(keywords))

    def _new_eyeballs(self, stack: t.Expr) -> PyExpr:
        function = Imported(line=stack.line, name="generic_happy_eyeballs")
        return Called(line=stack.line, function=function, args=(self._c.emit(stack),))

    def _client(self, expr: t.Apply, eyeballs: PyExpr) -> PyExpr:
        entry = Entry(name="generic_dns_client", type="unit", python="generic_dns_client")
        made = self._called(entry, expr)
        assert isinstance(made, Called)
        self._c.report.once(
            expr.line, "dialect", "4.6 turned an order round: happy eyeballs come first, a DNS client is made from them"
        )
        return Called(line=made.line, function=made.function, args=(*made.args, eyeballs), keywords=made.keywords)

    def _turned(self, entry: Entry, expr: t.Apply) -> PyExpr:
        positional = [argument.value for argument in expr.arguments if argument.label is None]
        if entry.name == "generic_dns_client":
            return self._client(expr, self._new_eyeballs(positional[0]))
        if entry.name == "generic_happy_eyeballs":
            client = self._c.analysis.symbol(t.unopened(positional[-1]))
            if isinstance(client, Local) and client in self._c.eyeballs:
                return self._c.eyeballs[client]
            raise CannotConvert(expr, "happy eyeballs of a DNS client that is not defined by name before (see 4.6)")
        if len(positional) != 3:
            raise CannotConvert(expr, f"{entry.name} without all of its arguments")
        stack, dns, eyeballs = map(self._c.emit, positional)
        function = Imported(line=expr.line, name="mimic_happy_eyeballs")
        return Called(line=expr.line, function=function, args=(stack, eyeballs, dns))


_TURNED = ("generic_dns_client", "generic_happy_eyeballs", "mimic_happy_eyeballs", "git_happy_eyeballs")


def is_con_impl(param: Arrow, name: str) -> bool:
    """Whether a parameter is an implementation of this module type."""
    type_ = resolved(param.param)
    return isinstance(type_, Con) and type_.name == "impl" and is_con(type_.args[0], name)
