"""Converted from config.ml."""

from typing import Any

from mirage_py import (
    Functor,
    RuntimeArg,
    block,
    block_of_file,
    impl,
    job,
    main,
    register,
    runtime_arg,
    typ,
)
from mirage_py.types import Block

store = typ("store")


# A store in memory, or one that starts from a folder.
def store_of(path: RuntimeArg | None) -> Functor[Block, Any]:
    return impl(
        "Store.Make",
        block >> store,
        runtime_args=[] if path is None else [path],
        connect='{module}.v "."'
        if path is None
        else '{module}.v (Option.value ~default:"." {rt0})',
    )


folder = runtime_arg("Unikernel.folder")

unikernel = main("Unikernel.Main", store >> store >> job)
disk = block_of_file("disk.img")

register("stores", [unikernel(store_of(None)(disk), store_of(folder)(disk))])
