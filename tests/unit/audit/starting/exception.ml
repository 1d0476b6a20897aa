(* unsure *)
let load f = close_in (open_in f)
let () = Fun.protect ~finally:(fun () -> ()) (fun () -> load "x")
