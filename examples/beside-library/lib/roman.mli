(** Roman numerals. *)

val of_int : int -> string
(** The numeral of a number from 1 to 3999. Raises [Invalid_argument] for any other. *)
