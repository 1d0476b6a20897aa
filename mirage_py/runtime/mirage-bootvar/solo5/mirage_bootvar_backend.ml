(* The command line that a Solo5 tender passes on; the function in C is the main loop's. *)

external cmd_line : unit -> string = "mirage_solo5_get_cmdline"
