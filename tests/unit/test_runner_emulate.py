"""Machines in software: the archive they boot from, the pieces in the cache, what runs inside, what they report."""

from __future__ import annotations

import hashlib
import lzma
import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mirage_py.doors import memory
from mirage_py.errors import MpyError, ToolFailed, ToolNotFound
from mirage_py.runner.emulate import hvt, machine, pieces, xen
from mirage_py.runner.emulate.cpio import FOLDER, Entry, archive, executable, link, text
from mirage_py.runner.emulate.machine import Boot, Report, disk, read_report
from mirage_py.runner.emulate.modules import loading_order, module_files, orders_file
from mirage_py.runner.emulate.pieces import Recipe, fetch_pieces
from tests.unit.runner_help import asked, plan, program

pytestmark = pytest.mark.slow

# ---------------------------------------------------------------------------------------------------------------------
# The archive


def unpacked(raw: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Path, mode and content of each file of a newc archive, as the kernel reads it."""
    at = 0
    while True:
        assert at % 4 == 0
        assert raw[at : at + 6] == b"070701"
        numbers = [int(raw[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, length = numbers[1], numbers[6], numbers[11]
        name = raw[at + 110 : at + 110 + length]
        assert name.endswith(b"\0")
        if name == b"TRAILER!!!\0":
            assert len(raw) == at + 124  # 110 + 11, padded
            return
        start = at + 110 + length + -(110 + length) % 4
        yield name[:-1].decode(), mode, raw[start : start + size]
        at = start + size + -size % 4


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}(/[a-z]{1,9}){0,3}", fullmatch=True), st.binary(max_size=99)))
def test_archive_holds_each_file_after_its_folders(files: dict[str, bytes]) -> None:
    entries = {f"{name}.x": Entry(mode=stat.S_IFREG | 0o644, content=content) for name, content in files.items()}
    found = list(unpacked(archive(entries)))
    assert {name: content for name, mode, content in found if stat.S_ISREG(mode)} == {
        f"{name}.x": content for name, content in files.items()
    }
    seen: set[str] = set()
    for name, mode, _ in found:
        assert name.rpartition("/")[0] in {*seen, ""}
        if stat.S_ISDIR(mode):
            seen.add(name)


def test_archive_knows_programs_folders_links_and_texts() -> None:
    raw = archive({"bin/sh": executable(b"#!"), "dev": FOLDER, "var/run": link("/run"), "etc/motd": text("grüß")})
    assert list(unpacked(raw)) == [
        ("bin", 0o40755, b""),
        ("bin/sh", 0o100755, b"#!"),
        ("dev", 0o40755, b""),
        ("etc", 0o40755, b""),
        ("etc/motd", 0o100644, "grüß".encode()),
        ("var", 0o40755, b""),
        ("var/run", 0o120777, b"/run"),
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Modules


def module(root: Path, name: str, *needs: str) -> None:
    """A kernel module that needs others, as far as `modinfo` would tell."""
    file = root / "lib/modules/6.1/kernel" / name
    content = b"\x7fELF\0license=GPL\0depends=" + ",".join(needs).encode() + b"\0name=x\0"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(lzma.compress(content) if name.endswith(".xz") else content)


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    for words in (
        ("kvm.ko", "irqbypass"),
        ("kvm-amd.ko", "kvm", "ccp"),
        ("irqbypass.ko.xz",),
        ("ccp.ko",),
        ("tun.ko",),
    ):
        module(tmp_path, *words)
    (tmp_path / "lib/modules/6.1/modules.builtin").write_text("kernel/drivers/virtio/virtio_pci.ko\n")
    return tmp_path


def test_modules_are_loaded_after_what_they_need(kernel: Path) -> None:
    files, orders = module_files(kernel, ("kvm-amd", "tun", "virtio_pci"))
    assert orders == {"kvm-amd": ["irqbypass", "kvm", "ccp", "kvm_amd"], "tun": ["tun"], "virtio_pci": []}
    assert sorted(files) == [f"modules/{name}.ko" for name in ("ccp", "irqbypass", "kvm", "kvm_amd", "tun")]
    assert files["modules/irqbypass.ko"].content.startswith(b"\x7fELF")
    assert loading_order(orders, ("tun", "kvm-amd")) == ("tun", "irqbypass", "kvm", "ccp", "kvm_amd")


def test_module_that_the_kernel_has_not_is_told(kernel: Path) -> None:
    with pytest.raises(ToolNotFound, match="no module vhost"):
        module_files(kernel, ("vhost",))


# ---------------------------------------------------------------------------------------------------------------------
# Pieces

APT_CACHE = """echo "apt-cache $*" >>"$LOG"
[ "$2" = linux-image-none ] && { echo 'E: No packages found' >&2; exit 100; }
printf '%s\\n  Depends: linux-image-6.1\\n  Depends: <virtual>\\n    other\\n |Depends: initramfs-tools\\n' "$2" """

APT_GET = """echo "apt-get $*" >>"$LOG"
for package in linux-image-6.1 busybox; do echo "'http://deb/$package.deb' $package.deb 5 $DIGEST"; done"""

HELPER = """echo "helper $*" >>"$LOG"
shift 5
[ -z "$FAIL" ] || { printf wh >"$2"; echo 'W: unsandboxed' >&2; echo "E: Failed to fetch $1" >&2; exit 100; }
while [ "$1" ]; do printf whole >"$2"; shift 3; echo 'dlstatus:1:50.00:Retrieving'; done"""

DPKG_DEB = 'echo "unpack $(basename "$2")" >>"$LOG"; mkdir -p "$3"; cp "$2" "$3"'


class Debian:
    """A Debian whose mirror has two packages of five bytes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said: list[str] = []
        self.recipe = Recipe(name="test-1", kernel="linux-image", packages=lambda: ("busybox",), make=self.make)

    @staticmethod
    def make(folder: Path) -> dict[str, bytes]:
        return {file.stem: file.read_bytes() for file in folder.glob("*.deb")}

    @property
    def cached(self) -> Path:
        return memory.folder() / "emulate"

    def fetch(self) -> Path:
        return fetch_pieces(self.recipe, self.said.append)

    @property
    def log(self) -> list[str]:
        """The programs that were started since the last look."""
        lines = (self.root / "log").read_text().splitlines()
        (self.root / "log").write_text("")
        return [" ".join(line.split()[:2]) for line in lines]


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    tools = {"apt-cache": APT_CACHE, "apt-get": APT_GET, "helper": HELPER, "dpkg-deb": DPKG_DEB}
    for name, script in tools.items():
        program(tmp_path / "bin" / name, script)
    helper = str(tmp_path / "bin" / "helper")
    monkeypatch.setattr(pieces, "HELPER", (helper, *pieces.HELPER[1:]))
    monkeypatch.setattr(pieces, "TOOLS", ("apt-get", "apt-cache", helper, "dpkg-deb"))
    (tmp_path / "log").touch()
    digest = f"SHA256:{hashlib.sha256(b'whole').hexdigest()}"
    settings = {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LOG": str(tmp_path / "log"),
        "DIGEST": digest,
        "FAIL": "",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Debian(tmp_path)


def test_pieces_are_made_once(debian: Debian) -> None:
    folder = debian.fetch()
    assert folder == debian.cached / "test-1"
    assert {file.name: file.read_text() for file in folder.iterdir() if file.suffix != ".json"} == {
        "linux-image-6.1": "whole",
        "busybox": "whole",
    }
    assert debian.log == [
        "apt-cache depends",
        "apt-get download",
        "helper -o",
        "unpack busybox.deb",
        "unpack linux-image-6.1.deb",
    ]
    debian.fetch()
    assert debian.log == []
    assert sorted(file.name for file in debian.cached.iterdir()) == ["lock", "test-1"]


def test_download_tells_how_far_it_is(debian: Debian) -> None:
    debian.fetch()
    assert "fetching 2 packages from Debian (0 MB): 50 %" in debian.said


@pytest.mark.parametrize("damage", ["changed", "gone", "no list"])
def test_damaged_pieces_are_made_again(debian: Debian, damage: str) -> None:
    folder = debian.fetch()
    if damage == "changed":
        (folder / "busybox").write_text("whale")
    else:
        (folder / ("busybox" if damage == "gone" else "digests.json")).unlink()
    assert (debian.fetch() / "busybox").read_text() == "whole"


def test_failed_download_is_told_and_goes_on_where_it_stopped(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "yes")
    with pytest.raises(ToolFailed) as caught:
        debian.fetch()
    assert caught.value.details == ("E: Failed to fetch http://deb/linux-image-6.1.deb",)
    downloads = debian.cached / "test-1.debs"
    assert (downloads / "linux-image-6.1.deb").read_text() == "wh"
    (downloads / "busybox.deb").write_text("whole")
    (downloads / "linux-image-6.0.deb").write_text("old")
    monkeypatch.setenv("FAIL", "")
    debian.said.clear()
    debian.fetch()
    assert "fetching 1 package from Debian (0 MB)" in debian.said
    assert not downloads.exists()
    assert not (debian.cached / "test-1" / "linux-image-6.0").exists()


def test_package_that_apt_does_not_know_is_told(debian: Debian) -> None:
    debian.recipe = Recipe(name="t", kernel="linux-image-none", packages=tuple, make=debian.make)
    with pytest.raises(ToolNotFound, match="apt knows no linux-image-none") as caught:
        debian.fetch()
    assert "E: No packages found" in caught.value.details
    assert "apt-get update" in str(caught.value.hint)


def test_machine_without_apt_is_told(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(debian.root / "nothing"))
    with pytest.raises(ToolNotFound, match="apt-get is not on this machine") as caught:
        debian.fetch()
    assert "Debian 12" in str(caught.value.hint)


def test_cache_that_cannot_be_written_is_told(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    (debian.root / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(debian.root / "file"))
    with pytest.raises(MpyError, match="cannot keep the pieces") as caught:
        debian.fetch()
    assert "XDG_CACHE_HOME" in str(caught.value.hint)


# ---------------------------------------------------------------------------------------------------------------------
# Inside


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Pieces without content."""
    wanted = (*hvt.VIRTUALIZATION, *hvt.DISKS, *hvt.NETWORK, *xen.XEN, *xen.DISKS, *xen.NETWORK)
    (tmp_path / "modules.json").write_bytes(orders_file({name: [name] for name in wanted}))
    for name in ("base.cpio", "vmlinuz", "xen"):
        (tmp_path / name).write_bytes(b"piece")
    return tmp_path


DEVICES = {"nets": {"service": "tap0", "control": "tap1"}, "blocks": {"storage": Path("s.img"), "log": Path("l.img")}}


@pytest.mark.parametrize("page", [hvt, xen])
@pytest.mark.parametrize("timeout", [None, 2.5])
def test_first_process_is_a_shell_script(page: object, timeout: float | None, made: Path) -> None:
    target = "hvt" if page is hvt else "xen"
    request = asked(plan(target, nets=("service", "control"), blocks=("storage", "log")), timeout=timeout, **DEVICES)
    script = (hvt.init if page is hvt else xen.init)(request, made)
    subprocess.run(("sh", "-n"), input=script, text=True, check=True)
    assert script.startswith("#!/bin/busybox sh\n")
    assert ("sleep 2.5; : >/boot/timed-out" in script) == (timeout is not None)
    assert script.endswith("poweroff -f\n")


def test_modules_are_loaded_for_devices_that_are_there(made: Path) -> None:
    bare = hvt.init(asked(plan("hvt")), made)
    assert "kvm-amd.ko" in bare
    assert "virtio" not in bare
    assert "br0" not in bare
    disks = hvt.init(asked(plan("hvt", blocks=("storage",)), blocks={"storage": Path("s.img")}), made)
    assert "virtio_blk.ko" in disks
    assert "tun.ko" not in disks


def test_tender_inside_gets_devices_and_words() -> None:
    made_plan = plan("hvt", nets=("service", "control"), blocks=("storage", "log"))
    line = hvt.tender_line(asked(made_plan, args=("--hello", "it's me"), mem=64, **DEVICES))
    assert shlex.split(line) == [
        *("exec", "solo5-hvt", "--mem=64", "--net:service=tap0", "--net:control=tap1"),
        *("--block:storage=/dev/vda", "--block:log=/dev/vdb", "--", "/boot/image", "--hello", '"it\'s me"'),
    ]


def test_guest_inside_gets_devices_of_dom0() -> None:
    guest = xen.domain(asked(plan("xen", nets=("0", "1"), blocks=("a", "b")), nets={}, blocks={}))
    assert guest.disks[1] == "format=raw, vdev=d2p0, access=rw, target=/dev/vdb"
    assert guest.vifs == ("bridge=br0", "bridge=br1")
    assert guest.after == "preserve"


def test_disks_have_the_names_that_linux_gives() -> None:
    assert [disk(number) for number in (0, 25, 26, 51, 52)] == [
        f"/dev/vd{name}" for name in ("a", "z", "aa", "az", "ba")
    ]


def test_machine_finds_its_files_by_plain_names(made: Path, tmp_path: Path) -> None:
    image = tmp_path / "dist" / "hello.hvt"
    program(image, "exit 0")
    folder = tmp_path / "with, comma and blank"
    folder.mkdir()
    request = asked(plan("hvt"), tender=program(tmp_path / "solo5-hvt", "exit 0"))
    request = type(request)(plan=request.plan, image=image, tender=request.tender)
    command = hvt.prepare(request, made, folder)
    assert command.cwd == folder
    assert command.argv[-6:-1] == ("-kernel", "vmlinuz", "-initrd", "initrd", "-append")
    assert (folder / "vmlinuz").read_bytes() == b"piece"
    names = [name for name, _, _ in unpacked((folder / "initrd").read_bytes().removeprefix(b"piece"))]
    assert {"init", "boot/image", "boot/command", "bin/solo5-hvt", "proc", "dev"} <= {*names}


def test_machine_never_uses_the_hosts_virtualization(made: Path) -> None:
    argv = machine.command(Boot(options=(), processor=machine.NO_ACCELERATION, memory=64), made, purpose="try").argv
    assert "q35,accel=tcg" in argv
    assert not any("kvm" in word for word in argv)


@pytest.mark.parametrize(
    ("log", "report"),
    [
        ("", Report(status=None)),
        ("[    0.1] Kernel panic\r\n", Report(status=None, last_words="[    0.1] Kernel panic")),
        (
            "\x1b[2Jbooted\n@@mpy said solo5-hvt: so\r\n@@mpy said and so\n@@mpy status 7\r\n",
            Report(status=7, said=("solo5-hvt: so", "and so"), last_words="[2Jbooted"),
        ),
        ("@@mpy timed-out\n@@mpy status 137\n", Report(status=137, timed_out=True)),
        ("@@mpy status $status\n", Report(status=None)),
    ],
)
def test_report_is_read_from_the_log(tmp_path: Path, log: str, report: Report) -> None:
    (tmp_path / machine.LOG).write_text(log)
    assert read_report(tmp_path) == report


def test_machine_without_a_log_reports_nothing(tmp_path: Path) -> None:
    assert read_report(tmp_path) == Report(status=None)
