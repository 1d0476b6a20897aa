"""`mpy run --setup`: what it makes, with whose consent, and that `--undo` takes away that and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from mirage_py.errors import MpyError, ToolFailed, UnsupportedTarget, WouldOverwrite
from mirage_py.runner import devices
from mirage_py.runner.setup import NotAllowed, remember_devices, set_up, undo, wanted
from tests.unit.runner_help import asked, plan, program

IP = """echo "$@" >>"$HOST/log"
case "$1 $2" in
'tuntap add') n=$(cat "$HOST/next"); echo "$n" >"$HOST/net/$4"; echo $((n + 1)) >"$HOST/next" ;;
'tuntap del') rm "$HOST/net/$4" ;;
"$FAIL") echo 'RTNETLINK answers: no' >&2; exit 2 ;;
esac"""


class Host:
    """A machine with an `ip` that only writes down what it is told, and a `sudo` that does as it is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "net").mkdir(parents=True)
        (root / "next").write_text("7")
        (root / "log").touch()
        program(root / "bin" / "ip", IP)
        program(root / "bin" / "sudo", f'echo "sudo $@" >>"{root}/log"\nexec "$@"')

    def number(self, name: str) -> int | None:
        """The number of an interface."""
        file = self.root / "net" / name
        return int(file.read_text()) if file.exists() else None

    @property
    def log(self) -> list[str]:
        return (self.root / "log").read_text().splitlines()

    @property
    def interfaces(self) -> list[str]:
        return sorted(file.name for file in (self.root / "net").iterdir())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The machine, on which we are root."""
    made = Host(tmp_path / "host")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(devices, "interface_number", made.number)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    settings = {"PATH": f"{made.root}/bin:/usr/bin:/bin", "HOST": str(made.root), "FAIL": "-"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in ("MPY_YES", "SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def user(host: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The machine, on which we are somebody."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return host


def nobody_answers(_question: str) -> NoReturn:
    pytest.fail("there was nothing to ask")


class Yes:
    """A person who says yes, and remembers to what."""

    question = ""

    def __call__(self, question: str) -> bool:
        self.question = question
        return True


BOTH = plan("spt", nets=("service",), blocks=("storage",))


def set_both_up(ask: Callable[[str], bool] | None = nobody_answers) -> list[str]:
    here = Path.cwd()
    return [one.name for one in set_up(here, "hello", wanted(asked(BOTH), here, size_mb=1), ask)]


def test_root_gets_a_tap_with_an_address_and_a_disk(host: Host) -> None:
    assert set_both_up() == ["tap0", str(Path.cwd() / "storage.img")]
    assert host.log == [
        "tuntap add dev tap0 mode tap",
        "address add 10.0.0.1/24 dev tap0",
        "link set dev tap0 up",
    ]
    assert Path("storage.img").stat().st_size == 1 << 20
    assert Path("storage.img").stat().st_blocks == 0


def test_what_was_made_is_used_without_being_named(host: Host) -> None:
    set_both_up()
    request = remember_devices(asked(BOTH), Path.cwd())
    assert (request.nets, request.blocks) == ({"service": "tap0"}, {"storage": Path.cwd() / "storage.img"})
    assert wanted(request, Path.cwd()) == ()
    given = remember_devices(asked(BOTH, nets={"service": "tap9"}), Path.cwd())
    assert given.nets == {"service": "tap9"}


def test_other_unikernels_do_not_get_it(host: Host) -> None:
    set_both_up()
    other = asked(plan("spt", nets=("service",), name="other"))
    assert remember_devices(other, Path.cwd()).nets == {}


def test_free_names_and_networks_are_taken(host: Host) -> None:
    for name in ("tap0", "tap2"):
        (host.root / "net" / name).write_text("1")
    request = asked(plan("spt", nets=("a", "b", "c")), nets={"b": "tap1"})
    assert [(one.device, one.name, one.address) for one in wanted(request, Path.cwd())] == [
        ("a", "tap3", "10.0.0.1/24"),
        ("b", "tap1", "10.0.1.1/24"),
        ("c", "tap4", "10.0.2.1/24"),
    ]


def test_program_of_the_host_gets_what_it_opens_by_name(host: Host) -> None:
    Path("there.img").touch()
    request = asked(plan("unix", nets=("tap0",), blocks=("disk.img", "there.img")))
    assert [one.name for one in wanted(request, Path.cwd())] == ["tap0", str(Path.cwd() / "disk.img")]


def test_xen_gets_disks_and_a_word_about_bridges(host: Host) -> None:
    request = asked(plan("xen", nets=("0",), blocks=("disk",)))
    with pytest.raises(UnsupportedTarget) as caught:
        wanted(request, Path.cwd())
    assert "type bridge" in str(caught.value.hint)
    emulated = asked(plan("xen", nets=("0",), blocks=("disk",)), emulate=True)
    assert [one.kind for one in wanted(emulated, Path.cwd())] == ["tap", "disk"]


def test_device_belongs_to_who_called_sudo(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "1234")
    set_both_up()
    assert host.log[0] == "tuntap add dev tap0 mode tap user 1234"


# ---------------------------------------------------------------------------------------------------------------------
# Consent


def test_user_is_asked_with_the_lines_that_would_be_run(user: Host) -> None:
    asked_for = Yes()
    set_both_up(asked_for)
    assert asked_for.question.splitlines() == [
        "sudo ip tuntap add dev tap0 mode tap user 1000",
        "sudo ip address add 10.0.0.1/24 dev tap0",
        "sudo ip link set dev tap0 up",
        f"truncate -s 1M {Path.cwd()}/storage.img",
        "run this?",
    ]
    assert user.log[0] == "sudo ip tuntap add dev tap0 mode tap user 1000"


def test_no_means_no(user: Host) -> None:
    with pytest.raises(NotAllowed, match="nothing was done") as caught:
        set_both_up(lambda _: False)
    assert caught.value.exit_code == 5
    assert (user.log, list(Path.cwd().iterdir())) == ([], [])


def test_where_nobody_can_be_asked_the_lines_are_told(user: Host) -> None:
    with pytest.raises(NotAllowed) as caught:
        set_both_up(None)
    assert caught.value.exit_code == 5
    assert "sudo ip tuntap add dev tap0 mode tap user 1000" in str(caught.value.hint)
    assert (user.log, list(Path.cwd().iterdir())) == ([], [])


def test_yes_may_be_said_in_advance(user: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPY_YES", "1")
    assert set_both_up(None)[0] == "tap0"


def test_without_sudo_the_lines_are_for_root(user: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(user.root / "nothing"))
    with pytest.raises(NotAllowed, match="no sudo") as caught:
        set_both_up()
    assert str(caught.value.hint).startswith("as root:\nip tuntap add dev tap0 mode tap user 1000\n")


# ---------------------------------------------------------------------------------------------------------------------
# Trouble


@pytest.mark.parametrize("step", ["address add", "link set"])
def test_half_a_tap_is_none(host: Host, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setenv("FAIL", step)
    with pytest.raises(ToolFailed) as caught:
        set_both_up()
    assert "RTNETLINK answers: no" in caught.value.output
    assert (host.interfaces, list(Path.cwd().iterdir())) == ([], [])


def test_file_of_the_users_is_not_taken_for_a_disk(host: Host) -> None:
    Path("storage.img").write_text("mine")
    with pytest.raises(WouldOverwrite) as caught:
        wanted(asked(BOTH), Path.cwd())
    assert "--block storage=storage.img" in str(caught.value.hint)


def test_file_that_comes_in_between_is_not_touched(host: Host) -> None:
    todo = wanted(asked(BOTH), Path.cwd())
    Path("storage.img").write_text("mine")
    with pytest.raises(MpyError, match="cannot make the disk"):
        set_up(Path.cwd(), "hello", todo, None)
    assert Path("storage.img").read_text() == "mine"


def test_disk_in_a_folder_that_is_not_there_is_told(host: Host) -> None:
    request = asked(plan("spt", blocks=("storage",)), blocks={"storage": Path("no/where.img")})
    with pytest.raises(MpyError, match="cannot make the disk"):
        set_up(Path.cwd(), "hello", wanted(request, Path.cwd()), None)


def test_what_was_made_before_a_failure_is_remembered(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    request = asked(BOTH, blocks={"storage": Path("no/where.img")})
    with pytest.raises(MpyError, match="cannot make the disk"):
        set_up(Path.cwd(), "hello", wanted(request, Path.cwd()), None)
    assert [one.name for one in undo(Path.cwd(), ["hello"], None)[0]] == ["tap0"]
    assert host.interfaces == []


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1, "made": [{"kind": "tap"}]}', '{"format": 2, "made": []}'])
def test_list_that_cannot_be_read_is_told(host: Host, text: str) -> None:
    Path("mirage").mkdir()
    Path("mirage/devices.json").write_text(text)
    with pytest.raises(MpyError, match=r"mirage/devices\.json"):
        remember_devices(asked(BOTH), Path.cwd())


# ---------------------------------------------------------------------------------------------------------------------
# Undo


def test_undo_removes_what_was_made_and_forgets_it(host: Host) -> None:
    (host.root / "net" / "tap0").write_text("1")
    set_both_up()
    removed, kept = undo(Path.cwd(), ["hello"], nobody_answers)
    assert [one.name for one in removed] == ["tap1", str(Path.cwd() / "storage.img")]
    assert kept == ()
    assert host.interfaces == ["tap0"]
    assert list(Path.cwd().rglob("*.*")) == []
    assert undo(Path.cwd(), ["hello"], nobody_answers) == ((), ())


def test_undo_leaves_what_only_has_the_name(host: Host) -> None:
    set_both_up()
    (host.root / "net" / "tap0").write_text("99")
    Path("storage.img").rename("mine.img")
    Path("storage.img").touch()
    removed, kept = undo(Path.cwd(), ["hello"], nobody_answers)
    assert (removed, len(kept)) == ((), 2)
    assert Path("storage.img").exists()
    assert host.interfaces == ["tap0"]


def test_undo_is_for_the_chosen_unikernels(host: Host) -> None:
    set_both_up()
    set_up(Path.cwd(), "other", wanted(asked(plan("spt", nets=("service",), name="other")), Path.cwd()), None)
    undo(Path.cwd(), ["hello"], None)
    assert host.interfaces == ["tap1"]
    assert [one["unikernel"] for one in json.loads(Path("mirage/devices.json").read_text())["made"]] == ["other"]


def test_undo_asks_too(user: Host) -> None:
    set_both_up(lambda _: True)
    asked_for = Yes()
    undo(Path.cwd(), ["hello"], asked_for)
    assert asked_for.question == f"sudo ip tuntap del dev tap0 mode tap\nrm {Path.cwd()}/storage.img\nrun this?"
    assert user.interfaces == []
