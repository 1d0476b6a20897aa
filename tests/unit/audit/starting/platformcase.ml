(* nothing *)
(* it is no Windows *)
let () = match Stdlib.Sys.os_type with "Win32" -> close_in (open_in "x") | _ -> ()
