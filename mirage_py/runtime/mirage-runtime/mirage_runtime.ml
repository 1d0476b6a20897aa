(* Boot arguments, log levels, name and scheduler hooks of a unikernel. *)

open Cmdliner

let s_net = "NETWORK OPTIONS"
let s_dns = "DNS OPTIONS"
let s_he = "HAPPY EYEBALLS OPTIONS"
let s_ssh = "SSH OPTIONS"
let s_tls = "TLS OPTIONS"
let s_http = "HTTP OPTIONS"
let s_log = "LOG AND MONITORING OPTIONS"
let s_disk = "DISK OPTIONS"
let s_ocaml = "OCAML RUNTIME OPTIONS"
let register_arg = Functoria_runtime.register_arg
let runtime_args = Functoria_runtime.runtime_args
let argument_error = Functoria_runtime.argument_error
let help_version = Functoria_runtime.help_version

let with_argv =
  Functoria_runtime.with_argv
    ~sections:
      [ Manpage.s_arguments; Manpage.s_options; s_http; s_ssh; s_tls; s_he; s_dns; s_net; s_log; s_disk; s_ocaml ]

(* Until --backtrace has been read: what fails before that should say where. *)
let () = Printexc.record_backtrace true

(* Opening Arg would be shorter, and hide other names with each release of cmdliner. *)
let option kind ~docs ~docv ?absent names doc default =
  Arg.value (Arg.opt kind default (Arg.info ~docs ~docv ?absent ~doc names))

(* Log levels *)

type log_threshold = [ `All | `Src of string ] * Logs.level option

let set_source_level name level =
  match List.filter (fun src -> Logs.Src.name src = name) (Logs.Src.list ()) with
  | _ :: _ as sources -> List.iter (fun src -> Logs.Src.set_level src level) sources
  | [] ->
      let known = List.sort_uniq compare (List.map Logs.Src.name (Logs.Src.list ())) in
      Format.eprintf "WARNING: no log source is called %s; there are: %s.@." name (String.concat ", " known)

let set_level ~default thresholds =
  Logs.set_level (Option.value ~default (List.assoc_opt `All thresholds));
  List.iter (function `All, _ -> () | `Src name, level -> set_source_level name level) thresholds

module Conv = struct
  let parse text =
    let threshold who level = Result.map (fun level -> (who, level)) (Logs.level_of_string level) in
    match String.rindex_opt text ':' with
    | None -> threshold `All text
    | Some i -> (
        let level = String.sub text (i + 1) (String.length text - i - 1) in
        match String.sub text 0 i with
        | "" -> Error (`Msg (Printf.sprintf "'%s' names no log source before the colon" text))
        | "*" -> threshold `All level
        | src -> threshold (`Src src) level)

  let print ppf (who, level) =
    let src = match who with `All -> "*" | `Src src -> src in
    Format.fprintf ppf "%s:%s" src (Logs.level_to_string level)

  let log_threshold = Arg.conv (parse, print)
end

let logs =
  let doc =
    "What is logged, a list as in $(b,*:info,tcp:debug): level $(b,info) for every source of log messages, $(b,debug) \
     for the one called tcp. A level alone is for every source. Levels are $(b,quiet), $(b,app), $(b,error), \
     $(b,warning), $(b,info) and $(b,debug)."
  in
  option (Arg.list Conv.log_threshold) ~docs:s_log ~docv:"LEVEL" [ "l"; "logs" ] doc []

(* Common arguments *)

let disk =
  let doc = "Name of the docteur disk. On Solo5 it has letters and digits only." in
  option Arg.string ~docs:s_disk ~docv:"NAME" [ "disk" ] doc "disk"

let analyze = option Arg.bool ~docs:s_disk ~docv:"BOOL" [ "analyze" ] "Check the docteur disk at boot." true

let delay =
  let doc = "Wait $(docv) before starting, for hosts that take a while to bring devices up." in
  option Arg.int ~docs:Manpage.s_common_options ~docv:"SECONDS" [ "delay" ] doc 0

let name_k =
  let doc = "Name of the unikernel while it runs." and absent = "the name it was configured with" in
  option (Arg.some Arg.string) ~docs:Manpage.s_common_options ~docv:"NAME" ~absent [ "name" ] doc None

let configured_name = ref "no-name"
let set_name name = configured_name := name

let name =
  let given = register_arg name_k in
  fun () -> Option.value ~default:!configured_name (given ())

(* Hooks *)

let exit_hooks = ref []
let enter_hooks = ref []
let leave_hooks = ref []
let add hooks hook = hooks := hook :: !hooks
let at_exit hook = add exit_hooks hook
let at_enter_iter hook = add enter_hooks hook
let at_leave_iter hook = add leave_hooks hook
let run_enter_iter_hooks () = List.iter (fun hook -> hook ()) !enter_hooks
let run_leave_iter_hooks () = List.iter (fun hook -> hook ()) !leave_hooks

let run_exit_hooks () =
  Lwt_list.iter_s (fun hook -> Lwt.catch hook (fun _ -> Lwt.return_unit)) !exit_hooks
