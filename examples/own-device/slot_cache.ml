type t = (int * int) option array

let create slots = Array.make (max 1 slots) None
let slot t n = n mod Array.length t

let find t n =
  match t.(slot t n) with
  | Some (key, value) when key = n -> Some value
  | Some _ | None -> None

let add t n value = t.(slot t n) <- Some (n, value)
let summary t = Printf.sprintf "%d slots" (Array.length t)
