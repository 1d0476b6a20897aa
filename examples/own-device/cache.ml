(** From numbers to numbers. *)
module type S = sig
  type t

  val find : t -> int -> int option
  val add : t -> int -> int -> unit
  val summary : t -> string
end
