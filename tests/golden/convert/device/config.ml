(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

type counter = COUNTER

let counter = typ COUNTER

let counter_direct ?group prefix =
  let packages = [ package "counter" ~sublibs:[ "mirage" ] ] in
  let connect _info modname = function
    | [ net ] -> code ~pos:__POS__ "%s.connect ~prefix:%S %s" modname prefix net
    | _ -> assert false
  in
  ignore group;
  impl ~packages ~connect "Counter.Make" (network @-> counter)

let secret = runtime_arg ~pos:__POS__ {|Unikernel.secret ~default:"a{b}" ()|}

let sealed =
  let runtime_args = [ secret ] in
  let connect _ modname = function
    | [ block; secret ] ->
      code ~pos:__POS__ {ocaml|let { key; _ } = %s in
%s.connect ~key %s >|= function
| Ok x -> x
| Error _ -> failwith "100%%"|ocaml} secret modname block
    | _ -> assert false
  in
  impl ~runtime_args ~connect "Sealed.Make" (block @-> block)

let main = main "Unikernel.Main" (counter @-> block @-> job)
let () = register "device" [ main $ (counter_direct "n:" $ default_network) $ (sealed $ block_of_file "disk") ]
