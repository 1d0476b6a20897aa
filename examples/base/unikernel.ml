open Base

let text = "The quick brown fox jumps over the lazy dog"

let letters = String.to_list text |> List.filter ~f:Char.is_alpha |> List.map ~f:Char.lowercase

let counts =
  List.map letters ~f:(fun letter -> (letter, 1)) |> Map.of_alist_reduce (module Char) ~f:( + )

let most_often () =
  Map.fold counts ~init:('?', 0) ~f:(fun ~key ~data (letter, times) ->
      if data > times then (key, data) else (letter, times))

let lengths =
  let table = Hashtbl.create (module Int) in
  List.iter (String.split text ~on:' ') ~f:(fun word ->
      Hashtbl.add_multi table ~key:(String.length word) ~data:word);
  table

let start () =
  let letter, times = most_often () in
  Logs.info (fun m -> m "%d letters, %c %d times" (Map.length counts) letter times);
  let words = Hashtbl.find_multi lengths 5 |> List.sort ~compare:String.compare in
  Logs.info (fun m -> m "words of five letters: %s" (String.concat ~sep:", " words));
  Logs.info (fun m -> m "hash %d, %d bits of 0xff00ff" (String.hash text) (Int.popcount 0xff00ff));
  let power = Or_error.try_with (fun () -> Int.pow 2 70) in
  Logs.info (fun m -> m "2 to the 70th: %s" (if Or_error.is_error power then "overflow" else "fits"));
  Lwt.return_unit
