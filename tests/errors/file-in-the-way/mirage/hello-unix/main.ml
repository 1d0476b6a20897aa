let () = print_endline "mine"
