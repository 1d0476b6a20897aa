"""Configure-time keys, and the values computed from them.

A `Value` remembers the keys it reads, so that mpy knows which options decide a branch, and is computed once choices are
known. It is never true or false by itself: Python's `if` cannot wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Literal, NoReturn, TypeVar

from mirage_py.dsl.check import shown, text
from mirage_py.dsl.place import guarded, here
from mirage_py.errors import ConfigError, UsageError, suggestion

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
U = TypeVar("U")

Choices = Mapping[str, Any]
"""Key name to chosen value. Any: a key's own type says what its name maps to."""


class Value(Generic[T_co]):
    """Something that is known once the keys are: `keys` are those it reads, `compute` gets the chosen values."""

    __slots__ = ("_compute", "keys")

    def __init__(self, keys: tuple[Key[Any], ...], compute: Callable[[Choices], T_co]) -> None:
        self.keys = keys
        self._compute = compute

    def eval(self, choices: Choices) -> T_co:
        """The value under these choices; a key that was not chosen has its default."""
        return self._compute(choices)

    def map(self, function: Callable[[T_co], U]) -> Value[U]:
        """The value that `function` makes of this one."""
        if not callable(function):
            raise ConfigError(
                f"map takes a function, got {shown(function)}", location=here(), hint="map(lambda value: ...)"
            )
        safe = guarded(function, "a value computed from keys", here())
        return Value(self.keys, lambda choices: safe(self.eval(choices)))

    def is_(self, *alternatives: object) -> Value[bool]:
        """Whether the value equals one of the alternatives."""
        return self.map(alternatives.__contains__)

    def match(self, cases: Mapping[Any, T], default: T) -> Value[T]:
        """The entry of `cases` under this value, else `default`."""
        if not isinstance(cases, Mapping):
            raise ConfigError(
                f"match takes a mapping, got {shown(cases)}", location=here(), hint='match({"hvt": a, "xen": b}, c)'
            )
        return Value(self.keys, lambda choices: cases.get(self.eval(choices), default))

    def __and__(self: Value[bool], other: Value[bool]) -> Value[bool]:
        return both(self, other).map(lambda pair: pair[0] and pair[1])

    def __or__(self: Value[bool], other: Value[bool]) -> Value[bool]:
        return both(self, other).map(lambda pair: pair[0] or pair[1])

    def __invert__(self: Value[bool]) -> Value[bool]:
        return self.map(lambda value: not value)

    def __format__(self, spec: str) -> NoReturn:
        raise ConfigError(
            f"{self!s} has no value yet, and cannot be a part of a text: keys are chosen after config.py has run",
            location=here(),
            hint='compute the text once it is known: value.map(lambda value: f"...{value}...")',
        )

    def __bool__(self) -> NoReturn:
        raise ConfigError(
            f"{self!s} has no value yet: keys are chosen after config.py has run",
            location=here(),
            hint="decide with if_impl(value, a, b) or match_impl(value, ...); combine with &, | and ~",
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Value):
            return self is other
        raise ConfigError(
            f"{self!s} cannot be compared with == while config.py runs",
            location=here(),
            hint=f"write .is_({other!r}), which gives a value for if_impl",
        )

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return "a value of " + (", ".join(key.name for key in self.keys) or "no key")


def pure(value: T) -> Value[T]:
    """A value that reads no key."""
    return Value((), lambda _: value)


def both(left: Value[T], right: Value[U]) -> Value[tuple[T, U]]:
    """Two values as a pair."""
    for one in (left, right):
        if not isinstance(one, Value):
            raise ConfigError(
                f"values of keys are combined with one another, got {shown(one)}",
                location=here(),
                hint="pure(...) makes a value of a plain thing",
            )
    return Value(_union(left.keys, right.keys), lambda choices: (left.eval(choices), right.eval(choices)))


def as_value(value: T | Value[T]) -> Value[T]:
    """The value itself, or a plain thing wrapped as a value that reads no key."""
    return value if isinstance(value, Value) else pure(value)


def _union(left: tuple[Key[Any], ...], right: tuple[Key[Any], ...]) -> tuple[Key[Any], ...]:
    return left if left is right else (*left, *(key for key in right if key not in left))


Kind = Literal["flag", "enum", "string", "integer", "strings"]

VARIABLES: Final = "MPY_KEY_"
"""What the environment variables of keys begin with, unless a key names its own."""

RESERVED: Final = frozenset(
    (
        *(
            "color",
            "dev",
            "drop",
            "dry-run",
            "explain",
            "fail-on",
            "file",
            "format",
            "help",
            "jobs",
            "json",
            "link",
            "locked",
            "log-format",
            "mirror",
            "offline",
        ),
        *(
            "opam",
            "output",
            "pull",
            "quiet",
            "release",
            "reset",
            "solo5-prefix",
            "switch",
            "target",
            "toolchain",
            "unikernel",
        ),
        *("verbose", "version", "watch"),
    )
)
"""Names of mpy's own options: a key of this name could not be given."""


class Key(Value[T]):
    """A choice made when configuring; as a `Value` it stands for what was chosen.

    Two keys with the same name and the same declaration are one key; with different ones they are an error.
    """

    __slots__ = ("_env", "choices", "default", "doc", "docv", "kind", "location", "name", "optional", "required")

    def __init__(
        self,
        name: str,
        kind: Kind,
        *,
        default: Any,  # any: what the kind says
        doc: str = "",
        docv: str = "",
        choices: Mapping[str, Any] | None = None,
        required: bool = False,
        optional: bool = False,
        group: str | None = None,
        env: str | None = None,
        reserved: bool = False,
    ) -> None:
        for what, given in (("name", name), ("group", group or ""), ("doc", doc), ("docv", docv)):
            text(given, what=f"the {what} of a key", example="hello")
        self.name = _checked_name(f"{group}-{name}" if group else name, reserved=reserved)
        self.kind = kind
        self._env = _checked_variable(self.name, env)
        self.default = default
        self.doc = doc
        self.docv = docv or name.upper().replace("-", "_")
        self.choices = dict(choices or {})
        self.required = required
        self.optional = optional
        self.location = here()
        if default is not None:
            self._check_default()
        super().__init__((self,), self._choice)

    def is_(self, *alternatives: object) -> Value[bool]:
        """Whether one of the alternatives was chosen; a `ConfigError` for one that cannot be."""
        self.check_values(alternatives)
        return super().is_(*alternatives)

    def match(self, cases: Mapping[Any, U], default: U) -> Value[U]:
        """The entry of `cases` under the choice, else `default`; a `ConfigError` for a case that cannot be."""
        found = super().match(cases, default)
        self.check_values(cases)
        return found

    def check_values(self, values: Iterable[object]) -> None:
        """Refuse what the key can never be: a slip would silently mean "never"."""
        for value in values:
            if not self._can_be(value):
                word = value if isinstance(value, str) else ""
                near = self.choices.get(word) if word in self.choices else None
                raise ConfigError(
                    f"{self!s} is never {shown(value)}",
                    location=here(),
                    hint=f"{word} is a word for {near!r}: compare with that"
                    if near is not None
                    else suggestion(word, map(str, self.choices.values())) or self._range(),
                )

    def _check_default(self) -> None:
        if not self._can_be(self.default):
            raise ConfigError(
                f"key {self.name}: its default cannot be {shown(self.default)}", location=here(), hint=self._range()
            )

    def _can_be(self, value: object) -> bool:
        if value is None:
            return self.optional
        match self.kind:
            case "flag":
                return isinstance(value, bool)
            case "enum":
                return any(value == one for one in self.choices.values())
            case "integer":
                return isinstance(value, int) and not isinstance(value, bool)
            case "strings":
                return isinstance(value, tuple)
            case "string":
                return isinstance(value, str)

    def _range(self) -> str:
        kinds = {"flag": "True or False", "integer": "a whole number", "string": "text", "strings": "a tuple of texts"}
        return "it is " + (kinds.get(self.kind) or " or ".join(repr(value) for value in self.choices.values()))

    def _choice(self, choices: Choices) -> T:
        if self.name in choices:
            return choices[self.name]  # type: ignore[no-any-return]  # parsed by this key
        if self.required:
            raise UsageError(
                f"the key --{self.name} has no default and was not given",
                location=self.location,
                details=(self.doc,) if self.doc else (),
                hint=f"give --{self.name} {self.docv}, or set {self.environment}",
            )
        return self.default  # type: ignore[no-any-return]  # checked by the constructor functions

    @property
    def environment(self) -> str:
        """The environment variable that sets the key: its own one, or MPY_KEY_NAME."""
        return self._env or VARIABLES + self.name.upper().replace("-", "_")

    @property
    def declaration(self) -> tuple[object, ...]:
        """What makes two keys of one name the same key."""
        return (
            self.name,
            self.kind,
            self.default,
            self.doc,
            tuple(self.choices.items()),
            self.required,
            self.optional,
            self._env,
        )

    def parse(self, texts: Sequence[str]) -> T:
        """The value of the key from what was written, once or (for `strings`) several times.

        Raises `UsageError` when the text is not a value of this key.
        """
        if self.kind == "strings":
            return tuple(texts)  # type: ignore[return-value]  # a strings key has T = tuple[str, ...]
        if len(texts) > 1:
            raise UsageError(f"--{self.name} was given {len(texts)} times", hint="give it once")
        return self._parse_one(texts[0])  # type: ignore[no-any-return]

    def _parse_one(self, text: str) -> Any:  # any: what the kind says
        match self.kind:
            case "flag":
                return _parse_flag(self.name, text)
            case "enum":
                return self._parse_enum(text)
            case "integer":
                return _parse_integer(self.name, text)
            case _:
                return text

    def _parse_enum(self, text: str) -> Any:  # any: the values of the enumeration
        if text in self.choices:
            return self.choices[text]
        raise UsageError(
            f"--{self.name}: {text!r} is not one of {', '.join(self.choices)}",
            hint=suggestion(text, self.choices) or "choose one of these",
        )

    def show(self, value: object) -> str:
        """The value as a person would write it on the command line."""
        for word, meant in self.choices.items():
            if meant == value:
                return word
        match value:
            case None:
                return ""
            case bool():
                return "true" if value else "false"
            case tuple():
                return ",".join(map(str, value))
            case _:
                return str(value)

    def options(self, value: object) -> tuple[str, ...]:
        """The value as the options that choose it: `--no-dhcp`, `--kind=small`, one for each text of several."""
        match value:
            case True if self.kind == "flag":
                return (f"--{self.name}",)
            case tuple() if self.kind == "strings":
                return tuple(f"--{self.name}={one}" for one in value)
            case None:
                return ()
            case _:
                return (f"--{self.name}={self.show(value)}",)

    def __str__(self) -> str:
        return f"key {self.name}"


def _checked_name(name: str, *, reserved: bool) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigError(
            f"key name {name!r} is not a word for the command line",
            location=here(),
            hint="use lower-case letters and digits, with single dashes between words",
        )
    if name in RESERVED and not reserved:
        raise ConfigError(
            f"key name {name!r} is an option of mpy itself", location=here(), hint="choose another name, or a group"
        )
    return name


def _checked_variable(name: str, variable: str | None) -> str | None:
    if variable is None or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text(variable, what="env", example="TLS")):
        return variable
    raise ConfigError(
        f"key {name}: {variable!r} is no name of an environment variable", location=here(), hint='write env="TLS"'
    )


def _parse_flag(name: str, text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "": True, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise UsageError(f"--{name}: {text!r} is neither true nor false", hint=f"give --{name}, or --{name}=false")
    return words[text.lower()]


def _parse_integer(name: str, text: str) -> int:
    try:
        return int(text, 10)
    except ValueError:
        raise UsageError(f"--{name}: {text!r} is not a whole number", hint=f"for instance --{name} 4") from None
