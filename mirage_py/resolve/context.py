"""The context: which value every key has, and who said so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from mirage_py.dataclass import dataclass
from mirage_py.dsl.term import Choice, Dev, Device, Term, children, postorder
from mirage_py.dsl.value import VARIABLES, Key
from mirage_py.errors import ConfigError, UsageError, suggestion

Source = Literal["flag", "environment", "saved", "default"]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A key's value, the words it was given in, and where they came from."""

    value: Any  # any: what the key's kind says
    words: tuple[str, ...]
    source: Source


class Context(Mapping[str, Any]):
    """Key name to value, for the keys that were given; the others have their defaults."""

    __slots__ = ("chosen",)

    def __init__(self, chosen: Mapping[str, Chosen]) -> None:
        self.chosen = dict(chosen)

    def __getitem__(self, name: str) -> Any:
        return self.chosen[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.chosen)

    def __len__(self) -> int:
        return len(self.chosen)

    def source(self, key: Key[Any]) -> Source:
        """Who chose this key's value."""
        return self.chosen[key.name].source if key.name in self.chosen else "default"


def choose(
    keys: Mapping[str, Key[Any]],
    *,
    flags: Mapping[str, tuple[str, ...]],
    environment: Mapping[str, str],
    saved: Mapping[str, tuple[str, ...]],
) -> Context:
    """The context of one run: a flag wins over the environment, that over what was saved before.

    Raises `UsageError` for a flag that no key has, or a word that is no value of its key. A saved choice whose key is
    gone is dropped: config.py has changed since.
    """
    unknown = next((name for name in flags if name not in keys), None)
    if unknown is not None:
        raise UsageError(f"no key --{unknown} in this configuration", hint=suggestion(unknown, keys) or _known(keys))
    _check_variables(keys, environment)
    chosen = {}
    for name, key in keys.items():
        found = _chosen(key, flags, environment, saved)
        if found:
            chosen[name] = found
    return Context(chosen)


def _check_variables(keys: Mapping[str, Key[Any]], environment: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly a key's; others may be for another configuration of the same environment."""
    known = {key.environment.removeprefix(VARIABLES) for key in keys.values()}
    given = {name.removeprefix(VARIABLES) for name in environment if name.startswith(VARIABLES)}
    for name in sorted(given - known):
        near = suggestion(name, sorted(known - given))
        if near:
            hint = near.replace("did you mean ", f"did you mean {VARIABLES}")
            raise UsageError(f"no key of this configuration reads {VARIABLES}{name}", hint=hint)


def _known(keys: Mapping[str, Key[Any]]) -> str:
    return "its keys are " + ", ".join(f"--{name}" for name in keys)


def _chosen(
    key: Key[Any],
    flags: Mapping[str, tuple[str, ...]],
    environment: Mapping[str, str],
    saved: Mapping[str, tuple[str, ...]],
) -> Chosen | None:
    if key.name in flags:
        return Chosen(value=key.parse(flags[key.name]), words=flags[key.name], source="flag")
    if key.environment in environment:
        words = (environment[key.environment],)
        return Chosen(value=_parsed_from(key, words, key.environment), words=words, source="environment")
    if key.name in saved:
        return Chosen(value=_parsed_from(key, saved[key.name], "saved"), words=saved[key.name], source="saved")
    return None


def _parsed_from(key: Key[Any], words: tuple[str, ...], place: str) -> Any:
    try:
        return key.parse(words)
    except UsageError as error:
        hint = "mpy configure --reset forgets the saved choices" if place == "saved" else error.hint
        raise UsageError(f"{place}: {error.message}", hint=hint) from None


def keys_of(terms: Iterable[Term]) -> dict[str, Key[Any]]:
    """Every key that the terms mention, in live and dead branches alike, by name in alphabetical order.

    Raises `ConfigError` when one name is declared in two ways.
    """
    asked: dict[Device | Choice, None] = {}
    for term in postorder(terms, children):
        if isinstance(term, Dev):
            asked[term.device] = None
        elif isinstance(term, Choice):
            asked[term] = None
    return united(_mentioned(asked))


def united(keys: Iterable[Key[Any]]) -> dict[str, Key[Any]]:
    """Keys by name in alphabetical order; raises `ConfigError` when one name is declared in two ways."""
    found: dict[str, Key[Any]] = {}
    for key in keys:
        twin = found.setdefault(key.name, key)
        if twin is not key and twin.declaration != key.declaration:
            raise _twice(key, twin)
    return dict(sorted(found.items()))


def _mentioned(asked: Iterable[Device | Choice]) -> Iterator[Key[Any]]:
    for one in asked:
        yield from one.condition.keys if isinstance(one, Choice) else mentioned_by(one)


def mentioned_by(device: Device) -> Iterator[Key[Any]]:
    """The keys that a device declares or reads."""
    yield from device.keys
    for value in (device.packages, device.resources, device.refusal):
        yield from value.keys


def _twice(key: Key[Any], twin: Key[Any]) -> ConfigError:
    return ConfigError(
        f"two keys are named {key.name} and differ",
        location=key.location,
        details=(f"the other one is at {twin.location or 'the catalogue'}",),
        hint="rename one, or give each a group: group=...",
    )
