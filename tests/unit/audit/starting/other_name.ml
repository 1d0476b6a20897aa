(* nothing *)
let open_in_peace = 1 let x = open_in_peace
