"""The unikernel @NAME@: a web server with TLS.

`mpy configure --net host` takes the sockets of the host, on unix; else the stack is OCaml, on a tap interface. The
certificate is made at boot and signs itself: certificate.ml is the place for your own.
"""

from mirage_py import (
    cohttp_server,
    conduit_direct,
    default_network,
    generic_stackv4v6,
    http,
    job,
    main,
    package,
    register,
    runtime_arg,
)

host = runtime_arg("Options.host", option="host")
port = runtime_arg("Options.port", option="port")
unikernel = main(
    "Unikernel.Main", http >> job, runtime_args=[host, port], packages=[package("tls"), package("x509", min="1.0.0")]
)

stack = generic_stackv4v6(default_network)
register("@NAME@", [unikernel(cohttp_server(conduit_direct(stack, tls=True)))])
