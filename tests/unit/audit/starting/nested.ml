(* aborts *)
module In = struct let go () = open_in "x" end
let c = In.go ()
