(* Time spans as unsigned 64-bit nanoseconds. *)

type t = int64

let us = 1_000L
let ms = 1_000_000L
let sec = 1_000_000_000L
let min = Int64.mul 60L sec
let hour = Int64.mul 60L min
let day = Int64.mul 24L hour
let year = Int64.mul 8766L hour
let longest = -1L (* all bits set: the largest unsigned number *)

let times unit n =
  if Int64.compare n 0L < 0 then invalid_arg "Duration: negative";
  if Int64.unsigned_compare n (Int64.unsigned_div longest unit) > 0 then invalid_arg "Duration: out of range";
  Int64.mul unit n

let of_us_64 = times us
let of_ms_64 = times ms
let of_sec_64 = times sec
let of_us n = times us (Int64.of_int n)
let of_ms n = times ms (Int64.of_int n)
let of_sec n = times sec (Int64.of_int n)
let of_min n = times min (Int64.of_int n)
let of_hour n = times hour (Int64.of_int n)
let of_day n = times day (Int64.of_int n)
let of_year n = times year (Int64.of_int n)

let of_f seconds =
  if seconds < 0. then invalid_arg "Duration: negative";
  (* Not (<): refuses nan as well. *)
  if not (seconds <= 18446744073.709549) then invalid_arg "Duration: out of range";
  let whole = Float.trunc seconds in
  Int64.add (Int64.mul sec (Int64.of_float whole)) (Int64.of_float ((seconds -. whole) *. 1e9))

let whole unit t = Int64.unsigned_div t unit

let whole_int unit t =
  match Int64.unsigned_to_int (whole unit t) with
  | Some n -> n
  | None -> invalid_arg "Duration: too large for an int here"

let to_us_64 = whole us
let to_ms_64 = whole ms
let to_sec_64 = whole sec
let to_us = whole_int us
let to_ms = whole_int ms
let to_sec = whole_int sec
let to_min = whole_int min
let to_hour = whole_int hour
let to_day = whole_int day
let to_year = whole_int year

let to_f t =
  let f = Int64.to_float t in
  (if t < 0L then f +. 0x1p64 else f) /. 1e9

let pp ppf t =
  let rest unit = Int64.unsigned_rem t unit in
  let print format large small = Format.fprintf ppf format (whole large t) (whole small (rest large)) in
  let at_least unit = Int64.unsigned_compare t unit >= 0 in
  if at_least year then print "%Lua%Lud" year day
  else if at_least day then print "%Lud%02Luh" day hour
  else if at_least hour then print "%Luh%02Lum" hour min
  else if at_least min then print "%Lum%02Lus" min sec
  else if at_least sec then print "%Lu.%03Lus" sec ms
  else if at_least ms then print "%Lu.%03Lums" ms us
  else print "%Lu.%03Luμs" us 1L
