(* Log levels by source, and what the reporter writes. *)

let tcp = Logs.Src.create "tcp"
let tcp_too = Logs.Src.create "tcp"
let dns = Logs.Src.create "dns"
let level src = Logs.Src.level src

let parse text =
  match (Cmdliner.Arg.conv_parser Mirage_runtime.Conv.log_threshold) text with Ok t -> Some t | Error _ -> None

let thresholds () =
  assert (parse "debug" = Some (`All, Some Logs.Debug));
  assert (parse "*:info" = Some (`All, Some Logs.Info));
  assert (parse "tcp:quiet" = Some (`Src "tcp", None));
  assert (parse "a:b:error" = Some (`Src "a:b", Some Logs.Error));
  List.iter (fun text -> assert (parse text = None)) [ ""; "loud"; "tcp:"; ":debug"; "tcp:loud" ]

let levels () =
  Mirage_runtime.set_level ~default:(Some Logs.Info) [];
  assert (level tcp = Some Logs.Info && level dns = Some Logs.Info);
  Mirage_runtime.set_level ~default:(Some Logs.Info) [ (`Src "tcp", Some Logs.Debug); (`All, Some Logs.Error) ];
  assert (level tcp = Some Logs.Debug && level tcp_too = Some Logs.Debug && level dns = Some Logs.Error);
  Mirage_runtime.set_level ~default:None [ (`Src "dns", Some Logs.App) ];
  assert (level tcp = None && level dns = Some Logs.App)

let written log =
  let buffer = Buffer.create 100 in
  Logs.set_reporter (Mirage_logs.create ~ch:(Format.formatter_of_buffer buffer) ());
  log ();
  Buffer.contents buffer

let lines () =
  Mirage_runtime.set_level ~default:(Some Logs.Info) [];
  Mirage_ptime_set.set (20_000, 1_000_000_000_000L);
  let id = Logs.Tag.def "id" Format.pp_print_int in
  let log tags () = Logs.info ~src:tcp (fun m -> m ~tags "port %d" 7) in
  assert (written (log Logs.Tag.empty) = "2024-10-04T00:00:01-00:00: [INFO] [tcp] port 7\n");
  assert (written (log Logs.Tag.(add id 3 empty)) = "2024-10-04T00:00:01-00:00: id=3 [INFO] [tcp] port 7\n");
  assert (written (fun () -> Logs.debug ~src:tcp (fun m -> m "unseen")) = "");
  Mirage_ptime_set.set_tz_offset (Some 7200);
  let header () = Logs.err ~src:dns (fun m -> m ~header:"H" "two@,words") in
  assert (String.sub (written header) 0 37 = "2024-10-04T02:00:01+02:00: [H] [dns] ")

let () =
  thresholds ();
  levels ();
  lines ()
