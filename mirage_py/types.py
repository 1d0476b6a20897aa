"""Tags of the catalogue's module types, for annotations: `Impl[Network]`, `Functor[Network, Ethernet]`.

They are empty classes; the module types themselves (`network`, `ethernet`, ...) are values exported by `mirage_py`.
"""

from __future__ import annotations

from typing import Generic, TypeVar

V = TypeVar("V")


class Job: ...


class Argv: ...


class Reporter: ...


class Sleep: ...


class Ptime: ...


class Mtime: ...


class Random: ...


class Block: ...


class KvRo: ...


class KvRw: ...


class Network: ...


class Ethernet: ...


class Arpv4: ...


class V4:
    """Addresses of IP version 4."""


class V6:
    """Addresses of IP version 6."""


class V4V6:
    """Addresses of both versions."""


class Ip(Generic[V]): ...


class Udp(Generic[V]): ...


class Tcp(Generic[V]): ...


class Icmpv4: ...


class DhcpIpv4: ...


class Lease: ...


class Stackv4v6: ...


class Qubesdb: ...


class Resolver: ...


class HappyEyeballs: ...


class DnsClient: ...


class Syslog: ...


class Conduit: ...


class Mimic: ...


class Http: ...


class HttpClient: ...


class HttpServer: ...


class AlpnClient: ...


class GitClient: ...
