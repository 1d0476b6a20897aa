(* aborts *)
let () = "x" |> open_in |> close_in
