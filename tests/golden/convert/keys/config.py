"""Converted from config.ml."""

from mirage_py import (
    block,
    block_of_file,
    block_of_xenstore_id,
    default_network,
    if_impl,
    job,
    key,
    main,
    match_impl,
    network,
    ramdisk,
    register,
)

secure = key.flag("secure", doc="Whether to answer over TLS.")

region = key.string("region", default="north", doc="where it runs", docv="PLACE")
tags = key.strings("tag", doc="words for it")
workers = key.integer("workers", required=True, doc="how many")
plain = main("Plain.Main", network >> job)
tls = main("Tls.Main", network >> job)
chosen = if_impl(secure, tls, plain)
disk = match_impl(
    key.target,
    {"xen": block_of_xenstore_id("51712"), "unix": ramdisk("disk")},
    default=block_of_file("disk.img"),
)
store = main("Store.Main", block >> job)
register("keys", [chosen(default_network), store(disk)])
