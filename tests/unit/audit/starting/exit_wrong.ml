(* nothing *)
let parse s = match int_of_string_opt s with Some n -> n | None -> exit 1
let level = parse "3"
