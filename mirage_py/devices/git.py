"""Ways to reach a git repository: its own protocol, SSH and HTTP."""

from __future__ import annotations

from collections.abc import Iterable

from mirage_py.devices import boot
from mirage_py.devices.conduit import mimic
from mirage_py.devices.stack import tcpv4v6
from mirage_py.dsl.impl import Impl, impl
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.types import typ
from mirage_py.types import V4V6, GitClient, Mimic, Tcp

git_client = typ(GitClient, signature="Mimic.ctx")

_OVER_TCP = tcpv4v6 >> mimic >> git_client

_merge = impl(
    "Mimic.Merge",
    git_client >> git_client >> git_client,
    packages=[Package(name="mimic", libraries=("mimic",))],
    connect="Lwt.return (Mimic.merge {arg0} {arg1})",
)
_tcp = impl("Git_net.TCP.Make", _OVER_TCP, packages=[bounded("git-net")], connect="{module}.connect {arg1}")


def merge_git_clients(first: Impl[GitClient], second: Impl[GitClient]) -> Impl[GitClient]:
    """A client that tries the ways of the first, then those of the second."""
    return _merge(first, second)


def git_tcp(tcp: Impl[Tcp[V4V6]], connections: Impl[Mimic]) -> Impl[GitClient]:
    """Repositories reached by git's own protocol."""
    return _tcp(tcp, connections)


def git_ssh(
    tcp: Impl[Tcp[V4V6]],
    connections: Impl[Mimic],
    *,
    group: str | None = None,
    key: str | None = None,
    password: str | None = None,
    authenticator: str | None = None,
) -> Impl[GitClient]:
    """Repositories reached by SSH; the settings are defaults of `--ssh-key` and its like, which a boot can override."""
    functor = impl(
        "Git_net.SSH.Make",
        _OVER_TCP,
        packages=[bounded("git-net")],
        runtime_args=[
            boot.ssh_key(key, group),
            boot.ssh_password(password, group),
            boot.ssh_authenticator(authenticator, group),
        ],
        # with_optionnal_key: spelled so in git-net
        connect="{module}.connect {arg1} >>= {module}.with_optionnal_key "
        "?authenticator:{rt2} ~key:{rt0} ~password:{rt1}",
    )
    return functor(tcp, connections)


def git_http(
    tcp: Impl[Tcp[V4V6]],
    connections: Impl[Mimic],
    *,
    group: str | None = None,
    authenticator: str | None = None,
    headers: Iterable[tuple[str, str]] | None = None,
) -> Impl[GitClient]:
    """Repositories reached by HTTP; the settings are defaults of `--tls-authenticator` and `--http-headers`."""
    functor = impl(
        "Git_net.HTTP.Make",
        _OVER_TCP,
        packages=[bounded("git-net")],
        runtime_args=[boot.tls_authenticator(authenticator, group), boot.http_headers(headers, group)],
        connect="{module}.connect {arg1} >>= {module}.with_optional_tls_config_and_headers "
        "?headers:{rt1} ?authenticator:{rt0}",
    )
    return functor(tcp, connections)
