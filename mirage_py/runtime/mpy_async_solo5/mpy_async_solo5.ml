(* Async in a unikernel on Solo5: the main loop is that of mirage-solo5. *)

let run deferred = Mpy_async.run Solo5_os.Main.run deferred
