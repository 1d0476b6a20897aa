external popcount : (int[@untagged]) -> (int[@untagged]) = "count_bits_byte" "count_bits" [@@noalloc]

let start () =
  Logs.info (fun m -> m "2026 has %d bits set" (popcount 2026));
  Lwt.return_unit
