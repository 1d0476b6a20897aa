(* nothing *)
(* the module value is only kept *)
module type S = sig val go : unit -> in_channel end
let m = (module struct let go () = open_in "x" end : S)
let all = [ m ]
