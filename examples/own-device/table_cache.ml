type t = (int, int) Hashtbl.t

let create () = Hashtbl.create 64
let find = Hashtbl.find_opt
let add = Hashtbl.replace
let summary t = Printf.sprintf "a table of %d" (Hashtbl.length t)
