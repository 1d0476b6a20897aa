(* Log reporter with time stamps: 2025-01-31T12:00:00-00:00: [INFO] [source] message *)

let pp_time ppf () = Ptime.pp_rfc3339 ?tz_offset_s:(Mirage_ptime.current_tz_offset_s ()) () ppf (Mirage_ptime.now ())

let pp_tags ppf tags =
  let pp_tag (Logs.Tag.V (def, value)) () =
    Format.fprintf ppf " %s=%a" (Logs.Tag.name def) (Logs.Tag.printer def) value
  in
  Logs.Tag.fold pp_tag tags ()

let create ?(ch = Format.err_formatter) () =
  let report src level ~over k msgf =
    let finish _ =
      over ();
      k ()
    in
    msgf @@ fun ?header ?(tags = Logs.Tag.empty) fmt ->
    Format.fprintf ch "%a:%a %a [%s] @[" pp_time () pp_tags tags Logs.pp_header (level, header) (Logs.Src.name src);
    Format.kfprintf finish ch (fmt ^^ "@]@.")
  in
  { Logs.report }
