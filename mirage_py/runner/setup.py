"""The devices of a unikernel on this machine: made when asked for, remembered, and taken away again.

`mirage/devices.json` lists what was made, each with a mark that no other has: a tap device or a file that only has the
name of one that mpy made is left alone.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.below import Below
from mirage_py.doors.processes import missing_tool, run, stream, which
from mirage_py.errors import Location, MpyError, ToolNotFound, UnsupportedTarget, WouldOverwrite
from mirage_py.model.command import Command
from mirage_py.project.reading import exact_text_of, json_of
from mirage_py.runner import devices
from mirage_py.runner.request import RunRequest, shown

__all__ = ["DISK_MB", "Made", "NotAllowed", "Wanted", "remember_devices", "set_up", "undo", "wanted"]

FILE: Final = "mirage/devices.json"
FORMAT: Final = 1

DISK_MB: Final = 64
"""A disk that is made has this size unless another is asked for. It takes no room before it is written to."""

TAPS: Final = 1000
"""More than a machine has: one of the names up to here is free."""

Ask = Callable[[str], bool]
"""Puts a question to the person at the terminal."""


class NotAllowed(ToolNotFound):
    """What is to be made takes rights, or a yes, that nobody is there to give."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A device to make: the unikernel's name for it, and what it will be on this machine."""

    kind: Literal["tap", "disk"]
    device: str
    name: str
    address: str = ""
    size_mb: int = DISK_MB

    def commands(self) -> tuple[Command, ...]:
        """What makes it, in the words of a shell."""
        if self.kind == "disk":
            return (Command(argv=("truncate", "-s", f"{self.size_mb}M", self.name), purpose=f"make {self.name}"),)
        add = ("tuntap", "add", "dev", self.name, "mode", "tap", *_owner())
        rest = (("address", "add", self.address, "dev", self.name), ("link", "set", "dev", self.name, "up"))
        return tuple(_ip(*words) for words in (add, *rest))


@dataclass(frozen=True, kw_only=True)
class Made:
    """A device that mpy made, for which unikernel; `mark` tells it from another that comes to have its name."""

    unikernel: str
    kind: Literal["tap", "disk"]
    device: str
    name: str
    mark: str

    @property
    def there(self) -> bool:
        """Whether it still is what was made."""
        return _mark(self.kind, self.name) == self.mark

    def commands(self) -> tuple[Command, ...]:
        """What takes it away, in the words of a shell."""
        if self.kind == "disk":
            return (Command(argv=("rm", self.name), purpose=f"remove {self.name}"),)
        return (_ip("tuntap", "del", "dev", self.name, "mode", "tap"),)


def remember_devices(request: RunRequest, folder: Path) -> RunRequest:
    """The request with the devices that were made for its unikernel, where none was given."""
    if request.plan.target in devices.OWN_DEVICES:
        return request
    made = [one for one in _read(folder) if one.unikernel == request.plan.name and one.there]
    taps = {one.device: one.name for one in made if one.kind == "tap" and one.device in request.plan.nets}
    disks = {one.device: Path(one.name) for one in made if one.kind == "disk" and one.device in request.plan.blocks}
    taps = {} if request.bridged else taps
    return replace(request, nets=taps | dict(request.nets), blocks=disks | dict(request.blocks))


def wanted(request: RunRequest, folder: Path, *, size_mb: int = DISK_MB) -> tuple[Wanted, ...]:
    """What the unikernel has no device for; `folder` is where files without a name of their own go."""
    plan = request.plan
    own = plan.target in devices.OWN_DEVICES
    nets = {name: name for name in plan.nets} if own else dict(request.nets)
    blocks = {name: Path(name) for name in plan.blocks} if own else dict(request.blocks)
    files = [(name, blocks.get(name) or _free_file(folder, name)) for name in plan.blocks]
    disks = (
        Wanted(kind="disk", device=name, name=str(file.absolute()), size_mb=size_mb)
        for name, file in files
        if not file.exists()
    )
    return (*_wanted_taps(request, nets), *disks)


def set_up(folder: Path, unikernel: str, things: Iterable[Wanted], ask: Ask | None) -> tuple[Made, ...]:
    """Make these devices; those made before one that fails are remembered, and that one leaves nothing behind.

    `NotAllowed`, with the lines to run, unless this is root, MPY_YES is 1, or the person says yes.
    """
    todo = tuple(things)
    _permitted([command for one in todo for command in one.commands()], ask)
    made: list[Made] = []
    for one in todo:
        made.append(_make(unikernel, one))
        _write(folder, (*_read(folder), made[-1]))
    return tuple(made)


def undo(folder: Path, unikernels: Iterable[str], ask: Ask | None) -> tuple[tuple[Made, ...], tuple[Made, ...]]:
    """Take away what was made for these unikernels: what was removed, and what is no longer what mpy made."""
    chosen = frozenset(unikernels)
    known = _read(folder)
    ours = [one for one in known if one.unikernel in chosen]
    there = [one for one in ours if one.there]
    _permitted([command for one in there for command in one.commands()], ask)
    for one in there:
        _unmake(one)
        known = tuple(other for other in known if other != one)
        _write(folder, known)
    _write(folder, tuple(one for one in known if one.unikernel not in chosen))
    return tuple(there), tuple(one for one in ours if one not in there and _mark(one.kind, one.name))


# ---------------------------------------------------------------------------------------------------------------------
# What is wanted


def _wanted_taps(request: RunRequest, nets: dict[str, str]) -> Iterator[Wanted]:
    """A tap device for each interface that has none, with an address for this side of it."""
    free = _free_taps({*nets.values()})
    for number, name in enumerate(request.plan.nets):
        interface = nets.get(name) or next(free)
        if devices.interface_number(interface) is None:
            if request.bridged:
                raise _no_bridges(request, name)
            yield Wanted(kind="tap", device=name, name=interface, address=f"10.0.{number}.1/24")


def _no_bridges(request: RunRequest, name: str) -> UnsupportedTarget:
    return UnsupportedTarget(
        f"{request.place} needs a bridge for its network interface {name}, and mpy makes none",
        details=("which network a guest of Xen belongs to is for the host's administrator to say",),
        hint=f"sudo ip link add br0 type bridge && sudo ip link set br0 up, then: mpy run -t xen --net {name}=br0",
    )


def _free_taps(taken: set[str]) -> Iterator[str]:
    names = (f"tap{number}" for number in range(TAPS))
    return (name for name in names if name not in taken and devices.interface_number(name) is None)


def _free_file(folder: Path, device: str) -> Path:
    """A file for a disk that was given none."""
    name = Path(device).name
    file = folder / (name if "." in name else f"{name}.img")
    if file.exists():
        option = f"--block {shlex.quote(device)}={shlex.quote(shown(file))}"
        raise WouldOverwrite(
            f"{shown(file)} is there, and was not made for the disk {device}",
            location=Location(shown(file)),
            hint=f"if it is the disk: {option}; else name another file with that option",
        )
    return file


def _owner() -> tuple[str, ...]:
    """The user whose unikernel will open the device: who called sudo, where it was called."""
    user = os.environ.get("SUDO_UID") if os.geteuid() == 0 else str(os.geteuid())
    return ("user", user) if user else ()


# ---------------------------------------------------------------------------------------------------------------------
# Making and unmaking


def _ip(*words: str) -> Command:
    root = () if os.geteuid() == 0 else ("sudo",)
    return Command(argv=(*root, "ip", *words), purpose="set up the network device")


def _permitted(commands: list[Command], ask: Ask | None) -> None:
    """Go on only with root's rights, or with somebody's yes."""
    if not commands:
        return
    lines = "\n".join(map(str, commands))
    if any(command.argv[0] == "sudo" for command in commands) and which("sudo") is None:
        own = "\n".join(line.removeprefix("sudo ") for line in lines.splitlines())
        raise NotAllowed("this takes the rights of root, and there is no sudo here", hint=f"as root:\n{own}")
    if any("ip" in command.argv[:2] for command in commands) and which("ip") is None:
        raise missing_tool("ip", "set up a network device")
    if os.geteuid() == 0 or os.environ.get("MPY_YES") == "1":
        return
    if ask is None:
        raise NotAllowed(
            "this changes the machine, and there is nobody to ask",
            hint=f"set MPY_YES=1, or run:\n{lines}",
        )
    if not ask(f"{lines}\nrun this?"):
        raise NotAllowed("nothing was done", hint=f"to do it yourself:\n{lines}")


def _make(unikernel: str, thing: Wanted) -> Made:
    if thing.kind == "disk":
        _make_file(Path(thing.name), thing.size_mb)
    else:
        _make_tap(thing)
    mark = _mark(thing.kind, thing.name)
    if not mark:
        raise MpyError(f"{thing.name} was made, and is not there")
    return Made(unikernel=unikernel, kind=thing.kind, device=thing.device, name=thing.name, mark=mark)


def _make_tap(thing: Wanted) -> None:
    """All three steps, or none."""
    add, *rest = thing.commands()
    _perform(add)
    try:
        for command in rest:
            _perform(command)
    except BaseException:
        _perform(_ip("tuntap", "del", "dev", thing.name, "mode", "tap"), check=False)
        raise


def _perform(command: Command, *, check: bool = True) -> None:
    """With the terminal where sudo may ask for a password; it could not while we had that."""
    if command.argv[0] == "sudo":
        stream(command, interactive=True, check=check)
    else:
        run(command, check=check)


def _make_file(path: Path, size_mb: int) -> None:
    """A file of zeros that take no room; one that is there is never touched."""
    try:
        with path.open("xb") as file:
            file.truncate(size_mb << 20)
        if os.geteuid() == 0 and "SUDO_UID" in os.environ:
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", "-1")))
    except OSError as error:
        raise MpyError(
            f"cannot make the disk: {error.strerror}",
            location=Location(shown(path)),
            hint="name a file in a folder where you may write: --block NAME=FILE",
        ) from None


def _unmake(one: Made) -> None:
    if one.kind == "disk":
        Path(one.name).unlink(missing_ok=True)
    else:
        for command in one.commands():
            _perform(command)


def _mark(kind: Literal["tap", "disk"], name: str) -> str:
    """What tells the thing of this name from another; nothing where there is none.

    Interfaces are numbered anew when the machine starts, and inodes are given again: so the start, or the size, belongs
    to it.
    """
    if kind == "tap":
        number = devices.interface_number(name)
        return "" if number is None else f"interface {number} since {_this_start()}"
    try:
        file = Path(name).stat()
    except OSError:
        return ""
    return f"inode {file.st_ino} on {file.st_dev} of {file.st_size} bytes"


def _this_start() -> str:
    """What the kernel calls the time since the machine started."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "some time"


# ---------------------------------------------------------------------------------------------------------------------
# What was made


def _read(folder: Path) -> tuple[Made, ...]:
    try:
        stored = json_of(exact_text_of(folder / FILE))
        if stored["format"] > FORMAT:
            raise MpyError(f"{FILE} is of a newer mpy", location=Location(FILE), hint="upgrade mpy")
        return tuple(Made(**entry) for entry in stored["made"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError):
        raise MpyError(
            f"{FILE} cannot be read, so mpy does not know which devices it made",
            location=Location(FILE),
            hint="restore it, or remove it; tap devices that are left: ip link show type tun",
        ) from None


def _write(folder: Path, made: tuple[Made, ...]) -> None:
    below = Below(folder)
    if not made:
        below.remove(FILE)
        return
    text = json.dumps({"format": FORMAT, "made": [asdict(one) for one in made]}, indent=1, ensure_ascii=False)
    below.write(FILE, f"{text}\n".encode(), sync=True)
