(* aborts *)
let main () = try print_endline "x"; Stdlib.exit 0 with Not_found -> Stdlib.exit 1
let () = main ()
