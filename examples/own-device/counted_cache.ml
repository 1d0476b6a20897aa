module Make (Cache : Cache.S) = struct
  type t = { cache : Cache.t; mutable asked : int; mutable known : int }

  let of_cache cache = { cache; asked = 0; known = 0 }

  let find t n =
    let found = Cache.find t.cache n in
    t.asked <- t.asked + 1;
    if Option.is_some found then t.known <- t.known + 1;
    found

  let add t = Cache.add t.cache
  let summary t = Printf.sprintf "%s, asked %d times, knew %d" (Cache.summary t.cache) t.asked t.known
end
