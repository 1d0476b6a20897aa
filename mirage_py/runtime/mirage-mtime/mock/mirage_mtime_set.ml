(* The hands of the clock that mirage-mtime.mock shows. *)

let now = ref 0L
let tick_for ns = now := Int64.add !now ns
let tick () = tick_for 1L
let reset () = now := 0L
