(* unsure *)
class c = object val x = open_in "x" end
let o = new c
