(* Clocks of a Unix process. *)

let () =
  let a = Mirage_mtime.elapsed_ns () in
  let b = Mirage_mtime.elapsed_ns () in
  assert (Int64.compare a b <= 0 && Int64.compare a 0L > 0);
  ignore (Mirage_mtime.period_ns ());
  let now = Ptime.to_float_s (Mirage_ptime.now ()) in
  assert (Float.abs (now -. Unix.gettimeofday ()) < 5.);
  let d, ps = Mirage_ptime.now_d_ps () in
  assert (Float.abs (((float_of_int d *. 86400.) +. (Int64.to_float ps /. 1e12)) -. now) < 5.);
  assert (match Mirage_ptime.current_tz_offset_s () with Some s -> abs s <= 14 * 3600 | None -> true);
  ignore (Mirage_ptime.period (), Mirage_ptime.period_d_ps ())
