(* aborts *)
module type S = sig val go : unit -> unit end
module Make (X : S) = struct let run () = X.go () end
module A = struct let go () = ignore (open_in "x") end
module M = Make (A)
let () = M.run ()
