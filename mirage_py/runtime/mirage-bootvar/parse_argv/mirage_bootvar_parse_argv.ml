(* A command line taken apart into words. *)

let parse line =
  let word = Buffer.create 32 in
  let keep c = Buffer.add_char word c in
  (* [begun]: there is a word, were it an empty one in quotes. *)
  let finish begun words =
    let text = Buffer.contents word in
    Buffer.clear word;
    if begun then text :: words else words
  in
  let rec read i ~quoted ~begun words =
    if i = String.length line then
      if quoted then Error "a double quote is left open" else Ok (List.rev (finish begun words))
    else
      match line.[i] with
      | '\\' when i + 1 = String.length line -> Error "a backslash at the end has nothing to stand for"
      | '\\' ->
          keep line.[i + 1];
          read (i + 2) ~quoted ~begun:true words
      | '"' -> read (i + 1) ~quoted:(not quoted) ~begun:true words
      | ' ' when not quoted -> read (i + 1) ~quoted ~begun:false (finish begun words)
      | c ->
          keep c;
          read (i + 1) ~quoted ~begun:true words
  in
  read 0 ~quoted:false ~begun:false []
