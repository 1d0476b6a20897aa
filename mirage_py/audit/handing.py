"""What functions of the standard library do with what is handed to them, as far as that ends a program at start."""

from __future__ import annotations

import re
from typing import Final

from mirage_py.audit.endings import PERHAPS

__all__ = ["ARITY", "AT_EXIT", "CALLS", "GIVES", "KEEPS", "OF_CHANNELS", "STANDARD", "STANDARD_LIBRARY"]

OF_CHANNELS: Final = frozenset(
    {
        *("close_in", "in_channel_length", "In_channel.length", "seek_in", "In_channel.seek", "input_line"),
        *("input_char", "really_input_string", "In_channel.input_all"),
        *("In_channel.input_line", "caml_ml_channel_size", "caml_ml_channel_size_64", "caml_ml_seek_in"),
        *("caml_ml_seek_in_64", "caml_ml_seek_out", "caml_ml_seek_out_64", "caml_ml_close_channel", "caml_ml_input"),
        *("caml_ml_input_bigarray", "caml_ml_input_char", "caml_ml_input_int", "caml_ml_input_scan_line"),
        *("caml_input_value", "caml_md5_chan"),
    }
)
"""What ends the program when it is handed a channel."""

STANDARD_LIBRARY: Final = ("Stdlib", "Pervasives", "Caml")
"""The names of the standard library, of today and of former times; `Caml` is that of Jane Street's libraries."""

STANDARD: Final = ("stdin",)
"""The channel that can be read from and that nobody opens."""

ARITY: Final = {
    **dict.fromkeys(PERHAPS, 3),
    **dict.fromkeys(("open_in_gen", "open_out_gen", "In_channel.open_gen", "Out_channel.open_gen"), 3),
    **dict.fromkeys(("Sys.mkdir", "Sys.rename", "Sys.signal", "Sys.set_signal", "Filename.temp_file"), 2),
    **dict.fromkeys(("Filename.open_temp_file", "Filename.temp_dir", "really_input_string"), 2),
    **dict.fromkeys((f"In_channel.with_open_{how}" for how in ("bin", "text")), 2),
    **dict.fromkeys((f"Out_channel.with_open_{how}" for how in ("bin", "text")), 2),
    **dict.fromkeys(("In_channel.with_open_gen", "Out_channel.with_open_gen"), 4),
}
"""How many arguments those take that take more than one, optional ones left out."""

CALLS: Final = re.compile(
    r"(?:Stdlib\.)?(?:(?:List|Array|Seq|Hashtbl|String|Bytes|Option|Result|Either|Queue|Stack|Map|Set|Float\.Array|In_channel"
    r"|Out_channel|Printf|Format|Fun|Lazy|Scanf|ListLabels|ArrayLabels|StringLabels|Domain|Effect\.Deep|Bigarray\.\w+)\.\w+"
    r"|at_exit|do_at_exit|failwith|raise|let|\()"
)
"""Functions that call what is handed to them, or let it be called before the program ends."""

KEEPS: Final = re.compile(
    r"(?:Stdlib\.)?(?:ref|ignore|fst|snd|Lazy\.(?:from_fun|from_val)|Hashtbl\.(?:add|replace|hash|mem|find|find_opt|create)"
    r"|Queue\.(?:add|push)|Stack\.push|Fun\.(?:const|flip|negate|compose)|List\.(?:cons|rev|append|length|nth|hd|tl|concat"
    r"|assoc|assq|mem|combine|split)|Array\.(?:of_list|to_list|make|length|append|get|set)|Option\.(?:some|is_some|get"
    r"|value)|Seq\.return|Printexc\.(?:register_printer|set_uncaught_exception_handler)|Callback\.register"
    r"|Obj\.(?:repr|magic)|Arg\.(?:align|usage)|Domain\.DLS\.new_key|Atomic\.(?:make|set)|Weak\.set)"
)
"""Functions that keep what is handed to them, in what they give back or elsewhere, and call it no more than it is."""

GIVES: Final = {
    **dict.fromkeys(("fst", "snd", "Option.get", "Option.some", "List.hd", "Lazy.force", "Fun.id"), 1),
    **dict.fromkeys(("Sys.opaque_identity", "Obj.magic"), 1),
    **dict.fromkeys(("Hashtbl.find", "List.assoc", "List.nth", "Array.get", "Queue.pop", "Queue.take", "Stack.pop"), 2),
    **dict.fromkeys(("Hashtbl.find_opt", "List.assoc_opt", "Option.value", "Fun.const"), 2),
}
"""Functions that give back what was handed to them, or is in it, with the number of their arguments.

What is done with that is done with what they were handed.
"""

AT_EXIT: Final = ("at_exit", "Stdlib.at_exit")
"""What is handed to these is called when the program ends."""
