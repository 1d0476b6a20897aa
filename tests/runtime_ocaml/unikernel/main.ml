(* The order in which a generated main does things. *)

open Lwt.Infix

type 'a io = 'a Lwt.t

let run t =
  Os.Main.run t;
  exit 0

let delay__key = Mirage_runtime.register_arg @@ Mirage_runtime.delay
let logs__key = Mirage_runtime.register_arg @@ Mirage_runtime.logs

let ocaml__key =
  Mirage_runtime.register_arg @@ Cmdliner_stdlib.setup ~backtrace:(Some true) ~randomize_hashtables:(Some true) ()

let argv = lazy (Lwt.return (Mirage_bootvar.argv ()))

let arguments =
  lazy
    ( Lazy.force argv >>= fun argv ->
      Lwt.return Mirage_runtime.(with_argv (runtime_args ()) "tester" argv) )

let reporter =
  lazy
    (let reporter = Mirage_logs.create () in
     Mirage_runtime.set_level ~default:(Some Logs.Info) (logs__key ());
     Logs.set_reporter reporter;
     Lwt.return reporter)

let unikernel = lazy (Unikernel.start () : unit io)

let () =
  run
    ( Lazy.force arguments >>= fun () ->
      Lwt.return (ocaml__key ()) >>= fun () ->
      Mirage_sleep.ns (Duration.of_sec (delay__key ())) >>= fun () ->
      Lazy.force reporter >>= fun _ ->
      Mirage_crypto_rng_mirage.initialize (module Mirage_crypto_rng.Fortuna) >>= fun () ->
      Mirage_runtime.set_name "tester";
      Lazy.force unikernel )
