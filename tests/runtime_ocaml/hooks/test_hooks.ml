(* Hooks: last registered first, every turn, and at the end whatever fails. *)

open Lwt.Infix

let trace = ref []
let note what = trace := what :: !trace
let turns = ref 0

let () =
  Mirage_runtime.at_enter_iter (fun () -> note "first");
  Mirage_runtime.at_enter_iter (fun () -> note "second");
  Mirage_runtime.at_leave_iter (fun () -> incr turns);
  let main = Lwt_unix.sleep 0.001 >>= fun () -> Lwt.pause () >>= fun () -> Lwt_unix.sleep 0.001 in
  Unix_os.Main.run main;
  assert (!turns >= 2);
  (match List.rev !trace with "second" :: "first" :: _ -> () | _ -> assert false);
  assert (match Unix_os.Main.run (Lwt.fail Exit) with exception Exit -> true | () -> false);
  let ended = ref [] in
  let note what = ended := what :: !ended in
  (* Runs last of all: what it finds wrong is the status of the process. *)
  Mirage_runtime.at_exit (fun () -> if !ended = [ "slow"; "latest" ] then Lwt.return_unit else Unix._exit 1);
  Mirage_runtime.at_exit (fun () -> failwith "ignored");
  Mirage_runtime.at_exit (fun () -> Lwt_unix.sleep 0.001 >|= fun () -> note "slow");
  Mirage_runtime.at_exit (fun () ->
      note "latest";
      Lwt.return_unit);
  (* From within a callback, where the event loop is not at its top. *)
  Unix_os.Main.run (Lwt_unix.sleep 0.001 >>= fun () -> exit 0)
