"""Running an image: the command as a value, and what is refused before anything is started."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mirage_py.errors import MpyError, ToolFailed, ToolNotFound, UnsupportedTarget, UsageError
from mirage_py.model.toolchain import ToolchainChoice
from mirage_py.runner import checks, devices
from mirage_py.runner.checks import check_machine, check_request
from mirage_py.runner.commands import command
from mirage_py.runner.devices import parse
from mirage_py.runner.output import QEMU_SAYS, XL_SAYS, Console, guest_status
from mirage_py.runner.request import RunRequest
from mirage_py.runner.session import command_line, start
from mirage_py.runner.words import boot_line, boot_words
from mirage_py.toolchain.kvm import Kvm
from tests.unit.runner_help import Heard, asked, plan, program

DISK = "format=raw"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, and a machine whose only interfaces are tap0 and tap1."""
    monkeypatch.chdir(tmp_path)
    numbers = {"tap0": 7, "tap1": 8, "br0": 9}
    monkeypatch.setattr(devices, "interface_number", numbers.get)
    return tmp_path


def built(request: RunRequest) -> RunRequest:
    """The request, with a file where its image would be."""
    program(request.image, "exit 0")
    return request


def disk(name: str = "disk.img", size: int = 1024) -> Path:
    Path(name).write_bytes(bytes(size))
    return Path(name)


# ---------------------------------------------------------------------------------------------------------------------
# Commands


def test_unix_is_the_program_itself() -> None:
    made = command(asked(plan("unix"), args=("--hello", "hi")))
    assert made.argv == ("dist/hello", "--hello", "hi")


def test_program_beside_us_is_not_sought_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    monkeypatch.chdir("dist")
    assert command(RunRequest(plan=plan("unix"), image=Path("hello"))).argv == ("./hello",)


def test_tender_gets_devices_in_the_order_of_the_manifest() -> None:
    made = plan("spt", nets=("service", "control"), blocks=("storage",))
    request = asked(
        made,
        nets={"control": "tap1", "service": "tap0"},
        blocks={"storage": Path("d.img")},
        mem=64,
        args=("-l", "info"),
    )
    assert str(command(request)) == (
        "solo5-spt --net:service=tap0 --net:control=tap1 --block:storage=d.img --mem=64 -- dist/hello.spt -l info"
    )


def test_tender_of_the_toolchain_is_taken() -> None:
    assert command(asked(plan("hvt"), tender=Path("/prefix/solo5/bin/solo5-hvt"))).argv == (
        "/prefix/solo5/bin/solo5-hvt",
        "--",
        "dist/hello.hvt",
    )


def test_virtio_is_a_machine_with_a_console_and_a_way_to_end() -> None:
    assert str(command(asked(plan("virtio")))) == (
        "qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -machine pc,accel=tcg -cpu max -m 512 "
        "-serial stdio -device isa-debug-exit -kernel dist/hello.virtio -append ''"
    )


def test_virtio_uses_what_the_processor_offers() -> None:
    argv = command(asked(plan("virtio")), accelerated=True).argv
    assert "pc,accel=kvm" in argv
    assert "host" in argv


def test_cards_of_virtio_stand_in_the_slots_of_the_manifest() -> None:
    made = plan("virtio", nets=("a", "b"), blocks=("c",))
    argv = command(asked(made, nets={"b": "tap1", "a": "tap0"}, blocks={"c": Path("x,y.img")})).argv
    assert [word.partition("=")[2] for word in argv if word.startswith("tap,")] == [
        "net0,ifname=tap0,script=no,downscript=no",
        "net1,ifname=tap1,script=no,downscript=no",
    ]
    assert [word.rpartition("addr=")[2] for word in argv if "addr=" in word] == ["0x4", "0x5", "0x6"]
    assert "if=none,id=disk0,format=raw,file=x,,y.img" in argv


def test_two_cards_have_two_addresses() -> None:
    made = plan("virtio", nets=("a", "b"))
    argv = command(asked(made, nets={"a": "tap0", "b": "tap1"})).argv
    addresses = [part for word in argv for part in word.split(",") if part.startswith("mac=52:54:00:")]
    assert len(set(addresses)) == 2


def test_path_with_a_blank_does_not_become_a_boot_argument(place: Path) -> None:
    folder = place / "my project" / "dist"
    request = RunRequest(plan=plan("virtio", blocks=("d",)), image=folder / "hello.virtio", blocks={"d": Path("d.img")})
    made = command(request)
    assert (made.cwd, made.argv[-3]) == (folder, "hello.virtio")
    assert f"if=none,id=disk0,format=raw,file={place}/d.img" in made.argv


def test_xen_is_described_on_the_command_line() -> None:
    made = plan("xen", nets=("0",), blocks=("storage", "log"))
    blocks = {"storage": Path("s.img"), "log": Path("/l.img")}
    request = asked(made, nets={"0": "br0"}, blocks=blocks, args=("--greeting", 'say "hi"'))
    here = Path.cwd()
    assert command(request).argv == (
        *("xl", "create", "-F", "-c", "/dev/null"),
        *('name="hello"', 'type="pvh"', f'kernel="{here}/dist/hello.xen"', "memory=256"),
        r'cmdline="--greeting \"say \\\"hi\\\"\""',
        *('on_poweroff="destroy"', 'on_reboot="destroy"', 'on_crash="destroy"'),
        f'disk=["{DISK}, vdev=d1p0, access=rw, target={here}/s.img", "{DISK}, vdev=d2p0, access=rw, target=/l.img"]',
        'vif=["bridge=br0"]',
    )


@pytest.mark.parametrize("target", ["muen", "genode", "qubes", "unikraft-qemu", "unikraft-firecracker"])
def test_targets_that_others_run_say_how(target: str) -> None:
    with pytest.raises(UnsupportedTarget) as caught:
        command(asked(plan(target)))
    assert f"for {target}" in caught.value.message
    assert caught.value.hint


def test_macosx_runs_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    request = built(asked(plan("macosx")))
    with pytest.raises(UnsupportedTarget, match="program for macOS"):
        check_request(request)
    monkeypatch.setattr(checks, "system", lambda: "Darwin")
    check_request(request)
    assert command(request).argv == ("dist/hello",)


# ---------------------------------------------------------------------------------------------------------------------
# Words


def parsed(line: str) -> list[str]:
    """As mirage-bootvar takes a line apart (lib/mirage_bootvar_parse_argv.ml), empty words left out as it does."""
    words: list[str] = []
    word, quoted, escaped = "", False, False
    for one in line:
        if escaped:
            word, escaped = word + one, False
        elif one == "\\":
            escaped = True
        elif one == '"':
            quoted = not quoted
        elif one == " " and not quoted:
            words, word = [*words, *([word] if word else [])], ""
        else:
            word += one
    return [*words, *([word] if word else [])]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))
def test_words_reach_the_unikernel_as_they_were_given(args: list[str]) -> None:
    assert parsed(boot_line(args)) == args


def test_plain_words_stay_as_they_are() -> None:
    assert boot_words(("-l", "*:debug", "--ipv4=10.0.0.2/24")) == ("-l", "*:debug", "--ipv4=10.0.0.2/24")


# ---------------------------------------------------------------------------------------------------------------------
# Devices


def test_missing_devices_are_all_named_with_their_options() -> None:
    with pytest.raises(UsageError) as caught:
        check_request(
            built(asked(plan("spt", nets=("service", "control"), blocks=("storage",)), nets={"control": "tap1"}))
        )
    assert caught.value.details == (
        "the network interface service: --net service=TAP",
        "the disk storage: --block storage=FILE",
    )
    assert caught.value.hint == "give them, or have them made: mpy run -t spt --setup"


def test_interface_of_xen_is_a_bridge_that_mpy_does_not_make() -> None:
    with pytest.raises(UsageError) as caught:
        check_request(built(asked(plan("xen", nets=("0",)))))
    assert (caught.value.details, caught.value.hint) == (("the network interface 0: --net 0=BRIDGE",), "give them")


def test_interface_of_an_emulated_xen_is_a_tap() -> None:
    with pytest.raises(UsageError, match="not given") as caught:
        check_request(built(asked(plan("xen", nets=("0",)), emulate=True)))
    assert "TAP" in caught.value.details[0]
    assert "mpy run -t xen --emulate --setup" in str(caught.value.hint)


def test_unknown_device_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="no network interface 'servic'") as caught:
        check_request(built(asked(plan("spt", nets=("service",)), nets={"servic": "tap0"})))
    assert caught.value.hint == "did you mean service?"
    with pytest.raises(UsageError, match="no disk 'x'") as caught:
        check_request(built(asked(plan("spt"), blocks={"x": disk()})))
    assert caught.value.hint == "leave --block x=... out"


def test_tap_that_is_not_there_is_told_with_the_way_to_one() -> None:
    with pytest.raises(UsageError, match="no tap device tap5 for the network interface service") as caught:
        check_request(built(asked(plan("spt", nets=("service",)), nets={"service": "tap5"})))
    assert caught.value.hint == "mpy run -t spt --setup --net service=tap5"


@pytest.mark.parametrize(
    ("size", "said", "way"),
    [
        (None, "there is no file disk.img", "mpy run -t spt --setup --block storage=disk.img"),
        (0, "is empty", "truncate -s 64M disk.img"),
        (700, "whole sector of 512 bytes", "truncate -s %512 disk.img"),
    ],
)
def test_file_that_can_be_no_disk_is_told_with_the_way_out(size: int | None, said: str, way: str) -> None:
    if size is not None:
        disk(size=size)
    with pytest.raises(UsageError, match=said) as caught:
        check_request(built(asked(plan("spt", blocks=("storage",)), blocks={"storage": Path("disk.img")})))
    assert caught.value.hint == way


def test_all_that_is_wrong_with_devices_is_told_at_once() -> None:
    made = plan("spt", nets=("service",), blocks=("a", "b", "c"))
    blocks = {"a": disk(), "b": Path("./disk.img"), "c": Path("dist")}
    with pytest.raises(UsageError, match="cannot have the devices") as caught:
        check_request(built(asked(made, nets={"service": "tap9"}, blocks=blocks)))
    assert len(caught.value.details) == 3
    assert "disk.img is given as the disk a and as b" in caught.value.details


def test_program_of_the_host_takes_no_options_of_tenders() -> None:
    made = plan("unix", nets=("tap0",), blocks=("disk.img",))
    with pytest.raises(UsageError, match="--net means nothing for target unix") as caught:
        check_request(built(asked(made, nets={"tap0": "tap0"})))
    assert "opens tap0, disk.img by name" in caught.value.details[0]
    check_request(built(asked(made)))


@pytest.mark.parametrize(
    ("given_words", "said"),
    [(["service"], "takes NAME=TAP"), (["=tap0"], "takes NAME=TAP"), (["a=1", "a=2"], "given twice: 1 and 2")],
)
def test_option_of_another_form_is_refused(given_words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse("--net", given_words)


def test_value_may_hold_an_equals_sign() -> None:
    assert parse("--block", ["storage=a=b.img"]) == {"storage": "a=b.img"}


# ---------------------------------------------------------------------------------------------------------------------
# Images


def elftool(place: Path, *, abi: str = "spt", nets: tuple[str, ...] = (), manifest: str | None = None) -> Path:
    """A solo5-elftool that says this of every image."""
    entries = [{"name": name, "type": "NET_BASIC"} for name in nets]
    told = (
        manifest if manifest is not None else json.dumps({"type": "solo5.manifest", "version": 1, "devices": entries})
    )
    answers = {"query-abi": json.dumps({"type": "solo5.abi", "target": abi, "version": 2}), "query-manifest": told}
    cases = "".join(f"{name}) echo {shlex.quote(answer)};;\n" for name, answer in answers.items())
    return program(place / "tools" / "solo5-elftool", f"case $1 in\n{cases}esac")


def test_what_was_not_built_is_told_with_the_command_that_builds_it() -> None:
    with pytest.raises(MpyError, match=r"dist/hello\.spt: the image is not there") as caught:
        check_request(asked(plan("spt")))
    assert caught.value.hint == "mpy build -t spt"


def test_image_of_another_abi_is_refused_before_the_tender_sees_it(place: Path) -> None:
    with pytest.raises(UnsupportedTarget) as caught:
        check_request(built(asked(plan("hvt"), elftool=elftool(place, abi="spt"))))
    assert str(caught.value) == "dist/hello.hvt: the image is linked for spt, and cannot run as hvt"
    assert caught.value.hint == "mpy build -t hvt"


def test_image_with_other_devices_than_configured_is_refused(place: Path) -> None:
    made = plan("spt", nets=("service",))
    with pytest.raises(MpyError, match="other devices than are configured") as caught:
        check_request(built(asked(made, elftool=elftool(place, nets=("control",)), nets={"service": "tap0"})))
    assert caught.value.details == ("in the image: network interface control", "configured: network interface service")


@pytest.mark.parametrize("answer", ["", "not JSON", "[1]"])
def test_file_that_is_no_image_is_refused(place: Path, answer: str) -> None:
    with pytest.raises(ToolFailed, match=r"dist/hello\.spt: the image has no manifest"):
        check_request(built(asked(plan("spt"), elftool=elftool(place, manifest=answer))))


def test_image_that_fits_passes(place: Path) -> None:
    made = plan("spt", nets=("service",))
    check_request(built(asked(made, elftool=elftool(place, nets=("service",)), nets={"service": "tap0"})))


def test_program_without_the_right_to_run_is_told() -> None:
    built(asked(plan("unix"))).image.chmod(0o644)
    with pytest.raises(MpyError, match="may not be executed"):
        check_request(asked(plan("unix")))


# ---------------------------------------------------------------------------------------------------------------------
# The machine


@pytest.mark.parametrize("state", ["absent", "denied", "limited"])
def test_hvt_without_virtualization_offers_the_other_ways(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setattr(checks, "probe", lambda: Kvm(state, "so it is"))  # type: ignore[arg-type]
    with pytest.raises(ToolNotFound, match="needs hardware virtualization") as caught:
        check_machine(asked(plan("hvt"), tender=Path("/bin/true")))
    assert "so it is" in caught.value.details
    assert all(way in str(caught.value.hint) for way in ("--emulate", "spt", "virtio"))


def test_hvt_with_virtualization_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "probe", lambda: Kvm("usable", "there"))
    check_machine(asked(plan("hvt"), tender=Path("/bin/true")))


def test_missing_tools_are_told_with_what_brings_them(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setenv("PATH", str(place / "nothing"))
    for request, tool in (
        (asked(plan("spt")), "solo5-spt"),
        (asked(plan("hvt"), emulate=True, tender=Path("/t")), "qemu-system-x86_64"),
        (asked(plan("virtio")), "qemu-system-x86_64"),
        (asked(plan("xen"), emulate=True), "qemu-system-x86_64"),
    ):
        with pytest.raises(ToolNotFound, match=tool) as caught:
            check_machine(request)
        assert "install" in str(caught.value.hint)


def test_xen_needs_a_xen_host(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setattr(checks, "XEN", place / "capabilities")
    with pytest.raises(ToolNotFound, match="no Xen host") as caught:
        check_machine(asked(plan("xen")))
    assert "mirage/hello-xen/hello.xl" in str(caught.value.hint)
    (place / "capabilities").write_text("control_d\n")
    program(place / "bin" / "xl", "")
    monkeypatch.setenv("PATH", str(place / "bin"))
    check_machine(asked(plan("xen")))


def test_what_runs_an_image_may_be_there_without_what_builds_it(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setenv("PATH", str(place / "bin"))
    tools = [program(place / "bin" / name, "") for name in ("solo5-spt", "solo5-elftool")]
    found = checks.equipped(asked(plan("spt")), ToolchainChoice())
    assert [found.tender, found.elftool] == tools
    assert checks.equipped(asked(plan("hvt")), ToolchainChoice()).tender is None


def test_spt_is_not_emulated() -> None:
    with pytest.raises(ToolNotFound, match="no need of one"):
        check_request(built(asked(plan("spt"), emulate=True)))


# ---------------------------------------------------------------------------------------------------------------------
# Running


def tender(place: Path, script: str, name: str = "tools/tender") -> Path:
    return program(place / name, script)


def test_exit_code_of_the_unikernel_is_passed_on(place: Path) -> None:
    request = built(asked(plan("spt"), tender=tender(place, "exit 42")))
    assert start(request, Heard().voice) == 42


def test_signal_is_told_as_shells_tell_it(place: Path) -> None:
    request = built(asked(plan("spt"), tender=tender(place, "kill -SEGV $$")))
    assert start(request, Heard().voice) == 128 + 11


def test_interrupted_program_is_an_interruption(place: Path) -> None:
    request = asked(plan("unix"))
    program(request.image, "kill -INT $$")
    with pytest.raises(KeyboardInterrupt):
        start(request, Heard().voice)


@pytest.mark.parametrize("target", ["spt", "virtio"])
def test_unikernel_whose_time_is_over_is_ended(place: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    qemu = tender(place, "sleep 60", "tools/qemu-system-x86_64")
    monkeypatch.setenv("PATH", f"{place / 'tools'}:/bin:/usr/bin")
    with pytest.raises(ToolFailed, match=rf"dist/hello\.{target} still ran after 0\.2 s"):
        start(built(asked(plan(target), tender=qemu, timeout=0.2)), Heard().voice)


QEMU = """echo 'qemu-system-x86_64: warning: so what' >&2
printf 'booting\\r\\n'
printf '%s\\r\\n' "$SAID"
exit $CODE"""


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Solo5: solo5_exit(0) called", 0),
        ("Solo5: solo5_exit(3) called", 3),
        ("Solo5: solo5_exit(-1) called", 255),
        ("Solo5: solo5_abort() called", 255),
        ("quiet", 0),
    ],
)
def test_code_of_the_exit_device_is_mapped_back(
    place: Path, monkeypatch: pytest.MonkeyPatch, said: str, status: int
) -> None:
    tender(place, QEMU, "tools/qemu-system-x86_64")
    monkeypatch.setenv("PATH", f"{place / 'tools'}:/bin:/usr/bin")
    monkeypatch.setenv("SAID", said)
    monkeypatch.setenv("CODE", "83")
    heard = Heard()
    assert start(built(asked(plan("virtio"))), heard.voice) == status
    assert heard.console == ["booting", said]
    assert bool(heard.tender) == (said == "quiet")


@pytest.mark.parametrize("code", ["0", "1"])
def test_machine_that_ends_before_the_unikernel_is_a_failure(
    place: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    tender(place, QEMU, "tools/qemu-system-x86_64")
    monkeypatch.setenv("PATH", f"{place / 'tools'}:/bin:/usr/bin")
    monkeypatch.setenv("CODE", code)
    with pytest.raises(ToolFailed, match=rf"ended \(code {code}\) before the unikernel did") as caught:
        start(built(asked(plan("virtio"))), Heard().voice)
    assert caught.value.output == "qemu-system-x86_64: warning: so what"


XL = """echo "$@" >>"$LOG"
[ "$1" = create ] || exit 0
echo 'Parsing config from /dev/null' >&2
echo 'Solo5: solo5_exit(5) called'
echo "Domain 1 has shut down, reason code $REASON 0x0" >&2
sleep $SLEEP"""


@pytest.fixture
def xen(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Xen host with an xl that only tells; gives the file with its command lines."""
    tender(place, XL, "tools/xl")
    (place / "capabilities").write_text("control_d\n")
    monkeypatch.setattr(checks, "XEN", place / "capabilities")
    for name, value in {"LOG": str(place / "log"), "SLEEP": "0", "PATH": f"{place / 'tools'}:/bin:/usr/bin"}.items():
        monkeypatch.setenv(name, value)
    return place / "log"


@pytest.mark.parametrize(("reason", "status"), [("0", 5), ("3", 255)])
def test_end_of_a_guest_is_told_by_xl_and_its_console(
    xen: Path, monkeypatch: pytest.MonkeyPatch, reason: str, status: int
) -> None:
    monkeypatch.setenv("REASON", reason)
    heard = Heard()
    assert start(built(asked(plan("xen"))), heard.voice) == status
    assert heard.console == ["Solo5: solo5_exit(5) called"]
    assert "destroy" not in xen.read_text().splitlines()[-1].split()[:1]


def test_guest_whose_run_is_cut_short_is_destroyed(xen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLEEP", "60")
    with pytest.raises(ToolFailed, match="still ran"):
        start(built(asked(plan("xen"), timeout=0.3)), Heard().voice)
    assert xen.read_text().splitlines()[-1] == "destroy hello"


def test_printed_line_is_what_would_be_run(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    request = built(asked(plan("spt"), tender=Path("/opt/my tools/solo5-spt"), args=("a b",)))
    assert command_line(request, place, Heard().voice) == "'/opt/my tools/solo5-spt' -- dist/hello.spt '\"a b\"'"
    folder = place / "a b"
    far = RunRequest(plan=plan("virtio"), image=folder / "hello.virtio")
    assert command_line(built(far), place, Heard().voice).startswith(f"cd '{folder}' && qemu-system-x86_64 ")


# ---------------------------------------------------------------------------------------------------------------------
# Output


def test_first_line_of_the_unikernel_is_announced_once() -> None:
    calls: list[str] = []
    console = Console(calls.append, QEMU_SAYS, first=lambda: calls.append("!"))
    for line in ("qemu-system-x86_64: cannot", "one", "two"):
        console(line)
    assert calls == ["!", "one", "two"]
    assert console.said == ["qemu-system-x86_64: cannot"]


def test_last_exit_code_counts() -> None:
    console = Console(lambda _: None, XL_SAYS)
    for line in ("it said: Solo5: solo5_exit(1) called", "Solo5: solo5_exit(7) called"):
        console(line)
    assert console.status == 7


def test_guest_that_never_ended_has_no_status() -> None:
    assert guest_status(["libxl: error: no memory"], None) is None
    assert guest_status(["Domain 1 has shut down, reason code 0 0x0"], None) == 0
