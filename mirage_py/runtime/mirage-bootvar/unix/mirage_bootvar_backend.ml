(* The command line of a Unix process, in one string as a tender would pass it. *)

(* A value that the shell has quoted stays one word; one with quotes of its own is read as on every other target. *)
let protect arg =
  let has c = String.contains arg c in
  if arg = "" || (has ' ' && not (has '"' || has '\\')) then "\"" ^ arg ^ "\"" else arg

let cmd_line () =
  match Array.to_list Sys.argv with
  | [] -> ""
  | _program :: args -> String.concat " " (List.map protect args)
