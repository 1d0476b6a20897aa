module type S = sig
  val introduce : unit -> unit
end

module Nobody = struct
  let introduce () = ()
end

module Somebody = struct
  let introduce () = Logs.info (fun m -> m "interpreter: you do not speak the same language; let me help")
end
