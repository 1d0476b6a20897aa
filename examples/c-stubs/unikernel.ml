external crc32 : string -> int32 = "c_stubs_crc32"

let start () =
  let text = "The quick brown fox jumps over the lazy dog" in
  Logs.info (fun m -> m "crc32 %08lx: %s" (crc32 text) text);
  Lwt.return_unit
