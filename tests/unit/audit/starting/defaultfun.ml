(* unsure *)
(* the default of an argument is a function that is called *)
let go ?(f = fun () -> open_in "x") () = f ()
let c = go ()
