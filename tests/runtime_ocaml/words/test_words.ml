(* A command line taken apart into words. *)

let check (line, words) = assert (Mirage_bootvar_parse_argv.parse line = Ok words)
let refused line = assert (Result.is_error (Mirage_bootvar_parse_argv.parse line))

let () =
  List.iter check
    [
      ("", []);
      ("   ", []);
      ("a", [ "a" ]);
      ("  a  b ", [ "a"; "b" ]);
      ({|--hello="Hello, world!" -l debug|}, [ "--hello=Hello, world!"; "-l"; "debug" ]);
      ({|--hello=Hello,\ world!|}, [ "--hello=Hello, world!" ]);
      ({|a\"b "c\"d" "e\\f"|}, [ {|a"b|}; {|c"d|}; {|e\f|} ]);
      ({|--name ""|}, [ "--name"; "" ]);
      ({|"a b"c|}, [ "a bc" ]);
    ];
  List.iter refused [ {|"open|}; {|a\|}; {|"a\"|} ]
