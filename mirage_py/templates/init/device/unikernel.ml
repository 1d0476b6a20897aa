module Main (Counter : Counter.S) = struct
  let start counter =
    for _ = 1 to 3 do
      Logs.info (fun m -> m "%d" (Counter.next counter))
    done;
    Lwt.return_unit
end
