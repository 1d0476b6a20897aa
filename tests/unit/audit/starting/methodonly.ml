(* nothing *)
(* the method is not called *)
let o = object method go = open_in "x" end
let c () = o#go
