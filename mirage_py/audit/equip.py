"""What a toolchain that is here says to the audit: its libc, its runtime, its machine, its C archives."""

from __future__ import annotations

from mirage_py.dataclass import replace
from mirage_py.model.audit import AuditRequest
from mirage_py.model.toolchain import Toolchain


def with_toolchain(request: AuditRequest, toolchain: Toolchain) -> AuditRequest:
    """The same question, answered from this toolchain instead of from mpy's tables."""
    bindings = (toolchain.bindings,) if toolchain.bindings is not None else ()
    return replace(
        request,
        toolchain_archives=(*toolchain.runtime, *bindings),
        toolchain_folders=(toolchain.stdlib, *toolchain.libraries),
        machine=toolchain.architecture,
        declared=toolchain.generation == "pkg-config",
        compiler=(*toolchain.c_compiler, *toolchain.cflags, f"-I{toolchain.stdlib}") if toolchain.freestanding else (),
        compiler_path=toolchain.path,
    )
