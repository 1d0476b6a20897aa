(* unsure *)
let () = Arg.parse [] ignore "usage"
