(* Whoever sleeps on Solo5 is woken in order, once, on time, and not at all after cancelling. *)

let woken = ref []

let fall_asleep time =
  let promise, thread = Lwt.task () in
  let sleeper = { Mirage_sleep.time = Int64.of_int time; canceled = false; thread } in
  Lwt.on_cancel promise (fun () -> sleeper.canceled <- true);
  Lwt.on_success promise (fun () -> woken := time :: !woken);
  Mirage_sleep.fresh := sleeper :: !Mirage_sleep.fresh;
  promise

let wake now =
  woken := [];
  Sleepers.wake ~now:(Int64.of_int now);
  List.rev !woken

let in_order () =
  let times = List.init 10_000 (fun _ -> Random.int 1_000_000) in
  List.iter (fun time -> ignore (fall_asleep time)) times;
  Sleepers.take_new ();
  let sorted = List.sort compare times in
  assert (Sleepers.next () = Some (Int64.of_int (List.hd sorted)));
  let early, late = List.partition (fun time -> time <= 500_000) sorted in
  assert (wake 500_000 = early);
  assert (wake 500_000 = []);
  assert (wake 1_000_000 = late);
  assert (Sleepers.next () = None)

let cancelled () =
  let sleepers = List.init 5_000 (fun i -> (i, fall_asleep i)) in
  Sleepers.take_new ();
  List.iter (fun (i, promise) -> if i mod 2 = 0 then Lwt.cancel promise) sleepers;
  assert (Sleepers.next () = Some 1L);
  assert (wake 5_000 = List.init 2_500 (fun i -> (2 * i) + 1));
  assert (Sleepers.next () = None)

(* One who is woken cancels the next. *)
let cancelled_while_waking () =
  let first = fall_asleep 1 and second = fall_asleep 2 and third = fall_asleep 3 in
  Lwt.on_success first (fun () -> Lwt.cancel second);
  Sleepers.take_new ();
  assert (wake 10 = [ 1; 3 ]);
  assert (Lwt.state third = Lwt.Return ())

(* Long timeouts, each cancelled at once, do not pile up. *)
let forgotten () =
  let before = (Gc.compact (); (Gc.stat ()).Gc.live_words) in
  for _ = 1 to 200_000 do
    Lwt.cancel (fall_asleep 1_000_000);
    Sleepers.take_new ()
  done;
  let after = (Gc.compact (); (Gc.stat ()).Gc.live_words) in
  assert (after - before < 1_000_000);
  assert (wake 1_000_000 = [])

(* Each earlier than the one before: as lopsided as a heap gets. *)
let lopsided () =
  for i = 100_000 downto 1 do
    ignore (fall_asleep i);
    Sleepers.take_new ()
  done;
  assert (wake 100_000 = List.init 100_000 succ)

let () =
  in_order ();
  cancelled ();
  cancelled_while_waking ();
  forgotten ();
  lopsided ()
