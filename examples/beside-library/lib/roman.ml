let signs =
  [ (1000, "M"); (900, "CM"); (500, "D"); (400, "CD"); (100, "C"); (90, "XC"); (50, "L"); (40, "XL"); (10, "X");
    (9, "IX"); (5, "V"); (4, "IV"); (1, "I") ]
[@@ocamlformat "disable"]

let of_int number =
  if number < 1 || number > 3999 then invalid_arg "Roman.of_int";
  let rec write n = function
    | (worth, sign) :: _ as signs when n >= worth -> sign ^ write (n - worth) signs
    | _ :: smaller -> write n smaller
    | [] -> ""
  in
  write number signs
