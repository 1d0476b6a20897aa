(* The part of Mirage_sleep that an event loop uses. *)

type t = { time : int64; mutable canceled : bool; thread : unit Lwt.u }

let fresh : t list ref = ref []

let new_sleepers () =
  let sleepers = !fresh in
  fresh := [];
  sleepers
