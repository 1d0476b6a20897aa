"""Do the devices that were given fit those that the unikernel has? All that is amiss is told at once."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from mirage_py.errors import UsageError
from mirage_py.runner.request import RunRequest, shown

__all__ = ["OWN_DEVICES", "again", "check", "interface_number", "missing", "parse"]

OWN_DEVICES: Final = ("unix", "macosx")
"""Programs: they open what they were configured with, by its name on the host."""

SECTOR: Final = 512


def check(request: RunRequest) -> None:
    """Refuse, before anything is started, devices that are missing, unknown, or not there; `UsageError` names each."""
    _refuse_options_of_others(request)
    _refuse_unknown(request)
    lacking = tuple(missing(request))
    if lacking:
        raise _lacks(request, lacking)
    wrong = (*_absent_interfaces(request), *_unfit_files(request), *_shared_files(request))
    if wrong:
        raise _unfit(request, wrong)


def missing(request: RunRequest) -> Iterator[tuple[str, str, str]]:
    """The devices that were given nothing: what each is, its name, and the option that gives it."""
    if request.plan.target in OWN_DEVICES:
        return
    interface = "BRIDGE" if request.bridged else "TAP"
    for name in request.plan.nets:
        if name not in request.nets:
            yield "the network interface", name, f"--net {name}={interface}"
    for name in request.plan.blocks:
        if name not in request.blocks:
            yield "the disk", name, f"--block {shlex.quote(name)}=FILE"


def _refuse_options_of_others(request: RunRequest) -> None:
    """A program of the host has the host's memory, and opens its devices by itself."""
    if request.plan.target not in OWN_DEVICES:
        return
    given = {"--mem": request.mem, "--net": request.nets, "--block": request.blocks, "--emulate": request.emulate}
    for option, value in given.items():
        if value:
            raise UsageError(
                f"{option} means nothing for target {request.plan.target}",
                details=(f"{request.place} is a program of this machine: {_what_it_opens(request)}",),
                hint=f"leave {option} out, or run another target",
            )


def _what_it_opens(request: RunRequest) -> str:
    names = (*request.plan.nets, *request.plan.blocks)
    return f"it opens {', '.join(names)} by name" if names else "it has no devices of its own"


def _refuse_unknown(request: RunRequest) -> None:
    plan = request.plan
    for option, given, known in (("--net", request.nets, plan.nets), ("--block", request.blocks, plan.blocks)):
        for name in given:
            if name not in known:
                raise UsageError(
                    f"{request.place} has no {'disk' if option == '--block' else 'network interface'} {name!r}",
                    hint=_near(name, known) or f"leave {option} {name}=... out",
                )


def _near(name: str, known: Iterable[str]) -> str | None:
    names = tuple(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}" if names else None


def _lacks(request: RunRequest, lacking: tuple[tuple[str, str, str], ...]) -> UsageError:
    can_be_made = not request.bridged or any(name in request.plan.blocks for _, name, _ in lacking)
    return UsageError(
        f"{request.place} needs devices that were not given",
        details=tuple(f"{what} {name}: {option}" for what, name, option in lacking),
        hint="give them" + (f", or have them made: {again(request)} --setup" if can_be_made else ""),
    )


def again(request: RunRequest) -> str:
    """The command that was given, as far as devices depend on it."""
    return f"mpy run -t {request.plan.target}{' --emulate' if request.emulate else ''}"


def _unfit(request: RunRequest, wrong: tuple[tuple[str, str], ...]) -> UsageError:
    """What is wrong with each device, and the way out for each."""
    what = tuple(one for one, _ in wrong)
    return UsageError(
        what[0] if len(what) == 1 else f"{request.place} cannot have the devices that were given",
        details=what if len(what) > 1 else (),
        hint="\n".join(dict.fromkeys(way for _, way in wrong)),
    )


def _absent_interfaces(request: RunRequest) -> Iterator[tuple[str, str]]:
    """Interfaces that do not exist, each with the way to one."""
    for name, interface in request.nets.items():
        if interface_number(interface) is None:
            kind, way = _made(request, name, interface)
            yield f"there is no {kind} {interface} for the network interface {name}", way


def _made(request: RunRequest, name: str, interface: str) -> tuple[str, str]:
    """What an interface is on this target, and what makes one."""
    if request.bridged:
        return "bridge", f"sudo ip link add {interface} type bridge && sudo ip link set {interface} up"
    return "tap device", f"{again(request)} --setup --net {name}={interface}"


def _unfit_files(request: RunRequest) -> Iterator[tuple[str, str]]:
    """Files that cannot be a disk, each with the way to one that can."""
    for name, file in request.blocks.items():
        place, size = shlex.quote(shown(file)), file.stat().st_size if file.is_file() else SECTOR
        if not file.exists():
            way = f"{again(request)} --setup --block {shlex.quote(name)}={place}"
            yield f"there is no file {shown(file)} for the disk {name}", way
        elif file.is_dir() or not os.access(file, os.R_OK | os.W_OK):
            yield f"{shown(file)} cannot be read and written, as the disk {name} would be", "give a file of your own"
        elif not size:
            yield f"{shown(file)}, for the disk {name}, is empty", f"truncate -s 64M {place}"
        elif size % SECTOR:
            what = f"{shown(file)}, for the disk {name}, does not end with a whole sector of {SECTOR} bytes"
            yield what, f"truncate -s %{SECTOR} {place}"


def _shared_files(request: RunRequest) -> Iterator[tuple[str, str]]:
    """Two disks in one file would overwrite each other."""
    users: dict[Path, str] = {}
    for name, file in request.blocks.items():
        first = users.setdefault(file.resolve(), name)
        if first != name:
            yield f"{shown(file)} is given as the disk {first} and as {name}", "give each disk a file of its own"


def interface_number(name: str) -> int | None:
    """The number that the system gave the network interface of this name; None where there is none.

    It is asked for by a system call: /sys may show the interfaces of another network namespace.
    """
    from socket import if_nametoindex  # 5 ms, for images with a network only

    try:
        return if_nametoindex(name)
    except OSError:
        return None


def parse(option: str, given: Iterable[str]) -> Mapping[str, str]:
    """`NAME=VALUE` words by name; `UsageError` for another form, or a name that comes twice."""
    found: dict[str, str] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            what = "TAP" if option == "--net" else "FILE"
            raise UsageError(f"{option} takes NAME={what}, and was given {word!r}")
        if name in found:
            raise UsageError(f"{option} {name} was given twice: {found[name]} and {value}", hint="leave one out")
        found[name] = value
    return found
