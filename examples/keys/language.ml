module type WORDS = sig
  val hello : string
  val goodbye : string
end

module English = struct
  let hello = "Good morning"
  let goodbye = "Goodbye"
end

module French = struct
  let hello = "Bonjour"
  let goodbye = "Au revoir"
end

module German = struct
  let hello = "Guten Tag"
  let goodbye = "Auf Wiedersehen"
end

module Shouting (Words : WORDS) = struct
  let hello = String.uppercase_ascii Words.hello ^ "!"
  let goodbye = String.uppercase_ascii Words.goodbye ^ "!"
end
