"""Log lines and measurements sent to a server: syslog over UDP, TCP and TLS, and monitoring."""

from __future__ import annotations

from mirage_py.devices import boot
from mirage_py.devices.stack import stackv4v6
from mirage_py.devices.store import kv_ro
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.job import job
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import typ
from mirage_py.types import Job, KvRo, Stackv4v6, Syslog

syslog = typ(Syslog, signature="unit: installing the reporter is what it does")

_UNLESS_GIVEN = """match {rt0} with
| None ->
  Logs.warn (fun m -> m "no syslog server is given, logs go to the console");
  Lwt.return_unit
| Some server ->
"""

_NOW = (
    _UNLESS_GIVEN
    + """  let hostname = Mirage_runtime.name () in
  let reporter = {module}.create {arg0} ~hostname ~port:{rt1} server ?truncate:{rt2} () in
  Logs.set_reporter reporter;
  Lwt.return_unit"""
)

_AWAITED = """  let hostname = Mirage_runtime.name () in
  {module}.create CREATE () >|= function
  | Ok reporter -> Logs.set_reporter reporter
  | Error message -> invalid_arg message"""

_TCP = _UNLESS_GIVEN + _AWAITED.replace("CREATE", "{arg0} ~hostname ~port:{rt1} server ?truncate:{rt2}")
_TLS = _UNLESS_GIVEN + _AWAITED.replace(
    "CREATE", "{arg0} {arg1} ~hostname ~port:{rt1} server ?truncate:{rt2} ?keyname:{rt3}"
)


def _package(*libraries: str) -> Package:
    return bounded("logs-syslog", "logs-syslog.mirage", *libraries)


def _options(group: str | None) -> list[RuntimeArg]:
    return [boot.syslog(None, group), boot.syslog_port(None, group), boot.syslog_truncate(None, group)]


def syslog_udp(stack: Impl[Stackv4v6], *, group: str | None = None) -> Impl[Syslog]:
    """Log lines sent to the server of `--syslog` over UDP; without one they stay on the console."""
    functor = impl(
        "Logs_syslog_mirage.Udp",
        stackv4v6 >> syslog,
        packages=[_package()],
        runtime_args=_options(group),
        connect=_NOW,
    )
    return functor(stack)


def syslog_tcp(stack: Impl[Stackv4v6], *, group: str | None = None) -> Impl[Syslog]:
    """Log lines sent to the server of `--syslog` over TCP; without one they stay on the console."""
    functor = impl(
        "Logs_syslog_mirage.Tcp",
        stackv4v6 >> syslog,
        packages=[_package()],
        runtime_args=_options(group),
        connect=_TCP,
    )
    return functor(stack)


def syslog_tls(stack: Impl[Stackv4v6], keys: Impl[KvRo], *, group: str | None = None) -> Impl[Syslog]:
    """Log lines sent to the server of `--syslog` over TLS; `keys` holds private key, certificate and trust anchor."""
    functor = impl(
        "Logs_syslog_mirage_tls.Tls",
        stackv4v6 >> kv_ro >> syslog,
        packages=[_package("logs-syslog.mirage.tls")],
        runtime_args=[*_options(group), boot.syslog_keyname(None, group)],
        connect=_TLS,
    )
    return functor(stack, keys)


_MONITORING = """(match {rt0} with
| None -> Logs.warn (fun m -> m "no monitoring server is given")
| Some ip -> {module}.create ip ~hostname:(Mirage_runtime.name ()) {arg0});
Lwt.return_unit"""


def monitoring(stack: Impl[Stackv4v6], *, group: str | None = None) -> Impl[Job]:
    """A job that sends measurements to the server of `--monitor`."""
    functor = impl(
        "Mirage_monitoring.Make",
        stackv4v6 >> job,
        packages=[bounded("mirage-monitoring")],
        runtime_args=[boot.monitor(None, group)],
        connect=_MONITORING,
    )
    return functor(stack)
