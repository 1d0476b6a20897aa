(* unsure *)
(* what a module value has may be called *)
module type S = sig val go : unit -> in_channel end
let m = (module struct let go () = open_in "x" end : S)
module M = (val m : S)
let c = M.go ()
