(* The command line that a Solo5 tender passes on; the function in C is the main loop's. *)

external get : unit -> string = "mirage_solo5_get_cmdline"

(* A tender that is called with IMAGE -- ARGS passes the dashes on. *)
let cmd_line () =
  match get () with
  | "--" -> ""
  | line when String.length line > 3 && String.sub line 0 3 = "-- " -> String.sub line 3 (String.length line - 3)
  | line -> line
