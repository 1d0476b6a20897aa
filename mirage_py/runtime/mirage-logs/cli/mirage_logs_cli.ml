(* Log levels from a command line or the environment. *)

open Cmdliner

type threshold = [ `All | `Src of string ] * Logs.level option

let parse text =
  match String.split_on_char ':' text with
  | [ src; level ] ->
      let who = if src = "*" then `All else `Src src in
      let level = if level = "-" then Ok None else Logs.level_of_string level in
      Result.map (fun level -> (who, level)) level
  | _ -> Error (`Msg (Printf.sprintf "'%s' is not of the form SOURCE:LEVEL" text))

let print ppf (who, level) =
  let src = match who with `All -> "*" | `Src src -> src in
  Format.fprintf ppf "%s:%s" src (Logs.level_to_string level)

let threshold : threshold Arg.conv = Arg.conv (parse, print)
let env = Cmd.Env.info "LOGGING_LEVELS"

let levels ?(env = env) ?docs () =
  let doc =
    "What is logged, a list as in $(b,*:info,tcp:debug): level $(b,info) for every source, $(b,debug) for the one \
     called tcp. Levels are $(b,app), $(b,error), $(b,warning), $(b,info) and $(b,debug); $(b,quiet) or $(b,-) \
     silences."
  in
  Arg.value (Arg.opt (Arg.list threshold) [] (Arg.info ~env ~docv:"LEVEL" ~doc ?docs [ "l"; "logging-levels" ]))

let set_source_level name level =
  match List.filter (fun src -> Logs.Src.name src = name) (Logs.Src.list ()) with
  | _ :: _ as sources -> List.iter (fun src -> Logs.Src.set_level src level) sources
  | [] -> Format.eprintf "WARNING: no log source is called %s.@." name

let set_levels ~default thresholds =
  Logs.set_level (Option.value ~default (List.assoc_opt `All thresholds));
  List.iter (function `All, _ -> () | `Src name, level -> set_source_level name level) thresholds

let setup =
  let docs = "DISPLAY OPTIONS" in
  let ( $ ) = Term.( $ ) in
  Term.const (fun default levels -> set_levels ~default levels) $ Logs_cli.level ~docs () $ levels ~docs ()
