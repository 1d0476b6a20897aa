(* Sleep below a second, side by side, cancelled. *)

open Lwt.Infix

let took f =
  let start = Mirage_mtime.elapsed_ns () in
  f () >|= fun () -> Int64.to_float (Int64.sub (Mirage_mtime.elapsed_ns ()) start) /. 1e6

let between least most ms = if ms < least || ms > most then failwith (Printf.sprintf "%f ms" ms)

let () =
  Unix_os.Main.run
    ( took (fun () -> Mirage_sleep.ns 20_000_000L) >|= between 19.9 500. >>= fun () ->
      took (fun () -> Lwt.join (List.init 100 (fun _ -> Mirage_sleep.ns 20_000_000L))) >|= between 19.9 500.
      >>= fun () ->
      took (fun () -> Lwt.pick [ Mirage_sleep.ns 1_000_000L; Mirage_sleep.ns 60_000_000_000L ]) >|= between 0.9 500.
      >>= fun () ->
      took (fun () -> Lwt.pick [ Unix_os.Time.sleep_ns 1_000_000L; Mirage_sleep.ns (-1L) ]) >|= between 0.9 500.
      >>= fun () -> took (fun () -> Mirage_sleep.ns 0L) >|= between 0. 500. )
