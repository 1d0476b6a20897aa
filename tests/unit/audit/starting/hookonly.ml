(* nothing *)
let load f = close_in (open_in f)
let hook = ref (fun _ -> ())
let () = hook := load
