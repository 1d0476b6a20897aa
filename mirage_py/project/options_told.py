"""What of a module counts for a configuration where all that is asked are its boot-time options.

That is asked first thing by a build that was made before, of each module that was edited. Most say nothing of options,
which is seen without importing anything.
"""

from __future__ import annotations

__all__ = ["told_by"]


def told_by(content: bytes) -> str:
    """All that a module says of boot-time options, as `boot_options.told_by` has it."""
    if b"register_arg" not in content and not any(map(_may_be_argument, content.split(b"info")[1:])):
        return ""
    from mirage_py.project.boot_options import told_by as told

    return told(content)


def _may_be_argument(after: bytes) -> bool:
    """Whether what stands behind `info` may be an argument of Cmdliner's: names, a label, a comment.

    What is neither ASCII nor a sign may be a blank: that is for others to say.
    """
    after = after.lstrip()
    return after.startswith((b"[", b"~", b"?", b"(*")) or (after != b"" and not b" " <= after[:1] < b"\x7f")
