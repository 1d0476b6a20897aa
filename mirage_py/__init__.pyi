"""The public names: which module each lives in. `mirage_py/__init__.py` loads them from there."""

__all__: list[str]

from ._version import __version__ as __version__
from .devices import boot as boot
from .devices.block import (
    block as block,
    block_of_file as block_of_file,
    block_of_xenstore_id as block_of_xenstore_id,
    ccm_block as ccm_block,
    generic_block as generic_block,
    ramdisk as ramdisk,
)
from .devices.clock import (
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
from .devices.conduit import (
    conduit as conduit,
    conduit_direct as conduit_direct,
    mimic as mimic,
    mimic_happy_eyeballs as mimic_happy_eyeballs,
    resolver as resolver,
    resolver_dns as resolver_dns,
    resolver_unix_system as resolver_unix_system,
)
from .devices.dns import (
    dns_client as dns_client,
    generic_dns_client as generic_dns_client,
    generic_happy_eyeballs as generic_happy_eyeballs,
    happy_eyeballs as happy_eyeballs,
)
from .devices.docteur import (
    docteur as docteur,
)
from .devices.git import (
    git_client as git_client,
    git_http as git_http,
    git_ssh as git_ssh,
    git_tcp as git_tcp,
    merge_git_clients as merge_git_clients,
)
from .devices.http import (
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
from .devices.ip import (
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
from .devices.job import (
    argv as argv,
    default_argv as default_argv,
    no_argv as no_argv,
    runtime_args as runtime_args,
)
from .devices.network import (
    arp as arp,
    arpv4 as arpv4,
    default_network as default_network,
    ethernet as ethernet,
    ethif as ethif,
    netif as netif,
    network as network,
)
from .devices.qubes import (
    default_qubesdb as default_qubesdb,
    qubesdb as qubesdb,
)
from .devices.random import (
    default_random as default_random,
    no_random as no_random,
    random as random,
)
from .devices.registration import (
    register as register,
)
from .devices.reporter import (
    default_reporter as default_reporter,
    no_reporter as no_reporter,
    reporter as reporter,
)
from .devices.stack import (
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
from .devices.store import (
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
from .devices.syslog import (
    monitoring as monitoring,
    syslog as syslog,
    syslog_tcp as syslog_tcp,
    syslog_tls as syslog_tls,
    syslog_udp as syslog_udp,
)
from .dsl import (
    key as key,
    scheduler as scheduler,
)
from .dsl.config import (
    allow as allow,
    override as override,
)
from .dsl.device import (
    Connect as Connect,
    Resource as Resource,
)
from .dsl.gaps import (
    Gaps as Gaps,
    fill as fill,
)
from .dsl.impl import (
    Functor as Functor,
    Impl as Impl,
    if_impl as if_impl,
    impl as impl,
    match_impl as match_impl,
    of_device as of_device,
)
from .dsl.job import (
    job as job,
    main as main,
    noop as noop,
)
from .dsl.ocaml import (
    ocaml_list as ocaml_list,
    ocaml_option as ocaml_option,
    ocaml_string as ocaml_string,
)
from .dsl.package import (
    Package as Package,
    Stubs as Stubs,
    package as package,
)
from .dsl.runtime_arg import (
    RuntimeArg as RuntimeArg,
    runtime_arg as runtime_arg,
)
from .dsl.scheduler import (
    Bridge as Bridge,
    MainLoop as MainLoop,
    Scheduler as Scheduler,
)
from .dsl.term import Device as Device
from .dsl.types import (
    FunctorType as FunctorType,
    ModuleType as ModuleType,
    typ as typ,
)
from .dsl.value import (
    Value as Value,
    both as both,
    pure as pure,
)
