(* aborts *)
module type T = sig val go : unit -> unit end
module A = struct let go () = ignore (open_in "x") end
let m = (module A : T)
let () = let module M = (val m) in M.go ()
