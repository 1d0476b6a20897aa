(* The command line a unikernel was booted with. *)

let argv () =
  match Mirage_bootvar_parse_argv.parse (Mirage_bootvar_backend.cmd_line ()) with
  | Ok words -> Array.of_list ("mirage" :: words)
  | Error why -> failwith ("boot arguments: " ^ why)
