(* Boot arguments of the OCaml runtime: backtraces, hash tables, garbage collector. *)

open Cmdliner

let ( $ ) = Term.( $ )
let docs = "OCAML RUNTIME OPTIONS"
let option ?docv kind default name doc = Arg.value (Arg.opt kind default (Arg.info ~docs ?docv ~doc [ name ]))

let backtrace ~default =
  option ~docv:"BOOL" Arg.bool default "backtrace"
    "Print a stack backtrace when an uncaught exception ends the unikernel."

let randomize_hashtables ~default =
  option ~docv:"BOOL" Arg.bool default "randomize-hashtables" "Randomize hash tables, all of them."

(* The runtime knows the policies by number. *)
let policies = [ ("next-fit", 0); ("first-fit", 1); ("best-fit", 2) ]

let gc_control ~default:(d : Gc.control) =
  let words = option ~docv:"WORDS" Arg.int in
  let percent = option ~docv:"PERCENT" Arg.int in
  let control minor_heap_size major_heap_increment space_overhead verbose max_overhead stack_limit allocation_policy
      window_size custom_major_ratio custom_minor_ratio custom_minor_max_size =
    {
      Gc.minor_heap_size;
      major_heap_increment;
      space_overhead;
      verbose;
      max_overhead;
      stack_limit;
      allocation_policy;
      window_size;
      custom_major_ratio;
      custom_minor_ratio;
      custom_minor_max_size;
    }
  in
  Term.const control
  $ words d.minor_heap_size "minor-heap-size" "Size of the minor heap."
  $ option ~docv:"PERCENT/WORDS" Arg.int d.major_heap_increment "major-heap-increment"
      "How much the major heap grows: up to 1000 a percentage of its size, above that a number of words."
  $ percent d.space_overhead "space-overhead"
      "Memory the major collector may leave uncollected, relative to live data: a smaller number collects more eagerly."
  $ option ~docv:"VERBOSITY" Arg.int d.verbose "gc-verbosity"
      "Messages of the collector on standard error, a sum of the flags that OCaml's Gc module lists."
  $ percent d.max_overhead "max-space-overhead"
      "Free memory, relative to live data, from which the heap is compacted; never from 1000000 on."
  $ words d.stack_limit "stack-limit" "Largest size of a stack, where the runtime manages stacks."
  $ option ~docv:"ALLOCATION" (Arg.enum policies) d.allocation_policy "allocation-policy"
      (Printf.sprintf "How free memory of the major heap is chosen: %s. OCaml 5 ignores it."
         (Arg.doc_alts_enum policies))
  $ option ~docv:"INT" Arg.int d.window_size "gc-window-size"
      "Over how many slices, 1 to 50, the major collector evens out its work."
  $ option ~docv:"RATIO" Arg.int d.custom_major_ratio "custom-major-ratio"
      "Floating garbage aimed at for memory held outside the heap, relative to the major heap."
  $ option ~docv:"RATIO" Arg.int d.custom_minor_ratio "custom-minor-ratio"
      "Bound on floating garbage for memory held outside the heap by values of the minor heap."
  $ option ~docv:"BYTES" Arg.int d.custom_minor_max_size "custom-minor-max-size"
      "Most memory outside the heap for one value of the minor heap."

let offered default term apply =
  match default with
  | None -> Term.const ()
  | Some default -> Term.const apply $ term ~default

let setup ?backtrace:(trace = Some false) ?randomize_hashtables:(random = Some false)
    ?gc_control:(gc = Some (Gc.get ())) () =
  Term.const (fun () () () -> ())
  $ offered trace backtrace Printexc.record_backtrace
  $ offered random randomize_hashtables (fun on -> if on then Hashtbl.randomize ())
  $ offered gc gc_control (fun control -> if control <> Gc.get () then Gc.set control)
