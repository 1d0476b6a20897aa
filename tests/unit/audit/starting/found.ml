(* unsure *)
(* what is found in a table is called *)
let load f = open_in f
let table = Hashtbl.create 3
let () = Hashtbl.add table "x" load
let c = (Hashtbl.find table "x") "f"
