(* unsure *)
let apply f = f ()
let c = apply (fun () -> open_in "x")
