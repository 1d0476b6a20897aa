let start () =
  List.iter (fun year -> Logs.info (fun m -> m "%d is %s" year (Roman.of_int year))) [ 1969; 1996; 2013 ];
  Lwt.return_unit
