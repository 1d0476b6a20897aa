(* Async in a unikernel on a Unix process: the main loop is that of mirage-unix. *)

let run deferred = Mpy_async.run Unix_os.Main.run deferred
