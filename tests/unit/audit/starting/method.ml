(* unsure *)
(* a method opens a file *)
let o = object method go = open_in "x" end
let c = o#go
