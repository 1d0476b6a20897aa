(* unsure *)
let main () = match Array.length Sys.argv with 1 -> exit 0 | 2 -> exit 1 | _ -> exit 2
let () = main ()
