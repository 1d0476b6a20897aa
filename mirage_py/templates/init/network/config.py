"""The unikernel @NAME@: a TCP server on whatever network stack the target has.

`mpy configure --net host` takes the sockets of the host, on unix; else the stack is OCaml, on a tap interface.
"""

from mirage_py import default_network, generic_stackv4v6, job, main, register, runtime_arg, stackv4v6

port = runtime_arg("Options.port", option="port")
unikernel = main("Unikernel.Main", stackv4v6 >> job, runtime_args=[port])

register("@NAME@", [unikernel(generic_stackv4v6(default_network))])
