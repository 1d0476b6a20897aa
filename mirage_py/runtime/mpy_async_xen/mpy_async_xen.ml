(* Async in a unikernel on Xen: the main loop is that of mirage-xen. *)

let run deferred = Mpy_async.run Xen_os.Main.run deferred
