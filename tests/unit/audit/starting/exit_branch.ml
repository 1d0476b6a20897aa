(* unsure *)
let () = if Array.length Sys.argv > 5 then exit 1
