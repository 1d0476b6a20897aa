(** Something that counts. *)
module type S = sig
  type t

  val next : t -> int
end

module Numbers = struct
  type t = int ref

  let create first = ref first

  let next t =
    let n = !t in
    incr t;
    n
end

let first =
  let open Cmdliner in
  let doc = Arg.info [ "first" ] ~docv:"NUMBER" ~doc:"Where counting begins." in
  Arg.(value & opt int 1 doc)
