(* Boot arguments: registered while modules initialise, read once, then asked for. *)

open Cmdliner

let ( $ ) = Term.( $ )
let argument_error = 64
let help_version = 63
let registered : unit Term.t list ref = ref []
let already_read = ref false

let register_arg term =
  if !already_read then
    invalid_arg "register_arg: the boot arguments have been read already; call it when the module is initialised.";
  let value = ref None in
  registered := (Term.const (fun v -> value := Some v) $ term) :: !registered;
  fun () ->
    match !value with
    | Some v -> v
    | None -> invalid_arg "This boot argument has not been read yet: ask for it from the start function on."

let register = register_arg
let runtime_args () = !registered

let exits =
  [
    Cmd.Exit.info Cmd.Exit.ok ~doc:"on success.";
    Cmd.Exit.info 1 ~doc:"on an error that Solo5 reports.";
    Cmd.Exit.info 2 ~doc:"on an exception that nobody caught.";
    Cmd.Exit.info help_version ~doc:"after this help.";
    Cmd.Exit.info argument_error ~doc:"on a boot argument that is unknown, missing or malformed.";
    Cmd.Exit.info Cmd.Exit.internal_error ~doc:"on a bug met while boot arguments were read.";
    Cmd.Exit.info 255 ~doc:"on an abort of the unikernel.";
  ]

(* A word after one that can take no value, or has one, is most often the rest of a value with a space in it. *)
let rec has_stray_word = function
  | before :: (word :: _ as rest) ->
      let is_option s = String.length s > 0 && s.[0] = '-' in
      let may_take_a_value = is_option before && not (String.contains before '=') in
      ((not (is_option word)) && not may_take_a_value) || has_stray_word rest
  | _ -> false

let hint_at_quoting argv =
  if has_stray_word (Array.to_list argv) then
    prerr_endline {|Hint: a value with a space in it is quoted for the unikernel too: --hello='"Hello, world!"'|}

let with_argv ?(sections = []) terms name argv =
  if not !already_read then begin
    let both a b = Term.const (fun () () -> ()) $ a $ b in
    let all = List.fold_left both (Term.const ()) terms in
    let man = List.map (fun section -> `S section) sections in
    match Cmd.eval_value ~argv (Cmd.v (Cmd.info name ~man ~exits) all) with
    | Ok (`Ok ()) -> already_read := true
    | Ok (`Help | `Version) -> exit help_version
    | Error (`Parse | `Term) ->
        hint_at_quoting argv;
        exit argument_error
    | Error `Exn -> exit Cmd.Exit.internal_error
  end
