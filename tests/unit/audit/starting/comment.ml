(* nothing *)
(* let h = open_in *) let x = 1
