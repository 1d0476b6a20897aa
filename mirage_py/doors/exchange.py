"""Two names that change places in one step: what a reader sees is the one or the other, never neither.

Python has no call for it. Linux has renameat2(2) with RENAME_EXCHANGE, macOS renameatx_np(2) with RENAME_SWAP.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Final

__all__ = ["exchange"]

_SWAP: Final = 2
"""RENAME_EXCHANGE on Linux; macOS has the same number for RENAME_SWAP."""

_UNABLE: Final = frozenset(
    (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV, errno.EBUSY, errno.EPERM)
)
"""Also where one of the two is a mount point, or lies in the lower layer of an overlay."""


def exchange(first: int, left: str, second: int, right: str) -> bool:
    """Let `left` in one folder and `right` in another change places; False where system or file system cannot.

    Raises `OSError` where they could, and refuse.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameatx_np" if sys.platform == "darwin" else "renameat2", None)
    if call is None:
        return False
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    if call(first, os.fsencode(left), second, os.fsencode(right), _SWAP) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNABLE:
        return False
    raise OSError(code, os.strerror(code), right)
