(* The parts of main.ml that differ: Solo5. *)

include Solo5_os

let memory_adds_up (m : Memory.stat) =
  m.heap_words = m.live_words + m.stack_words + m.free_words
  && m.free_words > 0 && m.live_words > 0
  && m.stack_words >= 0x100000 / 8

let check () =
  Memory.trim ();
  let quick = Memory.quick_stat () and full = Memory.stat () in
  let ok = memory_adds_up quick && memory_adds_up full && full.live_words <= quick.live_words in
  Logs.info (fun m -> m "memory: %b" ok)
