(* mirage >= 4.10.0 & < 4.12.0 *)
open Mirage

(* what may be left out is passed on *)
let unikernel ?(name = "Unikernel") ?packages ?deps ~entry typ = main ?packages ?deps (name ^ "." ^ entry) typ

let secure = Key.(create "secure" Arg.(flag (info ~doc:"serve https" [ "secure" ])))
let when_secure = if_impl (Key.value secure)
let debug = try Sys.getenv "DEBUG" = "1" with Not_found -> false

let level =
  let number = Sys.getenv_opt "LEVEL" in
  match number with
  | Some text -> ( try int_of_string text with Failure _ | Invalid_argument _ -> 0)
  | None -> 1

let () = assert (level >= 0 && List.for_all (( > ) 10) [ level; 2 ])

(* a package of the switch is linked, unless it is a tool *)
let tools = [ package ~scope:`Switch "in-switch"; package ~scope:`Switch ~build:true "a-tool" ]

let assets =
  let dune _ = [ Dune.stanza "(rule (targets assets.ml) (action (run make-assets)))" ] in
  let connect _ modname _ = code ~pos:__POS__ "%s.connect ()" modname in
  impl ~dune ~connect ~packages:[ package ~pin:"git+https://example.org/assets.git" ~min:"1.0.0" "assets" ] "Assets" kv_ro

(* verbs under other names, and a let of its own *)
let sp = Printf.sprintf
let map = Key.map
let ( let* ) value f = match value with None -> [] | Some x -> f x
let extra = let* name = Some "extra" in [ package name ]

let size : [ `Small | `Large ] key =
  let conv = Cmdliner.Arg.enum [ ("small", `Small); ("large", `Large) ] in
  Key.(create "size" Arg.(opt conv `Small (info ~doc:"how much of it" [ "size" ])))

let sized =
  Key.(
    pure (fun size secure -> match (size, secure) with `Small, false -> [] | `Small, true -> [ "tls" ] | `Large, _ -> [ "all" ])
    $ value size $ value secure)

let on_a_host = Key.(match_ (value target) (function #Key.mode_unix -> true | _ -> false))

let named =
  let connect info modname = function
    | [ _ ] -> code ~pos:__POS__ "%s.start ~name:%S" modname (Info.name info)
    | _ -> assert false
  in
  impl ~connect ~extra_deps:[ dep noop ] "Named" job

let shown = String.map (fun c -> if c = '.' then '-' else c) (sp "%-4s|%3s" "a.b" "c")
let wanted = main ~packages_v:(map (List.map (fun one -> package one)) sized) ~runtime_args:[ runtime_arg ~pos:__POS__ (sp "Args.shown %S" shown) ] "Wanted" job

(* patterns take things apart wherever a name can stand *)
type place = { port : int; hosts : string list; certificate : bool * string }

let place = { port = 80; hosts = [ "a"; "b" ]; certificate = (true, "cert") }
let { port; certificate = _, file; _ } = place
let one, (two, three) = ("One", ("Two", "Three"))
let with_min min = List.map (fun name -> package ~min name)
let counted = with_min (string_of_int port) [ file; one ^ two ^ three ]

let () =
  let stores = unikernel ~entry:"Stores" ~packages:(tools @ extra @ counted) (kv_ro @-> job) $ assets in
  let other = unikernel ~name:"Other" ~entry:"Main" ~deps:[ dep assets ] job in
  register (if debug then "passed-on-debug" else "passed-on") [ when_secure stores noop; other; named; if_impl on_a_host wanted noop ]
