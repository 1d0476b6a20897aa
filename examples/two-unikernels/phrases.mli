(** What the unikernels of this folder say. *)

val hello : string
val goodbye : string
