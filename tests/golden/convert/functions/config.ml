(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

(* Disks by what they are for; an unknown use is a mistake. *)
let disk ?(suffix = ".img") = function
  | "cache" | "tmp" -> ramdisk "scratch"
  | "" -> failwith "a disk without a use"
  | use -> block_of_file (use ^ suffix)

let sized n =
  match n with
  | n when n > 10 -> block_of_file "big"
  | 0 -> ramdisk "none"
  | n -> block_of_file (Printf.sprintf "disk%02d" n)

type service = { name : string; port : int; libraries : string list }

let services =
  [
    { name = "web"; port = 80; libraries = [ "cohttp-mirage"; "uri" ] };
    { name = "dns"; port = 53; libraries = [] };
  ]

let secure = { (List.hd services) with name = "tls"; port = 443 }

type store = File of string | Ram of string * int | Nothing

let device = function
  | File name -> block_of_file name
  | Ram (name, _) -> ramdisk name
  | Nothing -> ramdisk "nothing"

let net = function `Named name -> netif ~group:name name | `Default -> default_network

(* functions that call themselves, and each other *)
let rec packages_of = function
  | [] -> []
  | name :: rest -> package name :: packages_of rest

let rec even n = if n = 0 then [] else package (Fmt.str "even%d" n) :: odd (n - 1)
and odd n = if n = 0 then [] else package (Fmt.str "odd%d" n) :: even (n - 1)

let twice f x = f (f x)
let wrap = impl "Wrap" (network @-> network)
let count = ref 0

let fresh () =
  incr count;
  Printf.sprintf "unit%d" !count

module Names = struct
  let first = "duration"

  module More = struct
    let second = "randomconv"
  end
end

module M = Names.More

let ( ++ ) left right = left @ right

let local =
  let open Names in
  let module Here = struct
    let pair = (first, M.second)
  end in
  let one, two = Here.pair in
  [ package one; package two ]

let secure_key = Key.(create "secure" Arg.(flag (info ~doc:"Listen with TLS." [ "secure" ])))
let fast = Key.(create "fast" Arg.(flag (info [ "fast" ])))

let choice =
  if_impl
    Key.(pure (fun a b -> a && b) $ value secure_key $ value fast)
    (disk "tmp") (disk "data")

let service_job (service : service) =
  main
    ("Unikernel." ^ String.capitalize_ascii service.name)
    ~packages:(packages_of service.libraries)
    (network @-> block @-> block @-> block @-> block @-> job)

let other =
  main (String.capitalize_ascii (fresh ()) ^ ".Main")
    ~packages:(even 2 ++ odd 1 ++ local)
    (network @-> job)

let () =
  let jobs =
    List.map
      (fun service ->
        let kind = if service.port > 100 then File "secure" else Ram ("plain", service.port) in
        service_job service $ net (`Named service.name) $ device kind $ sized service.port
        $ disk ~suffix:".raw" service.name $ choice)
      (services @ [ secure ])
  in
  register "functions" ((other $ twice (fun one -> wrap $ one) (net `Default)) :: jobs)
