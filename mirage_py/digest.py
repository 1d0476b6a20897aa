"""The digests by which mpy knows files again: SHA-256, in hexadecimal digits."""

from __future__ import annotations

from importlib import import_module

_SMALL = 1_000_000
"""Bytes up to which Python's own code is quicker: OpenSSL, which hashlib loads first of all, takes 3 ms to be there."""


def sha256(content: bytes) -> str:
    """The SHA-256 of a content, in hexadecimal digits."""
    for module in ("_sha2", "_sha256") if len(content) <= _SMALL else ():  # the names since Python 3.12, and before
        try:
            return str(import_module(module).sha256(content).hexdigest())
        except (ImportError, AttributeError):  # built without it
            continue
    import hashlib

    return hashlib.sha256(content).hexdigest()
