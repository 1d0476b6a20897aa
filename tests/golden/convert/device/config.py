"""Converted from config.ml."""

from typing import Any

from mirage_py import (
    Functor,
    block,
    block_of_file,
    default_network,
    impl,
    job,
    main,
    network,
    ocaml_string,
    package,
    register,
    runtime_arg,
    typ,
)
from mirage_py.types import Network

counter = typ("counter")


def counter_direct(prefix: Any, *, group: Any = None) -> Functor[Network, Any]:
    return impl(
        "Counter.Make",
        network >> counter,
        packages=[package("counter", sublibs=["mirage"])],
        connect=lambda c: (
            f"{c.module}.connect ~prefix:{ocaml_string(prefix)} {c.args[0]}"
        ),
    )


secret = runtime_arg('Unikernel.secret ~default:"a{b}" ()')

connect = (
    "let {{ key; _ }} = {rt0} in\n"
    "{module}.connect ~key {arg0} >|= function\n"
    "| Ok x -> x\n"
    '| Error _ -> failwith "100%"'
)
sealed = impl("Sealed.Make", block >> block, runtime_args=[secret], connect=connect)

unikernel = main("Unikernel.Main", counter >> block >> job)
register(
    "device",
    [unikernel(counter_direct("n:")(default_network), sealed(block_of_file("disk")))],
)
