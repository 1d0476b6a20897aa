open Lwt.Infix
module Key = Mirage_kv.Key

module Main (Store : Mirage_kv.RO) = struct
  let check = function
    | Ok value -> Lwt.return value
    | Error error -> Format.kasprintf Lwt.fail_with "store: %a" Store.pp_error error

  let tell store (key, kind) =
    match kind with
    | `Dictionary -> Lwt.return (Logs.info (fun m -> m "%a is a folder" Key.pp key))
    | `Value ->
        Store.get store key >>= check >|= fun text -> Logs.info (fun m -> m "%a: %s" Key.pp key (String.trim text))

  let start store = Store.list store Key.empty >>= check >>= Lwt_list.iter_s (tell store)
end
