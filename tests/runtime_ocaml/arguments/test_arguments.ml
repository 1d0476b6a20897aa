(* Boot arguments: registered, read once, then asked for; exit statuses. *)

open Cmdliner

let refused f = match f () with exception Invalid_argument _ -> true | _ -> false
let argument kind default name = Mirage_runtime.register_arg Arg.(value (opt kind default (info [ name ])))
let hello = argument Arg.string "hi" "hello"
let number = argument Arg.int 1 "number"

(* One term twice is one option. *)
let shared = Arg.(value & flag & info [ "shared" ])
let once = Mirage_runtime.register_arg shared
let twice = Mirage_runtime.register_arg shared
let read argv = Mirage_runtime.(with_argv (runtime_args ()) "test" (Array.of_list ("test" :: argv)))

(* The program calls itself: reading the arguments may end it. *)
let status args =
  Sys.command (Filename.quote_command Sys.executable_name ("read" :: args) ~stdout:Filename.null ~stderr:Filename.null)

let () =
  match Array.to_list Sys.argv with
  | _ :: "read" :: args -> read args
  | _ ->
      assert (refused hello && refused Mirage_runtime.name);
      assert (status [] = 0 && status [ "--hello=you" ] = 0);
      assert (Mirage_runtime.help_version = 63 && Mirage_runtime.argument_error = 64);
      assert (status [ "--help=plain" ] = 63);
      List.iter (fun args -> assert (status args = 64)) [ [ "--nope" ]; [ "--number=x" ]; [ "stray" ]; [ "--hello" ] ];
      Mirage_runtime.set_name "configured";
      read [ "--hello=you"; "--shared" ];
      assert (hello () = "you" && number () = 1 && once () && twice ());
      assert (Mirage_runtime.name () = "configured");
      Mirage_runtime.set_name "renamed";
      assert (Mirage_runtime.name () = "renamed");
      read [ "--hello=again" ];
      assert (hello () = "you");
      assert (refused (fun () -> argument Arg.int 0 "late"))
