(* Clocks that are set by hand. *)

let () =
  assert (Mirage_mtime.elapsed_ns () = 0L);
  Mirage_mtime_set.tick ();
  Mirage_mtime_set.tick_for 41L;
  assert (Mirage_mtime.elapsed_ns () = 42L);
  Mirage_mtime_set.reset ();
  assert (Mirage_mtime.elapsed_ns () = 0L && Mirage_mtime.period_ns () = None);
  Mirage_ptime_set.set (1, 0L);
  assert (Ptime.to_float_s (Mirage_ptime.now ()) = 86400. && Mirage_ptime.now_d_ps () = (1, 0L));
  assert (Mirage_ptime.current_tz_offset_s () = None && Mirage_ptime.period () = None);
  Mirage_ptime_set.set_tz_offset (Some 60);
  Mirage_ptime_set.set_period (Some (0, 1_000L));
  assert (Mirage_ptime.current_tz_offset_s () = Some 60 && Mirage_ptime.period_d_ps () = Some (0, 1_000L))
