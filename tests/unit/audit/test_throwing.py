"""Exceptions that modules surely raise while they start, and those that they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.audit.throwing import thrown_in

RAISE = {
    "a call": 'let () = failwith "no"',
    "a value": "let table = raise Not_found",
    "an expression": 'let x = 1;; invalid_arg "x"',
    "a step": 'let () = print_endline "x"; failwith "no"',
    "an argument": 'let x = ignore (failwith "no")',
    "a function of the file": 'let no x = failwith ("no " ^ x)\nlet () = no "way"',
    "through two": 'let no x = raise (Failure x)\nlet never () = no "x"\nlet () = never ()',
    "a module of the file": 'module M = struct let () = Stdlib.failwith "no" end',
    "behind let": "let x = let y = 1 in failwith (string_of_int y)",
    "raised again": "let x = try raise Exit with Exit -> 1\nlet () = raise Exit",
    "before a condition": 'let () = if failwith "no" then ()',
    "no trace": "let () = raise_notrace Exit",
}  # fmt: skip

GO_ON = {
    "caught": 'let x = try failwith "no" with Failure _ -> 1',
    "a case of an exception": 'let x = match failwith "no" with exception Failure _ -> 1 | x -> x',
    "in a handler": 'let x = try 1 with Not_found -> failwith "no"',
    "a condition": 'let () = if Sys.word_size < 32 then failwith "small"',
    "the other branch": 'let x = if Sys.unix then 1 else failwith "no"',
    "a case": 'let x = match 1 with 1 -> 1 | _ -> failwith "no"',
    "either": 'let () = assert (true || failwith "no")',
    "both": 'let x = false && failwith "no"',
    "a function": "let f x = failwith x",
    "a function without parameters": 'let f = function 1 -> 1 | _ -> failwith "no"',
    "a closure": "let f = fun x -> raise x",
    "lazy": 'let x = lazy (failwith "no")',
    "a local function": 'let x = let no () = failwith "no" in if 1 > 2 then no () else 1',
    "handed on": 'let () = at_exit (fun () -> failwith "no")\nlet fail = failwith',
    "too few arguments": 'let no a b = failwith (a ^ b)\nlet half = no "a"',
    "another function of that name": "let raise x = x + 1\nlet y = raise 1",
    "a name that is given anew": 'let no () = failwith "no"\nlet no () = ()\nlet () = no ()',
    "a name in another module": "module M = struct let no () = raise Exit end\nlet no () = ()\nlet () = no ()",
    "a parameter of that name": "let f raise = raise 1\nlet x = f succ",
    "a local name": "let x = let raise = succ in raise 1",
    "a function that may return": 'let check x = if x < 0 then invalid_arg "x"\nlet () = check 1',
    "a functor": 'module M (X : sig end) = struct let () = failwith "no" end',
    "behind an operator": "let x = let* () = y in raise Exit",
    "behind an extension": "let x = let%bind () = y in raise Exit",
    "a module of tests": 'let%test_module "x" = (module struct let () = raise Exit end)',
    "in a test": 'let%expect_test "x" = let%bind () = y in raise Exit',
    "a test": 'let%test _ = failwith "no"',
    "a method": 'let x = object method no = failwith "no" end',
    "a comment": '(* let () = failwith "no" *) let x = "= failwith"',
    "a loop that is left": "let () = try while true do raise Exit done with Exit -> ()",
    "perhaps never": 'let () = while false do failwith "no" done',
    "a default": 'let f ?(x = failwith "no") () = x',
}  # fmt: skip


@pytest.mark.parametrize("source", RAISE.values(), ids=RAISE)
def test_what_surely_raises_is_told(source: str, tmp_path: Path) -> None:
    (tmp_path / "foo.ml").write_text(source)
    (found,) = thrown_in(tmp_path / "foo.ml")
    assert found.severity == "aborts"
    assert " when the program starts: " in found.message


@pytest.mark.parametrize("source", GO_ON.values(), ids=GO_ON)
def test_what_may_not_raise_is_not(source: str, tmp_path: Path) -> None:
    (tmp_path / "foo.ml").write_text(source)
    assert not list(thrown_in(tmp_path / "foo.ml"))
