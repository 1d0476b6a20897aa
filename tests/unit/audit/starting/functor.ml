(* aborts *)
module F (X : sig val v : string end) = struct let c = open_in X.v end
module M = F (struct let v = "x" end)
