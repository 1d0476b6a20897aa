"""The database through which Qubes tells a virtual machine what it is."""

from __future__ import annotations

from mirage_py.dsl import key
from mirage_py.dsl.impl import impl
from mirage_py.dsl.package import bounded
from mirage_py.dsl.types import typ
from mirage_py.types import Qubesdb

qubesdb = typ(Qubesdb, signature="Qubes.DB")

default_qubesdb = impl(
    "Qubes.DB",
    qubesdb,
    packages=[bounded("mirage-qubes")],
    connect="{module}.connect ~domid:0 ()",
    refusal=key.is_xen.map(lambda xen: None if xen else "only Qubes and Xen have a Qubes database"),
)
"""The Qubes database of this virtual machine."""
