(* Durations: unsigned, exact, refused where they do not fit. *)

let refused f = match f () with exception Invalid_argument _ -> true | _ -> false
let shown t = Format.asprintf "%a" Duration.pp t

let () =
  let open Duration in
  assert (of_us 7 = 7_000L && of_ms 7 = 7_000_000L && of_sec 7 = 7_000_000_000L);
  assert (of_min 2 = of_sec 120 && of_hour 2 = of_min 120 && of_day 2 = of_hour 48 && of_year 1 = of_hour 8766);
  assert (of_us_64 3L = 3_000L && of_ms_64 3L = 3_000_000L && of_sec_64 3L = 3_000_000_000L);
  List.iter
    (fun f -> assert (refused (fun () -> f (-1))))
    [ of_us; of_ms; of_sec; of_min; of_hour; of_day; of_year ];
  (* The largest of each unit fits, one more does not. *)
  List.iter
    (fun (f, most) -> assert ((not (refused (fun () -> f most))) && refused (fun () -> f (most + 1))))
    [ (of_sec, 18446744073); (of_min, 307445734); (of_hour, 5124095); (of_day, 213503); (of_year, 584) ];
  assert (to_sec (of_sec 18446744073) = 18446744073);
  assert (to_year (of_year 584) = 584 && to_day (of_day 213503) = 213503);
  assert (to_ms 1_999_999L = 1 && to_us 1_999L = 1 && to_min (of_sec 119) = 1 && to_hour (of_min 119) = 1);
  assert (to_sec_64 (-1L) = 18446744073L && to_ms_64 (-1L) = 18446744073709L && to_us_64 (-1L) = 18446744073709551L);
  assert (of_f 1.5 = 1_500_000_000L && to_f 1_500_000_000L = 1.5);
  assert (to_f (-1L) > 1.8e10);
  List.iter (fun f -> assert (refused (fun () -> of_f f))) [ -0.1; 2e10; Float.nan; Float.infinity ];
  List.iter
    (fun (t, text) -> if shown t <> text then failwith (shown t ^ " instead of " ^ text))
    [
      (0L, "0.000μs");
      (1_234L, "1.234μs");
      (of_ms 20, "20.000ms");
      (1_500_000_000L, "1.500s");
      (of_sec 90, "1m30s");
      (of_min 90, "1h30m");
      (of_hour 51, "2d03h");
      (Int64.add (of_year 1) (of_day 5), "1a5d");
      (-1L, "584a197d");
    ]
