"""What fills the gaps of a freestanding libc answers as this machine's libc does: the same C, under other names."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given, settings, strategies as st

from mirage_py.libraries.gaps import source_of
from mirage_py.model.gaps import FUNCTIONS

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("gcc") and shutil.which("objcopy")), reason="no C compiler and objcopy on this machine"
    ),
]

LONG_AGO, FAR_AWAY = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999."""
ALL_TIMES: Final = st.one_of(
    st.integers(-(2**31), 2**32),
    st.integers(LONG_AGO, FAR_AWAY),
    st.integers(-(2**55), 2**55),
    st.integers(-(2**63), 2**63 - 1),
)
MANY: Final = settings(max_examples=100, deadline=None)


class Date(ctypes.Structure):
    """struct tm of glibc, which is ours too."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("sec", "min", "hour", "mday", "mon", "year", "wday", "yday", "isdst")),
        ("gmtoff", ctypes.c_long),
        ("zone", ctypes.c_char_p),
    )

    def told(self) -> tuple[Any, ...]:
        """All fields. Any: numbers and a text."""
        return tuple(getattr(self, field[0]) for field in self._fields_)


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The functions, compiled for this machine, each under its name with `gap_` before it."""
    folder = tmp_path_factory.mktemp("gaps")
    names = folder / "names"
    names.write_text("".join(f"{name} gap_{name}\n" for name in FUNCTIONS), encoding="utf-8")
    flags = ("-O1", "-g", "-fPIC", "-fno-builtin", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE")
    sources = [source_of(name) for name in FUNCTIONS]
    subprocess.run(("gcc", *flags, "-c", *sources), cwd=folder, check=True)
    objects = [folder / f"{name}.o" for name in FUNCTIONS]
    for one in objects:
        subprocess.run(("objcopy", f"--redefine-syms={names}", one), check=True)
    library = folder / "gaps.so"
    subprocess.run(("gcc", "-shared", "-fPIC", *objects, HERE / "harness.c", "-o", library), check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture(scope="module", autouse=True)
def in_utc() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC0"
    time.tzset()
    yield
    del os.environ["TZ"]
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


HOST = ctypes.CDLL(None, use_errno=True)
_POINTERS = {"gmtime_r", "localtime_r", "gmtime", "localtime"}


def both(gaps: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> tuple[Any, Any]:
    """The function of the gaps and the one of this machine. Any: types of C."""
    ours, theirs = gaps[f"gap_{name}"], HOST[name]
    for one in (ours, theirs):
        one.restype, one.argtypes = result, arguments
    return ours, theirs


# --- time -------------------------------------------------------------------------------------------------------------


@MANY
@given(seconds=ALL_TIMES)
@example(seconds=0)
@example(seconds=-1)
@example(seconds=67768036191676799)  # the last second of the last year that an int holds
@example(seconds=67768036191676800)
@example(seconds=-67768040609740800)
@example(seconds=-67768040609740801)
@pytest.mark.parametrize("name", ["gmtime_r", "localtime_r"])
def test_calendar_of_every_moment(gaps: ctypes.CDLL, name: str, seconds: int) -> None:
    moment = ctypes.c_int64(seconds)
    found = []
    for function in both(gaps, name, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p):
        date = Date()
        answer = function(ctypes.byref(moment), ctypes.byref(date))
        found.append(date.told() if answer else None)
    assert found[0] == found[1]


def test_calendar_of_days_for_a_thousand_years(gaps: ctypes.CDLL) -> None:
    """And back again: every other day from 1500 to 2500, at a second of its own."""
    ours, theirs = both(gaps, "gmtime_r", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    back = gaps["gap_timegm"]
    back.restype, back.argtypes = ctypes.c_int64, [ctypes.c_void_p]
    mine, other = Date(), Date()
    for day in range(-171_660, 193_596, 2):
        moment = ctypes.c_int64(day * 86400 + (day * 7919) % 86400)
        ours(ctypes.byref(moment), ctypes.byref(mine))
        theirs(ctypes.byref(moment), ctypes.byref(other))
        assert bytes(mine)[:36] == bytes(other)[:36], moment.value
        assert back(ctypes.byref(mine)) == moment.value


SMALL, INT = st.integers(-2000, 2000), st.integers(-(2**31), 2**31 - 1)
FIELDS: Final = st.one_of(
    st.tuples(SMALL, SMALL, SMALL, SMALL, SMALL, st.integers(-1900, 8000)), st.tuples(INT, INT, INT, INT, INT, INT)
)


@MANY
@given(fields=FIELDS)
@example(fields=(59, 59, 23, 31, 11, 69))  # a second before 1970: -1 is no failure
@example(fields=(0, 0, 0, 29, 1, 2**31 - 1))
@pytest.mark.parametrize("name", ["timegm", "mktime"])
def test_moment_of_every_date(gaps: ctypes.CDLL, name: str, fields: tuple[int, ...]) -> None:
    found = []
    for function in both(gaps, name, ctypes.c_int64, ctypes.c_void_p):
        date = Date(*fields, 0, 0, 0, 0, None)
        found.append((function(ctypes.byref(date)), date.told()))
    assert found[0] == found[1]


CONVERSIONS = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%"
PIECES = st.one_of(
    st.sampled_from(["", " ", "week ", "-", "T"]),
    st.builds(
        lambda flag, width, letter: f"%{flag}{'' if flag == '-' or letter == 'z' else width}{letter}",
        st.sampled_from(["", "", "_", "-", "0", "^", "#"]),
        st.sampled_from(["", "", "", "3", "12"]),
        st.sampled_from(CONVERSIONS),
    ),
)


@settings(max_examples=400, deadline=None)
@example(seconds=0, pieces=["%3s", "%012s", "%_12s", "%^3s", "%#12s"], short=0)
@example(seconds=-5, pieces=["%3s", "%012s", "%_12s", "%s", "%0s"], short=0)
@given(
    seconds=st.one_of(st.integers(-(2**31), 2**32), st.integers(-30_610_224_000, FAR_AWAY)),
    pieces=st.lists(PIECES, max_size=4),
    short=st.integers(0, 12),
)
def test_strftime_with_all_conversions(gaps: ctypes.CDLL, seconds: int, pieces: list[str], short: int) -> None:
    """With too little room too; what a width does to a zone, and to what is not to be padded, differs between libcs."""
    size = short or 200
    form = "".join(pieces).encode()
    date = Date()
    HOST.localtime_r.restype = ctypes.c_void_p
    HOST.localtime_r(ctypes.byref(ctypes.c_int64(seconds)), ctypes.byref(date))
    found = []
    pointer, number = ctypes.c_void_p, ctypes.c_size_t
    for function in both(gaps, "strftime", number, pointer, number, ctypes.c_char_p, pointer):
        text = ctypes.create_string_buffer(b"\xff" * 256, 257)
        length = function(text, size, form, ctypes.byref(date))
        found.append(text.raw[:length] if length else b"")
    assert found[0] == found[1], form


@pytest.mark.parametrize("letter", CONVERSIONS)
def test_strftime_of_every_conversion_over_days(gaps: ctypes.CDLL, letter: str) -> None:
    """Every day of eighteen years, whose ends of December and starts of January are the hard ones of the weeks."""
    pointer, number = ctypes.c_void_p, ctypes.c_size_t
    ours, theirs = both(gaps, "strftime", number, pointer, number, ctypes.c_char_p, pointer)
    form, date = f"%{letter}".encode(), Date()
    HOST.localtime_r.restype = ctypes.c_void_p
    one, other = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
    for day in range(-1500, 5000, 3):
        HOST.localtime_r(ctypes.byref(ctypes.c_int64(day * 86_461)), ctypes.byref(date))
        ours(one, 64, form, ctypes.byref(date))
        theirs(other, 64, form, ctypes.byref(date))
        assert one.value == other.value, day


@pytest.mark.parametrize(
    ("form", "text"), [(b"%E*", b"%E*"), (b"50%", b"50%"), (b"%q", b"%q"), (b"%Ey", b"70"), (b"%Od", b"01"), (b"", b"")]
)
def test_strftime_of_what_is_rare(gaps: ctypes.CDLL, form: bytes, text: bytes) -> None:
    function = gaps["gap_strftime"]
    function.restype, function.argtypes = (
        ctypes.c_size_t,
        [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p],
    )
    found = ctypes.create_string_buffer(64)
    assert function(found, 64, form, ctypes.byref(Date(0, 0, 0, 1, 0, 70, 4, 0, 0, 0, b"UTC"))) == len(text)
    assert found.value == text


@MANY
@given(
    fields=st.tuples(
        *[st.integers(0, 99)] * 3, st.integers(0, 99), st.integers(0, 11), st.integers(-900, 8099), st.integers(0, 6)
    )
)
def test_asctime(gaps: ctypes.CDLL, fields: tuple[int, ...]) -> None:
    for name, rest in (("asctime", ()), ("asctime_r", (ctypes.create_string_buffer(64),))):
        ours, theirs = both(gaps, name, ctypes.c_char_p, ctypes.c_void_p, *([ctypes.c_void_p] * len(rest)))
        date = Date(*fields, 0, 0, 0, None)
        assert ours(ctypes.byref(date), *rest) == theirs(ctypes.byref(date), *rest)


def test_asctime_of_a_year_that_does_not_fit(gaps: ctypes.CDLL) -> None:
    function = gaps["gap_asctime"]
    function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    assert function(ctypes.byref(Date(year=8100, mday=1))) is None


@MANY
@given(seconds=st.integers(-30_610_224_000, FAR_AWAY))
def test_ctime_and_calendars_in_places_of_their_own(gaps: ctypes.CDLL, seconds: int) -> None:
    moment = ctypes.c_int64(seconds)
    ours, theirs = both(gaps, "ctime", ctypes.c_char_p, ctypes.c_void_p)
    assert ours(ctypes.byref(moment)) == theirs(ctypes.byref(moment))
    buffer = ctypes.create_string_buffer(64)
    ours, theirs = both(gaps, "ctime_r", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)
    assert ours(ctypes.byref(moment), buffer) == theirs(ctypes.byref(moment), buffer)
    for name in ("gmtime", "localtime"):
        mine, other = (
            f(ctypes.byref(moment)).contents.told() for f in both(gaps, name, ctypes.POINTER(Date), ctypes.c_void_p)
        )
        assert mine == other


@MANY
@given(later=ALL_TIMES, earlier=ALL_TIMES)
def test_difftime(gaps: ctypes.CDLL, later: int, earlier: int) -> None:
    ours, theirs = both(gaps, "difftime", ctypes.c_double, ctypes.c_int64, ctypes.c_int64)
    assert ours(later, earlier) == theirs(later, earlier)


def test_clocks_tell_the_time(gaps: ctypes.CDLL) -> None:
    class Spec(ctypes.Structure):
        _fields_ = (("sec", ctypes.c_int64), ("nsec", ctypes.c_long))

    found, stored = Spec(), ctypes.c_int64()
    moment = gaps.gap_time
    moment.restype, moment.argtypes = ctypes.c_int64, [ctypes.c_void_p]
    assert abs(moment(ctypes.byref(stored)) - time.time()) < 2
    assert abs(stored.value - moment(None)) < 2
    for clock, now in ((time.CLOCK_REALTIME, time.time_ns), (time.CLOCK_MONOTONIC, time.monotonic_ns)):
        assert gaps.gap_clock_gettime(clock, ctypes.byref(found)) == 0
        assert abs(found.sec * 10**9 + found.nsec - now()) < 2 * 10**9
    assert gaps.gap_clock_gettime(17, ctypes.byref(found)) == -1
    assert gaps.gap_timespec_get(ctypes.byref(found), 1) == 1
    assert abs(found.sec - time.time()) < 2
    assert gaps.gap_timespec_get(ctypes.byref(found), 2) == 0
    gaps.gap_tzset()


# --- texts ------------------------------------------------------------------------------------------------------------

TEXTS: Final = st.binary(max_size=24).map(lambda found: found.replace(b"\0", b""))
CLOSE: Final = st.text("aAbB,; xz", max_size=16).map(str.encode)
EITHER: Final = st.one_of(TEXTS, CLOSE)


@MANY
@given(text=EITHER, other=EITHER, most=st.integers(0, 30), byte=st.integers(-128, 255))
def test_texts(gaps: ctypes.CDLL, text: bytes, other: bytes, most: int, byte: int) -> None:
    chars, number, size = ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    cases: tuple[tuple[str, Any, tuple[Any, ...], tuple[Any, ...]], ...] = (
        ("strdup", chars, (chars,), (text,)),
        ("strndup", chars, (chars, size), (text, most)),
        ("strrchr", chars, (chars, number), (text, byte)),
        ("strpbrk", chars, (chars, chars), (text, other)),
        ("strspn", size, (chars, chars), (text, other)),
        ("strcspn", size, (chars, chars), (text, other)),
    )
    for name, result, types, values in cases:
        ours, theirs = both(gaps, name, result, *types)
        assert ours(*values) == theirs(*values), name
    for name, extra in (("strcasecmp", ()), ("strncasecmp", (most,))):
        ours, theirs = both(gaps, name, number, chars, chars, *([size] * len(extra)))
        assert sign(ours(text, other, *extra)) == sign(theirs(text, other, *extra)), name


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@MANY
@given(text=EITHER, other=EITHER, most=st.integers(0, 30))
def test_texts_that_are_written(gaps: ctypes.CDLL, text: bytes, other: bytes, most: int) -> None:
    chars, size, pointer = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p
    for name, extra in (("strcat", ()), ("strncat", (most,))):
        found = []
        for function in both(gaps, name, pointer, pointer, chars, *([size] * len(extra))):
            place = ctypes.create_string_buffer(text, 80)
            assert function(place, other, *extra) == ctypes.addressof(place)
            found.append(place.raw[: len(text) + len(other) + 1])
        assert found[0] == found[1], name
    place = ctypes.create_string_buffer(80)
    assert both(gaps, "strcpy", pointer, pointer, chars)[0](place, text) == ctypes.addressof(place)
    assert place.value == text
    ours, theirs = both(gaps, "stpcpy", pointer, pointer, chars)
    assert ours(place, text) - ctypes.addressof(place) == len(text) == theirs(place, text) - ctypes.addressof(place)
    assert place.value == text


@MANY
@given(text=CLOSE, separators=st.text(",; b", max_size=3).map(str.encode))
def test_words(gaps: ctypes.CDLL, text: bytes, separators: bytes) -> None:
    found = []
    for function in both(gaps, "strtok_r", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p):
        place, rest, words = ctypes.create_string_buffer(text, 40), ctypes.c_void_p(), []
        word = function(place, separators, ctypes.byref(rest))
        while word is not None:
            words.append(word)
            word = function(None, separators, ctypes.byref(rest))
        found.append(words)
    assert found[0] == found[1]


@MANY
@given(text=st.binary(max_size=60), wanted=st.binary(max_size=4), byte=st.integers(0, 255))
def test_bytes(gaps: ctypes.CDLL, text: bytes, wanted: bytes, byte: int) -> None:
    wanted = wanted or text[3:5]
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    place = ctypes.create_string_buffer(text, len(text) + 1)
    ours, theirs = both(gaps, "memmem", pointer, pointer, size, ctypes.c_char_p, size)
    for needle in (wanted, text[3:5]):
        assert ours(place, len(text), needle, len(needle)) == theirs(place, len(text), needle, len(needle))
    ours, theirs = both(gaps, "memrchr", pointer, pointer, ctypes.c_int, size)
    assert ours(place, byte, len(text)) == theirs(place, byte, len(text))


NUMERALS = st.one_of(
    st.builds(
        lambda blank, sign, prefix, digits, tail: f"{blank}{sign}{prefix}{digits}{tail}".encode(),
        st.sampled_from(["", " ", "\t\n"]),
        st.sampled_from(["", "+", "-"]),
        st.sampled_from(["", "0", "0x", "0X"]),
        st.text("0123456789abcdefzF", max_size=24),
        st.sampled_from(["", ".", "xyz"]),
    ),
    TEXTS,
)


@settings(max_examples=200, deadline=None)
@given(text=NUMERALS, base=st.one_of(st.sampled_from([0, 10, 16, 8]), st.integers(2, 36)))
@pytest.mark.parametrize(
    ("name", "kind"), [("strtoul", ctypes.c_ulong), ("strtoull", ctypes.c_ulonglong), ("strtoll", ctypes.c_longlong)]
)
def test_numbers_are_read(gaps: ctypes.CDLL, name: str, kind: Any, text: bytes, base: int) -> None:
    found = []
    place = ctypes.create_string_buffer(text, len(text) + 1)
    for function in both(gaps, name, kind, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int):
        end = ctypes.c_void_p()
        found.append((function(place, ctypes.byref(end), base), (end.value or 0) - ctypes.addressof(place)))
    assert found[0] == found[1]


@MANY
@given(text=NUMERALS, number=st.integers(-(2**31) + 1, 2**31 - 1), big=st.integers(-(2**63) + 1, 2**63 - 1))
def test_small_numbers(gaps: ctypes.CDLL, text: bytes, number: int, big: int) -> None:
    for name, kind in (("atoi", ctypes.c_int), ("atol", ctypes.c_long), ("atoll", ctypes.c_longlong)):
        ours, theirs = both(gaps, name, kind, ctypes.c_char_p)
        assert ours(text) == theirs(text), name
    for name, kind, value in (
        ("abs", ctypes.c_int, number),
        ("labs", ctypes.c_long, big),
        ("llabs", ctypes.c_longlong, big),
    ):
        ours, theirs = both(gaps, name, kind, kind)
        assert ours(value) == theirs(value) == abs(value)


@pytest.mark.parametrize("name", [name for name, gap in FUNCTIONS.items() if gap.header == "ctype.h"])
def test_kinds_of_characters(gaps: ctypes.CDLL, name: str) -> None:
    ours, theirs = both(gaps, name, ctypes.c_int, ctypes.c_int)
    for c in range(-1, 256):
        mine, other = ours(c), theirs(c)
        assert (mine == other) if name.startswith("to") else (bool(mine) == bool(other)), c


@MANY
@given(text=TEXTS, number=st.integers(-(2**31), 2**31 - 1))
def test_sprintf(gaps: ctypes.CDLL, text: bytes, number: int) -> None:
    found = []
    for function in (gaps.gap_sprintf, gaps.through_vsprintf, HOST.sprintf):
        function.restype = ctypes.c_int
        place = ctypes.create_string_buffer(256)
        found.append(
            (function(place, b"<%s> %5d %x %c", text, ctypes.c_int(number), ctypes.c_int(number), 65), place.value)
        )
    assert found[0] == found[1] == found[2]


@MANY
@given(numbers=st.lists(st.integers(-50, 50), max_size=40), wanted=st.integers(-50, 50))
def test_bsearch(gaps: ctypes.CDLL, numbers: list[int], wanted: int) -> None:
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    array = (ctypes.c_int * len(numbers))(*sorted(set(numbers)))
    count, key = len(set(numbers)), ctypes.c_int(wanted)
    function = gaps.gap_bsearch
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, compare]
    found = function(ctypes.byref(key), array, count, 4, compare(lambda a, b: a[0] - b[0]))
    where = None if found is None else (found - ctypes.addressof(array)) // 4
    assert where == (sorted(set(numbers)).index(wanted) if wanted in numbers else None)


def _in_order(one: int, other: int) -> int:
    return ctypes.c_int32.from_address(one).value - ctypes.c_int32.from_address(other).value


@MANY
@given(numbers=st.lists(st.integers(-50, 50), max_size=60), width=st.sampled_from([4, 7, 16]))
def test_qsort(gaps: ctypes.CDLL, numbers: list[int], width: int) -> None:
    """Elements of any size, none of which gets lost or mixed with another."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    elements = [number.to_bytes(4, "little", signed=True) + bytes([number & 255]) * (width - 4) for number in numbers]
    place = ctypes.create_string_buffer(b"".join(elements), width * len(elements) + 1)
    function = gaps.gap_qsort
    function.restype, function.argtypes = None, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, compare]
    function(place, len(elements), width, compare(_in_order))
    assert place.raw[:-1] == b"".join(element for _, element in sorted(zip(numbers, elements, strict=True)))


@MANY
@given(number=st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-5, 200)))
def test_strerror(gaps: ctypes.CDLL, number: int) -> None:
    """In the words of this machine, for the numbers that the function knows; all others are unknown to it."""
    ours, theirs = both(gaps, "strerror", ctypes.c_char_p, ctypes.c_int)
    assert ours(number) in (theirs(number), b"Unknown error %d" % number)
    assert all(ours(known) == theirs(known) for known in (0, errno.ENOENT, errno.ENOSYS, errno.EMFILE, errno.ERANGE))


def test_getcwd_is_the_root(gaps: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    for size, room in ((0, True), (1, True), (2, True), (80, True), (0, False), (1, False), (80, False)):
        found = []
        for function in both(gaps, "getcwd", ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t):
            place = ctypes.create_string_buffer(80) if room else None
            ctypes.set_errno(0)
            found.append((function(place, size), place and place.value))
        assert found[0] == found[1], (size, room)


def test_what_has_to_fail_fails_and_says_so(gaps: ctypes.CDLL) -> None:
    for answer in (gaps.gap_dup(1), gaps.gap_dup2(1, 2)):
        assert answer == -1


def test_every_function_is_looked_at_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    told = {"vsprintf"} | {
        name
        for name in FUNCTIONS
        if f'"{name}"' in text or f"gap_{name}" in text or FUNCTIONS[name].header == "ctype.h"
    }
    assert set(FUNCTIONS) == told
