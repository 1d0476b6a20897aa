open Cmdliner
open Lwt.Infix

let hello =
  let doc = Arg.info [ "hello" ] ~docv:"WORDS" ~doc:"What to say." in
  Arg.(value & opt string "Hello World!" doc)

let start () hello =
  let rec greet = function
    | 0 -> Lwt.return_unit
    | n ->
        Logs.info (fun m -> m "%s" hello);
        Mirage_sleep.ns (Duration.of_ms 250) >>= fun () -> greet (n - 1)
  in
  greet 4
