"""The syntax of opam files: text to fields and sections, as the opam manual defines it ("Common file format").

Tokens are cut by one regular expression, in C; the parser walks over them. Places are counted only when something is
wrong. A caller that needs a few fields names them: the others are stepped over by their brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple, TypeAlias

from mirage_py.errors import Location, MpyError

__all__ = [
    "And",
    "Env",
    "Group",
    "Ident",
    "Not",
    "OpamSyntaxError",
    "Option",
    "Or",
    "Parsed",
    "Relation",
    "Section",
    "Value",
    "parse",
]


class Ident(str):
    """A variable, a flag or an operator's operand: what stands without quotes."""

    __slots__ = ()


class Option(NamedTuple):
    """`value {arguments}`."""

    value: Value
    arguments: tuple[Value, ...]


class Relation(NamedTuple):
    """`left operator right`; without `left` where only a bound stands."""

    operator: str
    left: Value | None
    right: Value


class Env(NamedTuple):
    """`variable += value` and its kin."""

    operator: str
    left: Value
    right: Value


class And(NamedTuple):
    """Both."""

    left: Value
    right: Value


class Or(NamedTuple):
    """One of both."""

    left: Value
    right: Value


class Not(NamedTuple):
    """`! value`, or `? value` for "is defined"."""

    operator: str
    value: Value


class Group(NamedTuple):
    """`(values)`."""

    values: tuple[Value, ...]


Value: TypeAlias = "str | Ident | int | bool | list[Value] | Option | Relation | Env | And | Or | Not | Group"


class Section(NamedTuple):
    """`kind "name" { fields }`."""

    kind: str
    name: str | None
    fields: dict[str, Value]


class Parsed(NamedTuple):
    """A whole file."""

    fields: dict[str, Value]
    sections: list[Section]


class OpamSyntaxError(MpyError):
    """A file that is no opam file; `column` is counted from 1."""

    def __init__(self, message: str, file: str, line: int, column: int) -> None:
        super().__init__(f"column {column}: {message}", location=Location(file, line))
        self.column = column


TOKEN: Final = re.compile(
    r"""(?:\s++|\#[^\n]*+)*+
    ( \""" (?: [^"\\]++ | \\. | "(?!"") )*+ \"""       # a long string
    | " (?: [^"\\]++ | \\. )*+ "                       # a string
    | [-\w]+ (?: \+[-\w]+ )* (?: :[-\w]+ )?            # a name, a variable (of packages), a number
    | <= | >= | != | =\+= | =:= | =: | =\+ | \+= | :=
    | \(\*                                             # a comment, to be taken out first
    | \S
    | \Z )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
OPENED: Final = re.compile(r'"""(?:[^"\\]++|\\.|"(?!""))*+"""|"(?:[^"\\]++|\\.)*+"|#[^\n]*+|\(\*', re.DOTALL)
"""What a comment may begin in the middle of, or with."""
NESTED: Final = re.compile(r"\(\*|\*\)")
"""All that counts inside a comment: neither a quote nor a # does."""
ESCAPE: Final = re.compile(r"\\(?:(\r?\n)[ \t]*|([0-9]{3})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b"}
RELATIONS: Final = frozenset(("=", "!=", "<", "<=", ">", ">=", "~"))
ENVIRONMENT: Final = frozenset(("+=", "=+", "=+=", ":=", "=:", "=:="))
CLOSING: Final = frozenset(("]", "}", ")"))
OPENING: Final = frozenset(("[", "{", "("))
BRACKETS: Final = OPENING | CLOSING
SECTIONS: Final = frozenset(("url", "extra-source"))
END: Final = ""


def parse(text: str, file: str, only: Collection[str] | None = None, noted: Collection[str] = frozenset()) -> Parsed:
    """The fields and sections of an opam file; with `only`, fields and sections of these names.

    Of those that are `noted` it is only told whether they say anything, as true or false.

    Raises `OpamSyntaxError`, which names line and column.
    """
    tokens = TOKEN.findall(text)
    if "(*" in tokens:
        text = _without_comments(text, file)
        tokens = TOKEN.findall(text)
    parser = _Parser(tokens, only, noted)
    try:
        return parser.file()
    except _Unexpected as wrong:
        line, column = _place(text, parser.at)
        raise OpamSyntaxError(str(wrong), file, line, column) from None
    except RecursionError:
        raise OpamSyntaxError("brackets are nested too deep", file, *_place(text, parser.at)) from None


class _Unexpected(Exception):
    """What is wrong with the token that the parser stands at."""


class _Parser:
    def __init__(self, tokens: list[str], only: Collection[str] | None, noted: Collection[str]) -> None:
        self.tokens = tokens
        self.only = only
        self.noted = noted
        self.at = 0

    def file(self) -> Parsed:
        fields: dict[str, Value] = {}
        sections: list[Section] = []
        while self.tokens[self.at] != END:
            self._item(fields, sections)
        return Parsed(fields, sections)

    def _item(self, fields: dict[str, Value], sections: list[Section] | None) -> None:
        """One field, or one section where a section may stand."""
        tokens, name = self.tokens, self.tokens[self.at]
        if not _is_name(name):
            raise _Unexpected(f"a field is expected here, not {_shown(name)}")
        following = tokens[self.at + 1]
        wanted = self.only is None or name in self.only
        if following == ":":
            if wanted and name in fields and not name.startswith("x-"):  # those are other tools' own
                raise _Unexpected(f"{name} is there twice")
            self.at += 2
            if wanted:
                fields[name] = self._value()
            elif name in self.noted:
                fields[name] = tokens[self.at : self.at + 2] != ["[", "]"]
                self._skip()
            else:
                self._skip()
        elif sections is not None and name in SECTIONS:
            self._section(name, sections if wanted else [])
        elif ":" in name:  # depends:[ is two tokens, but depends:foo looks like a variable
            raise _Unexpected(f"a space is missing after {name.partition(':')[0]}:")
        else:
            self.at += 1
            raise _Unexpected(f"a : is missing after {name}")

    def _section(self, kind: str, sections: list[Section]) -> None:
        self.at += 1
        name = None
        if self.tokens[self.at] != "{":
            name = _string(self.tokens[self.at])
            self.at += 1
        self._take("{")
        fields: dict[str, Value] = {}
        only, self.only = self.only, None
        while self.tokens[self.at] != "}":
            self._item(fields, None)
        self.only = only
        self.at += 1
        sections.append(Section(kind, name, fields))

    def _skip(self) -> None:
        """Step over one value that nobody asked for: to the next field, section or end outside of brackets."""
        tokens, at = self.tokens, self.at
        if tokens[at] == END or tokens[at] in CLOSING:
            raise _Unexpected(f"a value is expected here, not {_shown(tokens[at])}")
        while True:
            at = self._over(at)
            self.at = at
            token = tokens[at]
            if token == END or (tokens[at + 1] == ":" and _is_name(token)) or token in SECTIONS:
                return
            if token in CLOSING:
                raise _Unexpected(f"{token} closes nothing")

    def _over(self, at: int) -> int:
        """The index behind the token at `at`, or behind the bracket that closes it."""
        tokens, depth = self.tokens, 0
        while True:
            token = tokens[at]
            at += 1
            if token in BRACKETS:
                depth += 1 if token in OPENING else -1
            elif token == END:
                self.at = at - 1
                raise _Unexpected("the file ends in the middle of a field")
            if depth <= 0:
                return at

    def _take(self, token: str) -> None:
        if self.tokens[self.at] != token:
            raise _Unexpected(f"{token} is expected here, not {_shown(self.tokens[self.at])}")
        self.at += 1

    def _value(self) -> Value:
        """A whole value: alternatives of conjunctions."""
        left = self._conjunction()
        while self.tokens[self.at] == "|":
            self.at += 1
            left = Or(left, self._conjunction())
        return left

    def _conjunction(self) -> Value:
        left = self._prefixed()
        while self.tokens[self.at] == "&":
            self.at += 1
            left = And(left, self._prefixed())
        return left

    def _prefixed(self) -> Value:
        token = self.tokens[self.at]
        if token in ("!", "?"):
            self.at += 1
            return Not(token, self._prefixed())
        if token in RELATIONS:
            self.at += 1
            return Relation(token, None, self._atom())
        left = self._atom()
        token = self.tokens[self.at]
        if token in RELATIONS:
            self.at += 1
            return Relation(token, left, self._atom())
        if token in ENVIRONMENT:
            self.at += 1
            return Env(token, left, self._atom())
        return left

    def _atom(self) -> Value:
        token = self.tokens[self.at]
        first = token[0:1]
        value: Value
        if first == '"':
            if len(token) == 1:
                raise _Unexpected("this string does not end")
            value = _string(token)
            self.at += 1
        elif token == "[":  # noqa: S105  # of the grammar
            self.at += 1
            value = self._values("]")
        elif token == "(":  # noqa: S105  # of the grammar
            self.at += 1
            value = Group(tuple(self._values(")")))
        elif _is_word(token):
            value = _word(token)
            self.at += 1
        else:
            raise _Unexpected(f"a value is expected here, not {_shown(token)}")
        while self.tokens[self.at] == "{":
            self.at += 1
            value = Option(value, tuple(self._values("}")))
        return value

    def _values(self, closing: str) -> list[Value]:
        tokens, values = self.tokens, []
        while tokens[self.at] != closing:
            if tokens[self.at] == END:
                raise _Unexpected(f"the file ends before a {closing}")
            values.append(self._value())
        self.at += 1
        return values


def _is_word(token: str) -> bool:
    first = token[0:1]
    return first.isascii() and (first.isalnum() or first in ("_", "-"))


def _is_name(token: str) -> bool:
    return _is_word(token) and ":" not in token and not token.isdigit()


def _word(token: str) -> Value:
    if token == "true":  # noqa: S105  # of the grammar
        return True
    if token == "false":  # noqa: S105  # of the grammar
        return False
    if token.lstrip("-").isdigit():
        return _number(token)
    return Ident(token)


def _number(token: str) -> int:
    try:
        return int(token)
    except ValueError:  # thousands of digits, digits that are raised, a minus twice
        raise _Unexpected(f"{_shown(token)} is no number") from None


def _string(token: str) -> str:
    inner = token[3:-3] if token.startswith('"""') and len(token) >= 6 else token[1:-1]
    return ESCAPE.sub(_escaped, inner) if "\\" in inner else inner


def _escaped(found: re.Match[str]) -> str:
    newline, decimal, hexadecimal, char = found.groups()
    if newline:
        return ""
    if decimal:
        return chr(int(decimal) % 256)
    return chr(int(hexadecimal, 16)) if hexadecimal else CONTROLS.get(char, char)


def _shown(token: str) -> str:
    if token == END:
        return "the end of the file"
    return token if len(token) < 30 else token[:26] + " ..."


def _without_comments(text: str, file: str) -> str:
    """The text with blanks for (* comments *), which may be nested; lines and columns stay."""
    pieces, kept, at = [], 0, 0
    while (found := OPENED.search(text, at)) is not None:
        at = found.end()
        if found.group() == "(*":
            end = _end_of_comment(text, found.start(), file)
            pieces += [text[kept : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
            kept = at = end
    pieces.append(text[kept:])
    return "".join(pieces)


def _end_of_comment(text: str, start: int, file: str) -> int:
    depth = 0
    for mark in NESTED.finditer(text, start):
        depth += 1 if mark.group() == "(*" else -1
        if depth == 0:
            return mark.end()
    line = text.count("\n", 0, start) + 1
    raise OpamSyntaxError("this comment does not end", file, line, start - text.rfind("\n", 0, start))


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column, counted from 1, of a token; of the end of the text behind the last one."""
    start = len(text.rstrip())
    for number, found in enumerate(TOKEN.finditer(text)):
        if number == at:
            start = found.start(1)
            break
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
