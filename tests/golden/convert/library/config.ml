(* mirage >= 4.9.0 & < 4.12.0 *)
open Mirage

let names = [ "alpha"; "beta" ]
let group = Some "blue"

let packages =
  List.map package names
  @ List.mapi (fun place name -> package (name ^ string_of_int place)) names
  @ List.filter_map
      (fun name -> if name = "alpha" then None else Some (package ("kept-" ^ name)))
      names
  @ List.concat_map (fun name -> [ package ("left-" ^ name); package ("right-" ^ name) ]) names
  @ List.fold_left (fun found name -> package ("fold-" ^ name) :: found) [] names
  @ List.fold_right (fun name found -> package ("back-" ^ name) :: found) names []
  @ List.rev (List.init 2 (fun n -> package (Printf.sprintf "number%d" n)))
  @ List.map2 (fun name version -> package ("both-" ^ name) ~min:version) names [ "1.0"; "2.0" ]
  @ List.flatten [ [ package "flat" ]; [] ]
  @ (if List.mem "alpha" names && List.exists (fun name -> name <> "alpha") names then
       [ package "there" ]
     else [])

let versions = [ ("fmt", "0.9.0"); ("logs", "0.7.0") ]
let versioned (name, version) = package name ~min:version

let text =
  String.concat "-" (List.map String.lowercase_ascii [ "Upper"; "Case" ])
  |> fun joined -> package (String.trim joined)

let min =
  try List.assoc "lwt" versions with Not_found -> "5.7.0"

let options =
  [
    package (Option.value group ~default:"none");
    package (match group with Some name -> "in-" ^ name | None -> "alone");
    package "lwt" ~min;
    package ~max:(snd (List.nth versions 1)) (fst (List.hd versions) ^ "-" ^ fst (List.nth versions 1));
  ]
  @ Option.to_list (Option.map (fun name -> package ("map-" ^ name)) group)
  @ List.map package (String.split_on_char ',' "comma,separated")

let main name =
  main name ~packages:((text :: packages) @ options @ List.map versioned versions) job

let () =
  print_endline "configuring";
  List.iter
    (fun name -> register name [ main (String.capitalize_ascii name ^ ".Main") ])
    names
