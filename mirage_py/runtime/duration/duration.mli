(** Time spans: unsigned 64-bit numbers of nanoseconds, up to 584 years.

    Every [of_] function raises [Invalid_argument] for a negative number and for one beyond that range, every [to_]
    function that returns an [int] for a result that is no [int] here. *)

type t = int64

val pp : Format.formatter -> t -> unit
(** The two largest units that matter: [1a5d], [2d03h], [1h05m], [1m30s], [1.500s], [20.000ms], [7.000μs]. *)

val of_us : int -> t
val of_us_64 : int64 -> t
val of_ms : int -> t
val of_ms_64 : int64 -> t
val of_sec : int -> t
val of_sec_64 : int64 -> t
val of_min : int -> t
val of_hour : int -> t
val of_day : int -> t

val of_year : int -> t
(** A year has 8766 hours. *)

val of_f : float -> t
(** From seconds. *)

val to_us : t -> int
val to_us_64 : t -> int64
val to_ms : t -> int
val to_ms_64 : t -> int64
val to_sec : t -> int
val to_sec_64 : t -> int64
val to_min : t -> int
val to_hour : t -> int
val to_day : t -> int
val to_year : t -> int

val to_f : t -> float
(** To seconds. *)
