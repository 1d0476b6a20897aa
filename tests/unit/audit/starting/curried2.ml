(* unsure *)
let make () = let n = ref 0 in fun f -> incr n; open_in f
let c = make () "x"
