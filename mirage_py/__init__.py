"""What a config.py imports: verbs, device names, module types and keys.

Names load when they are used, so that a configuration pays for the families of devices it mentions and no others.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mirage_py._version import __version__ as __version__

if TYPE_CHECKING:
    from mirage_py.devices import boot as boot
    from mirage_py.devices.block import (
        block as block,
        block_of_file as block_of_file,
        block_of_xenstore_id as block_of_xenstore_id,
        ccm_block as ccm_block,
        generic_block as generic_block,
        ramdisk as ramdisk,
    )
    from mirage_py.devices.clock import (
        default_mtime as default_mtime,
        default_ptime as default_ptime,
        default_sleep as default_sleep,
        mock_mtime as mock_mtime,
        mock_ptime as mock_ptime,
        mtime as mtime,
        no_mtime as no_mtime,
        no_ptime as no_ptime,
        no_sleep as no_sleep,
        ptime as ptime,
        sleep as sleep,
    )
    from mirage_py.devices.conduit import (
        conduit as conduit,
        conduit_direct as conduit_direct,
        mimic as mimic,
        mimic_happy_eyeballs as mimic_happy_eyeballs,
        resolver as resolver,
        resolver_dns as resolver_dns,
        resolver_unix_system as resolver_unix_system,
    )
    from mirage_py.devices.dns import (
        dns_client as dns_client,
        generic_dns_client as generic_dns_client,
        generic_happy_eyeballs as generic_happy_eyeballs,
        happy_eyeballs as happy_eyeballs,
    )
    from mirage_py.devices.docteur import (
        docteur as docteur,
    )
    from mirage_py.devices.git import (
        git_client as git_client,
        git_http as git_http,
        git_ssh as git_ssh,
        git_tcp as git_tcp,
        merge_git_clients as merge_git_clients,
    )
    from mirage_py.devices.http import (
        alpn_client as alpn_client,
        cohttp_client as cohttp_client,
        cohttp_server as cohttp_server,
        http as http,
        http_client as http_client,
        http_server as http_server,
        httpaf_server as httpaf_server,
        paf_client as paf_client,
        paf_server as paf_server,
    )
    from mirage_py.devices.ip import (
        DhcpRequests as DhcpRequests,
        add_dhcp_request as add_dhcp_request,
        create_ipv4 as create_ipv4,
        create_ipv4v6 as create_ipv4v6,
        create_ipv6 as create_ipv6,
        dhcp_ipv4 as dhcp_ipv4,
        dhcp_proj_ipv4 as dhcp_proj_ipv4,
        dhcp_proj_lease as dhcp_proj_lease,
        dhcp_proj_net as dhcp_proj_net,
        ipv4 as ipv4,
        ipv4_of_dhcp as ipv4_of_dhcp,
        ipv4_qubes as ipv4_qubes,
        ipv4v6 as ipv4v6,
        ipv6 as ipv6,
        lease as lease,
        make_dhcp_requests as make_dhcp_requests,
        no_lease as no_lease,
    )
    from mirage_py.devices.job import (
        argv as argv,
        default_argv as default_argv,
        no_argv as no_argv,
        runtime_args as runtime_args,
    )
    from mirage_py.devices.network import (
        arp as arp,
        arpv4 as arpv4,
        default_network as default_network,
        ethernet as ethernet,
        ethif as ethif,
        netif as netif,
        network as network,
    )
    from mirage_py.devices.qubes import (
        default_qubesdb as default_qubesdb,
        qubesdb as qubesdb,
    )
    from mirage_py.devices.random import (
        default_random as default_random,
        no_random as no_random,
        random as random,
    )
    from mirage_py.devices.registration import (
        register as register,
    )
    from mirage_py.devices.reporter import (
        default_reporter as default_reporter,
        no_reporter as no_reporter,
        reporter as reporter,
    )
    from mirage_py.devices.stack import (
        direct_stackv4v6 as direct_stackv4v6,
        direct_tcp as direct_tcp,
        direct_udp as direct_udp,
        generic_stackv4v6 as generic_stackv4v6,
        generic_stackv4v6_with_lease as generic_stackv4v6_with_lease,
        icmpv4 as icmpv4,
        socket_stackv4v6 as socket_stackv4v6,
        stackv4v6 as stackv4v6,
        tcpv4v6 as tcpv4v6,
        tcpv4v6_of_stackv4v6 as tcpv4v6_of_stackv4v6,
        udpv4v6 as udpv4v6,
    )
    from mirage_py.devices.store import (
        chamelon as chamelon,
        crunch as crunch,
        direct_kv_ro as direct_kv_ro,
        direct_kv_rw as direct_kv_rw,
        fat_ro as fat_ro,
        generic_kv_ro as generic_kv_ro,
        kv_ro as kv_ro,
        kv_rw as kv_rw,
        kv_rw_mem as kv_rw_mem,
        tar_kv_ro as tar_kv_ro,
        tar_kv_rw as tar_kv_rw,
    )
    from mirage_py.devices.syslog import (
        monitoring as monitoring,
        syslog as syslog,
        syslog_tcp as syslog_tcp,
        syslog_tls as syslog_tls,
        syslog_udp as syslog_udp,
    )
    from mirage_py.dsl import key as key
    from mirage_py.dsl.config import (
        allow as allow,
        override as override,
    )
    from mirage_py.dsl.device import (
        Connect as Connect,
        Device as Device,
        Resource as Resource,
    )
    from mirage_py.dsl.impl import (
        Functor as Functor,
        Impl as Impl,
        if_impl as if_impl,
        impl as impl,
        match_impl as match_impl,
        of_device as of_device,
    )
    from mirage_py.dsl.job import (
        job as job,
        main as main,
        noop as noop,
    )
    from mirage_py.dsl.ocaml import (
        ocaml_list as ocaml_list,
        ocaml_option as ocaml_option,
        ocaml_string as ocaml_string,
    )
    from mirage_py.dsl.package import (
        Package as Package,
        Stubs as Stubs,
        package as package,
    )
    from mirage_py.dsl.runtime_arg import (
        RuntimeArg as RuntimeArg,
        runtime_arg as runtime_arg,
    )
    from mirage_py.dsl.types import (
        FunctorType as FunctorType,
        ModuleType as ModuleType,
        typ as typ,
    )
    from mirage_py.dsl.value import (
        Value as Value,
        both as both,
        pure as pure,
    )

_HOMES = {
    "devices.block": (
        "block",
        "block_of_file",
        "block_of_xenstore_id",
        "ccm_block",
        "generic_block",
        "ramdisk",
    ),
    "devices.clock": (
        "default_mtime",
        "default_ptime",
        "default_sleep",
        "mock_mtime",
        "mock_ptime",
        "mtime",
        "no_mtime",
        "no_ptime",
        "no_sleep",
        "ptime",
        "sleep",
    ),
    "devices.conduit": (
        "conduit",
        "conduit_direct",
        "mimic",
        "mimic_happy_eyeballs",
        "resolver",
        "resolver_dns",
        "resolver_unix_system",
    ),
    "devices.dns": (
        "dns_client",
        "generic_dns_client",
        "generic_happy_eyeballs",
        "happy_eyeballs",
    ),
    "devices.docteur": ("docteur",),
    "devices.git": (
        "git_client",
        "git_http",
        "git_ssh",
        "git_tcp",
        "merge_git_clients",
    ),
    "devices.http": (
        "alpn_client",
        "cohttp_client",
        "cohttp_server",
        "http",
        "http_client",
        "http_server",
        "httpaf_server",
        "paf_client",
        "paf_server",
    ),
    "devices.ip": (
        "DhcpRequests",
        "add_dhcp_request",
        "create_ipv4",
        "create_ipv4v6",
        "create_ipv6",
        "dhcp_ipv4",
        "dhcp_proj_ipv4",
        "dhcp_proj_lease",
        "dhcp_proj_net",
        "ipv4",
        "ipv4_of_dhcp",
        "ipv4_qubes",
        "ipv4v6",
        "ipv6",
        "lease",
        "make_dhcp_requests",
        "no_lease",
    ),
    "devices.job": (
        "argv",
        "default_argv",
        "no_argv",
        "runtime_args",
    ),
    "devices.network": (
        "arp",
        "arpv4",
        "default_network",
        "ethernet",
        "ethif",
        "netif",
        "network",
    ),
    "devices.qubes": (
        "default_qubesdb",
        "qubesdb",
    ),
    "devices.random": (
        "default_random",
        "no_random",
        "random",
    ),
    "devices.reporter": (
        "default_reporter",
        "no_reporter",
        "reporter",
    ),
    "devices.stack": (
        "direct_stackv4v6",
        "direct_tcp",
        "direct_udp",
        "generic_stackv4v6",
        "generic_stackv4v6_with_lease",
        "icmpv4",
        "socket_stackv4v6",
        "stackv4v6",
        "tcpv4v6",
        "tcpv4v6_of_stackv4v6",
        "udpv4v6",
    ),
    "devices.store": (
        "chamelon",
        "crunch",
        "direct_kv_ro",
        "direct_kv_rw",
        "fat_ro",
        "generic_kv_ro",
        "kv_ro",
        "kv_rw",
        "kv_rw_mem",
        "tar_kv_ro",
        "tar_kv_rw",
    ),
    "devices.syslog": (
        "monitoring",
        "syslog",
        "syslog_tcp",
        "syslog_tls",
        "syslog_udp",
    ),
    "devices.registration": ("register",),
    "dsl.config": (
        "allow",
        "override",
    ),
    "dsl.job": (
        "job",
        "main",
        "noop",
    ),
    "dsl.device": (
        "Connect",
        "Device",
        "Resource",
    ),
    "dsl.impl": (
        "Functor",
        "Impl",
        "if_impl",
        "impl",
        "match_impl",
        "of_device",
    ),
    "dsl.ocaml": (
        "ocaml_list",
        "ocaml_option",
        "ocaml_string",
    ),
    "dsl.package": (
        "Package",
        "Stubs",
        "package",
    ),
    "dsl.runtime_arg": (
        "RuntimeArg",
        "runtime_arg",
    ),
    "dsl.types": (
        "FunctorType",
        "ModuleType",
        "typ",
    ),
    "dsl.value": (
        "Value",
        "both",
        "pure",
    ),
}
"""Module below mirage_py -> the public names that live there."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {"boot": "devices.boot", "key": "dsl.key"}

__all__ = ["__version__", *_HOME_OF, *_MODULES]  # noqa: PLE0604  # strings, from the table above


def __getattr__(name: str) -> Any:  # any: whatever the name stands for
    if name in _MODULES:
        return _imported(_MODULES[name])
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(_imported(_HOME_OF[name]), name)
    globals()[name] = found
    return found


def _imported(module: str) -> Any:  # any: what the module has
    """The module, with its bytecode kept as ever: a config.py that is being loaded leaves none of its own."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    try:
        return import_module(f"mirage_py.{module}")
    finally:
        sys.dont_write_bytecode = before


def __dir__() -> list[str]:
    return sorted(__all__)
