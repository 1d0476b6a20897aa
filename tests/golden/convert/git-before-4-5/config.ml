(* mirage >= 4.3.2 & < 4.5.0 *)
open Mirage

type store = Store

let store = typ Store

(* A store in memory, or one that starts from a folder. *)
let store_of path =
  let keys = match path with None -> [] | Some path -> [ Key.v path ] in
  let connect _ modname _ =
    match path with
    | None -> Fmt.str {ocaml|%s.v "."|ocaml} modname
    | Some key ->
        Fmt.str {ocaml|%s.v (Option.value ~default:"." %a)|ocaml} modname
          Key.serialize_call (Key.v key)
  in
  impl ~keys ~connect "Store.Make" (block @-> store)

let folder =
  let doc = Key.Arg.info ~doc:"Where the store starts." [ "folder" ] in
  Key.(create "folder" Arg.(opt (some string) None doc))

let main = main "Unikernel.Main" (store @-> store @-> job)
let disk = block_of_file "disk.img"

let () =
  register "stores" [ main $ (store_of None $ disk) $ (store_of (Some folder) $ disk) ]
