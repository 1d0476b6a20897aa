"""The unikernel @NAME@: a name server for the zone that stands in zone.ml.

`mpy configure --net host` takes the sockets of the host, on unix; else the stack is OCaml, on a tap interface.
"""

from mirage_py import default_network, generic_stackv4v6, job, main, package, register, runtime_arg, stackv4v6

port = runtime_arg("Options.port", option="port")
unikernel = main(
    "Unikernel.Main",
    stackv4v6 >> job,
    runtime_args=[port],
    packages=[package("dns-server", sublibs=["", "mirage", "zone"], min="10.0.0"), package("mirage-crypto-rng")],
)

register("@NAME@", [unikernel(generic_stackv4v6(default_network))])
