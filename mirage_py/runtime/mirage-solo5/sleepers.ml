(* Those who sleep, by the time they wake: a leftist heap. *)

open Mirage_sleep

type heap = Leaf | Node of { rank : int; first : Mirage_sleep.t; left : heap; right : heap }

let rank = function Leaf -> 0 | Node { rank; _ } -> rank

(* The shorter spine goes right: recursion is as deep as the logarithm of the size, on a stack that is short. *)
let node first a b =
  if rank a >= rank b then Node { rank = rank b + 1; first; left = a; right = b }
  else Node { rank = rank a + 1; first; left = b; right = a }

let rec merge a b =
  match (a, b) with
  | Leaf, heap | heap, Leaf -> heap
  | Node x, Node y ->
      if Int64.compare x.first.time y.first.time <= 0 then node x.first x.left (merge x.right b)
      else node y.first y.left (merge a y.right)

let add heap sleeper = merge (Node { rank = 1; first = sleeper; left = Leaf; right = Leaf }) heap

let rec without_canceled kept count = function
  | [] -> (kept, count)
  | Leaf :: rest -> without_canceled kept count rest
  | Node { first; left; right; _ } :: rest ->
      let rest = left :: right :: rest in
      if first.canceled then without_canceled kept count rest else without_canceled (add kept first) (count + 1) rest

let heap = ref Leaf
let size = ref 0
let clean_at = ref 1024

(* A timeout of a day that was cancelled after a millisecond need not stay for the day. *)
let clean () =
  let kept, count = without_canceled Leaf 0 [ !heap ] in
  heap := kept;
  size := count;
  clean_at := max 1024 (2 * count)

let take_new () =
  let fresh = new_sleepers () in
  heap := List.fold_left add !heap fresh;
  size := !size + List.length fresh;
  if !size > !clean_at then clean ()

let remove_first = function
  | Leaf -> ()
  | Node { left; right; _ } ->
      heap := merge left right;
      decr size

let rec next () =
  match !heap with
  | Leaf -> None
  | Node { first = { canceled = true; _ }; _ } ->
      remove_first !heap;
      next ()
  | Node { first; _ } -> Some first.time

let rec wake ~now =
  (* First, for it drops the cancelled ones at the top. *)
  let time = next () in
  match (time, !heap) with
  | Some time, Node { first; _ } when Int64.compare time now <= 0 ->
      remove_first !heap;
      (* Not wakeup_later: where a callback has called exit, that would wait for the callback to end. *)
      Lwt.wakeup first.thread ();
      wake ~now
  | _ -> ()
