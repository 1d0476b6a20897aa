open Lwt.Syntax

let src = Logs.Src.create "timeout" ~doc:"Who comes first"

module Log = (val Logs.src_log src)

(* [within limit promise] is what the promise becomes, or [None] when that takes longer than the limit. *)
let within limit promise =
  let in_time = Lwt.map Option.some promise in
  let too_late = Lwt.map (fun () -> None) (Mirage_sleep.ns limit) in
  Lwt.pick [ in_time; too_late ]

let answer ~after =
  Log.debug (fun m -> m "an answer takes %a" Duration.pp after);
  let+ () = Mirage_sleep.ns after in
  42

let ask ~after =
  let+ answered = within (Duration.of_ms 500) (answer ~after) in
  match answered with
  | Some n -> Log.info (fun m -> m "the answer is %d" n)
  | None -> Log.warn (fun m -> m "no answer within half a second")

let start () =
  let* () = ask ~after:(Duration.of_ms 100) in
  ask ~after:(Duration.of_sec 30)
