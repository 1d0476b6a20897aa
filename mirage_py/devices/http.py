"""HTTP servers and clients: cohttp, http/af and paf."""

from __future__ import annotations

from mirage_py.devices.conduit import conduit, mimic, resolver
from mirage_py.devices.stack import tcpv4v6
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import typ
from mirage_py.types import V4V6, AlpnClient, Conduit, Http, HttpClient, HttpServer, Mimic, Resolver, Tcp

http = typ(Http, signature="an HTTP server of cohttp or http/af")
http_client = typ(HttpClient, signature="Cohttp_lwt.S.Client")
http_server = typ(HttpServer, signature="Paf_mirage.S")
alpn_client = typ(AlpnClient, signature="Http_mirage_client.S")

_cohttp_server = impl(
    "Cohttp_mirage.Server.Make",
    conduit >> http,
    packages=[bounded("cohttp-mirage")],
    connect="Lwt.return ({module}.listen {arg0})",
)
_cohttp_client = impl(
    "Cohttp_mirage.Client.Make",
    resolver >> conduit >> http_client,
    packages=[bounded("cohttp-mirage")],
    connect="Lwt.return ({module}.ctx {arg0} {arg1})",
)
_paf_client = impl(
    "Http_mirage_client.Make",
    tcpv4v6 >> mimic >> alpn_client,
    packages=[bounded("http-mirage-client")],
    connect="{module}.connect {arg1}",
)


def cohttp_server(connections: Impl[Conduit]) -> Impl[Http]:
    """An HTTP server of cohttp."""
    return _cohttp_server(connections)


def cohttp_client(names: Impl[Resolver], connections: Impl[Conduit]) -> Impl[HttpClient]:
    """An HTTP client of cohttp, which resolves host names with `names`."""
    return _cohttp_client(names, connections)


def httpaf_server(connections: Impl[Conduit]) -> Impl[Http]:
    """An HTTP server of http/af. opam's own repository has no httpaf-mirage: a pin or another repository brings it."""
    return impl(
        "Httpaf_mirage.Server_with_conduit",
        http,
        packages=[Package(name="httpaf-mirage", libraries=("httpaf-mirage",))],
        extra_deps=[connections],
        connect="Lwt.return ({module}.listen {dep0})",
    )


def paf_server(tcp: Impl[Tcp[V4V6]], *, port: RuntimeArg) -> Impl[HttpServer]:
    """An HTTP server of paf; `port` is a boot-time argument that gives an `int`."""
    functor = impl(
        "Paf_mirage.Make",
        tcpv4v6 >> http_server,
        packages=[bounded("paf", "paf.mirage")],
        runtime_args=[port],
        connect="{module}.init ~port:{rt0} {arg0}",
    )
    return functor(tcp)


def paf_client(tcp: Impl[Tcp[V4V6]], connections: Impl[Mimic]) -> Impl[AlpnClient]:
    """An HTTP client of paf, which speaks HTTP/1.1 or HTTP/2 as the server prefers."""
    return _paf_client(tcp, connections)
