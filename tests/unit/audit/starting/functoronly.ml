(* nothing *)
module F (X : sig val v : string end) = struct let c = open_in X.v end
