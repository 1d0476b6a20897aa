"""Block devices: disks of the host, the tender or the hypervisor, and disks in memory."""

from __future__ import annotations

from mirage_py.dsl import key
from mirage_py.dsl.device import Connect, Resource
from mirage_py.dsl.impl import Impl, impl, match_impl
from mirage_py.dsl.ocaml import ocaml_option, ocaml_string
from mirage_py.dsl.package import Package, bounded
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import typ
from mirage_py.dsl.value import Value
from mirage_py.dsl.xenstore import disk_id
from mirage_py.types import Block

block = typ(Block, signature="Mirage_block.S")


def block_of_file(file: str) -> Impl[Block]:
    """The disk named `file`: a file on unix, the manifest's device of that name on Solo5, a virtual disk on Xen."""

    def on_xen(c: Connect) -> str:
        return f"{c.module}.connect {ocaml_string(str(disk_id(c.unikernel.block_number(file))))}"

    xen = impl(
        "Block",
        block,
        packages=[bounded("mirage-block-xen", "mirage-block-xen.front")],
        resources=[Resource(kind="block", name=file)],
        connect=on_xen,
    )
    solo5 = _named("mirage-block-solo5", file, refusal=key.target.match({"muen": "Muen offers no block devices"}, None))
    unikraft = _named("mirage-block-unikraft", file)
    return match_impl(
        key.target,
        dict.fromkeys(("xen", "qubes"), xen)
        | dict.fromkeys(("hvt", "spt", "virtio", "genode", "muen"), solo5)
        | dict.fromkeys(("unikraft-firecracker", "unikraft-qemu"), unikraft),
        default=_named("mirage-block-unix", file),
    )


def _named(package: str, file: str, refusal: Value[str | None] | None = None) -> Impl[Block]:
    return impl(
        "Block",
        block,
        packages=[bounded(package)],
        resources=[Resource(kind="block", name=file)],
        connect=lambda c: f"{c.module}.connect {ocaml_string(file)}",
        refusal=refusal,
    )


def block_of_xenstore_id(id: str) -> Impl[Block]:  # noqa: A002  # the field's word
    """The Xen disk of this XenStore identifier: a number as text, or a path such as /dev/xvdi1."""
    return impl(
        "Block",
        block,
        packages=[bounded("mirage-block-xen", "mirage-block-xen.front")],
        resources=[Resource(kind="xenstore", name=id)],
        connect=lambda c: f"{c.module}.connect {ocaml_string(id)}",
        refusal=key.is_xen.map(lambda xen: None if xen else "only Xen and Qubes have XenStore identifiers"),
    )


def ramdisk(name: str) -> Impl[Block]:
    """A disk in memory, empty at boot."""
    return impl(
        "Ramdisk",
        block,
        packages=[Package(name="mirage-block-ramdisk", libraries=("mirage-block-ramdisk",))],
        connect=lambda c: f"{c.module}.connect ~name:{ocaml_string(name)}",
    )


def generic_block(name: str, *, group: str | None = None, key: Value[str] | None = None) -> Impl[Block]:
    """A disk of the kind that the key `--block` (or `key`) chooses: `xenstore`, `file` or `ramdisk`."""
    memory = ramdisk(name)
    kinds = {"xenstore": block_of_xenstore_id(name), "file": block_of_file(name), "ramdisk": memory}
    return match_impl(_block_key(group) if key is None else key, kinds, default=memory)


def _block_key(group: str | None) -> Value[str]:
    return key.block(group)


_ccm = block >> block


def ccm_block(secret: RuntimeArg, disk: Impl[Block], *, nonce_len: int | None = None) -> Impl[Block]:
    """`disk` encrypted with AES-CCM; the boot-time argument `secret` is the key in hexadecimal, 0x allowed in front.

    The Cmdliner term must give a `string`. `nonce_len` is in bytes. The releases of mirage-block-ccm are written for
    mirage-crypto 0.11, and `default_random` for 2: `register(..., random=no_random)`, and code of your own that sets a
    seeded `Mirage_crypto_rng.set_default_generator` before the first block is written.
    """

    def connect(c: Connect) -> str:
        length = ocaml_option(None if nonce_len is None else str(nonce_len))
        return (
            f"let key = {c.runtime_args[0]} in\n"
            "let key = match String.split_on_char 'x' key with [ \"0\"; digits ] -> digits | _ -> key in\n"
            f"{c.module}.connect ?nonce_len:{length} ~key:(Cstruct.of_hex key) {c.args[0]}"
        )

    functor = impl(
        "Block_ccm.Make", _ccm, packages=[bounded("mirage-block-ccm")], runtime_args=[secret], connect=connect
    )
    return functor(disk)
