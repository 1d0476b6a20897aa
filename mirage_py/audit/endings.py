"""What of OCaml's standard library ends a freestanding program, by the primitive of the runtime behind it.

Which primitives do so depends on the target: on its C library, and on what the configuration fills of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mirage_py.audit.runtime import KNOWN
from mirage_py.dataclass import dataclass

__all__ = ["EXIT", "EXITING", "FUNCTIONS", "PERHAPS", "RAISING", "Ending", "ending_with"]

_OPENING: Final = (
    *("open_in", "open_in_bin", "open_in_gen", "open_out", "open_out_bin", "open_out_gen"),
    *("Filename.temp_file", "Filename.open_temp_file", "Digest.file", "In_channel.open_bin", "In_channel.open_text"),
    *("In_channel.open_gen", "In_channel.with_open_bin", "In_channel.with_open_text", "In_channel.with_open_gen"),
    *("Out_channel.open_bin", "Out_channel.open_text", "Out_channel.with_open_bin", "Out_channel.with_open_text"),
    *("Out_channel.with_open_gen", "Scanf.Scanning.open_in", "Scanf.Scanning.from_file", "Scanning.open_in"),
    "Scanning.from_file",
)
_READING: Final = (
    *("read_line", "read_int", "read_int_opt", "read_float", "read_float_opt", "input_line", "input_char"),
    *("really_input_string", "In_channel.input_all", "In_channel.input_line", "Scanf.scanf", "Scanf.Scanning.stdin"),
    *("Scanning.stdin", "Scanf.Scanning.stdib", "Scanning.stdib"),
)

FUNCTIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_OPENING, "caml_sys_open"),
    **dict.fromkeys(_READING, "caml_ml_input"),
    "close_in": "caml_ml_close_channel",
    "Sys.readdir": "caml_sys_read_directory",
    "Sys.is_directory": "caml_sys_is_directory",
    "Sys.chdir": "caml_sys_chdir",
    "Sys.mkdir": "caml_sys_mkdir",
    "Filename.temp_dir": "caml_sys_mkdir",
    "Sys.rmdir": "caml_sys_rmdir",
    "Sys.getcwd": "caml_sys_getcwd",
    "Sys.remove": "caml_sys_remove",
    "Sys.rename": "caml_sys_rename",
    "Sys.command": "caml_sys_system_command",
    **dict.fromkeys(("in_channel_length", "out_channel_length", "In_channel.length"), "caml_ml_channel_size"),
    "Out_channel.length": "caml_ml_channel_size",
    **dict.fromkeys(("seek_in", "In_channel.seek"), "caml_ml_seek_in"),
    **dict.fromkeys(("seek_out", "Out_channel.seek"), "caml_ml_seek_out"),
    "Sys.signal": "caml_install_signal_handler",
    "Sys.set_signal": "caml_install_signal_handler",
    "Domain.spawn": "caml_domain_spawn",
}
"""By name as a program writes it."""

PERHAPS: Final = frozenset({"Arg.parse", "Arg.parse_dynamic", "Arg.parse_expand"})
"""What ends a program with `exit` where it does not get the arguments that it expects."""

RAISING: Final = frozenset({"Sys.getenv"})
"""What raises an exception, always: there is no environment. It ends a program where nothing catches that."""

EXITING: Final = frozenset({"exit", *PERHAPS})
"""What ends a program because it is there for that, on every target."""

EXIT: Final = "caml_sys_exit"
"""The primitive behind it."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What ends a program: functions of the standard library, and primitives, by name."""

    functions: frozenset[str] = frozenset(FUNCTIONS) | EXITING | RAISING
    primitives: frozenset[str] = frozenset(KNOWN) | {EXIT}

    def beyond(self, other: Ending) -> Ending:
        """What ends a program here, and does not there."""
        return Ending(functions=self.functions - other.functions, primitives=self.primitives - other.primitives)


def ending_with(primitives: Mapping[str, str]) -> Ending:
    """What ends a program where these primitives do; one that mpy does not know always does."""
    spared = KNOWN.keys() - primitives.keys()
    functions = frozenset(name for name, primitive in FUNCTIONS.items() if primitive not in spared)
    return Ending(functions=functions | EXITING | RAISING, primitives=(frozenset(KNOWN) - spared) | {EXIT})
