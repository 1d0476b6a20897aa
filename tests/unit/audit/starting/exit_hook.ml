(* nothing *)
let hook = ref (fun _ -> prerr_endline "bad"; exit 2)
let wakeup () = !hook ()
let () = wakeup ()
let () = at_exit wakeup
