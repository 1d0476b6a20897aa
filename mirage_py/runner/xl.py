"""A Xen guest as `xl` is told of it: assignments of xl.cfg(5), one to a word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from mirage_py.dataclass import dataclass

__all__ = ["Domain", "assignments", "host_disk"]

ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A PVH guest; `after` says what becomes of it once it has ended, in whatever way."""

    name: str
    kernel: str
    memory: int
    line: str = ""
    disks: tuple[str, ...] = ()
    vifs: tuple[str, ...] = ()
    after: Literal["destroy", "preserve"] = "destroy"


def assignments(domain: Domain) -> tuple[str, ...]:
    """The words for `xl create`, each an assignment."""
    return (
        f"name={_string(domain.name)}",
        'type="pvh"',
        f"kernel={_string(domain.kernel)}",
        f"memory={domain.memory}",
        f"cmdline={_string(domain.line)}",
        *(f"on_{event}={_string(domain.after)}" for event in ("poweroff", "reboot", "crash")),
        *_list("disk", domain.disks),
        *_list("vif", domain.vifs),
    )


def host_disk(number: int, file: Path | str, *, kind: str = "") -> str:
    """A disk by its number from 1, as mirage-block-xen counts them (0 would be a boot disk).

    `dNp0` is disk N as a whole, whatever N is; letters would have to be counted.
    """
    return f"{kind}format=raw, vdev=d{number}p0, access=rw, target={file}"


def _list(name: str, items: Iterable[str]) -> tuple[str, ...]:
    text = ", ".join(map(_string, items))
    return (f"{name}=[{text}]",) if text else ()


def _string(text: str) -> str:
    """A string of xl.cfg(5), without its escapes by number, which Xen's libxlu_cfg.c does not read as it means to."""
    return f'"{text.translate(ESCAPES)}"'
