open Core
open Async_kernel

let after_a_while () =
  let before = Time_ns.now () in
  Clock_ns.after (Time_ns.Span.of_ms 200.) >>| fun () ->
  let waited = Time_ns.diff (Time_ns.now ()) before in
  printf "waited 200 ms: %b\n%!" Time_ns.Span.(waited >= of_ms 200. && waited < of_sec 5.)

let all_at_once () =
  let slowly ms value = Clock_ns.after (Time_ns.Span.of_ms ms) >>| fun () -> value in
  Deferred.all [ return "one"; slowly 50. "two"; slowly 10. "three" ] >>| fun words ->
  printf "all of them: %s\n%!" (String.concat ~sep:", " words)

let through_a_pipe () =
  let reader, writer = Pipe.create () in
  don't_wait_for
    ( Deferred.List.iter ~how:`Sequential [ 1; 2; 3 ] ~f:(Pipe.write writer) >>| fun () -> Pipe.close writer );
  Pipe.fold reader ~init:0 ~f:(fun sum number -> return (sum + number)) >>| fun sum ->
  printf "through a pipe came %d\n%!" sum

let caught () =
  let fails () = Clock_ns.after (Time_ns.Span.of_ms 10.) >>| fun () -> failwith "too late" in
  Monitor.try_with ~extract_exn:true fails >>| function
  | Ok () -> print_endline "nothing was caught"
  | Error exn -> printf "caught %s\n%!" (Exn.to_string exn)

let told () =
  let at seconds = Time_ns.of_span_since_epoch (Time_ns.Span.of_int_sec seconds) in
  List.iter [ 0; -1; 951_782_400; 4_102_444_799 ] ~f:(fun seconds -> print_endline (Time_ns.to_string_utc (at seconds)))

let start () = after_a_while () >>= all_at_once >>= through_a_pipe >>= caught >>| told
