"""Laying out text by what fits: groups that are printed flat or broken, as formatters of code do it."""

from __future__ import annotations

from typing import Final

from mirage_py.dataclass import dataclass

WIDTH: Final = 88
"""Columns of a line, as ruff and black have it unless told otherwise."""


@dataclass(frozen=True)
class Line:
    """A place where a line may end: a blank, or nothing, when it does not; `hard` always ends one."""

    flat: str = ""
    hard: bool = False


@dataclass(frozen=True)
class Group:
    """Printed flat where that fits, else with all of its own lines broken; `broken` says so from the start."""

    inside: tuple[Doc, ...]
    broken: bool = False


@dataclass(frozen=True)
class Indented:
    """Four columns further to the right."""

    inside: tuple[Doc, ...]


@dataclass(frozen=True)
class Either:
    """One text where the group around is broken, another where it is flat."""

    broken: Doc
    flat: Doc


Doc = str | Line | Group | Indented | Either | tuple["Doc", ...]

SOFT: Final = Line()
SPACE: Final = Line(" ")
HARD: Final = Line(hard=True)

_Item = tuple[int, bool, "Doc"]


def rendered(doc: Doc, indent: int = 0) -> str:
    """The text of a document whose first line begins at this indentation."""
    out: list[str] = [" " * indent]
    column = indent
    stack: list[_Item] = [(indent, True, doc)]
    while stack:
        level, broken, one = stack.pop()
        match one:
            case str():
                out.append(one)
                column += len(one)
            case tuple():
                stack += [(level, broken, item) for item in reversed(one)]
            case Indented():
                stack.append((level + 4, broken, one.inside))
            case Either():
                stack.append((level, broken, one.broken if broken else one.flat))
            case Line():
                if broken or one.hard:
                    out.append("\n" + " " * level)
                    column = level
                else:
                    out.append(one.flat)
                    column += len(one.flat)
            case Group():
                flat = not one.broken and _fits(one.inside, WIDTH - column, stack)
                stack.append((level, not flat, one.inside))
    return "\n".join(line.rstrip() for line in "".join(out).split("\n"))


def _fits(doc: Doc, room: int, after: list[_Item]) -> bool:  # noqa: C901  # one case for each kind
    """Whether a group fits when it is flat, with what follows it up to the next place where a line may end."""
    todo: list[tuple[bool, Doc]] = [(False, doc)]
    rest = len(after)
    while room >= 0:
        if not todo:
            if rest == 0:
                return True
            rest -= 1
            _, broken, one = after[rest]
            todo.append((broken, one))
            continue
        broken, item = todo.pop()
        match item:
            case str():
                room -= len(item)
            case tuple():
                todo += [(broken, one) for one in reversed(item)]
            case Indented():
                todo.append((broken, item.inside))
            case Either():
                todo.append((broken, item.broken if broken else item.flat))
            case Group():
                if item.broken and not broken:
                    return False
                todo.append((broken, item.inside))
            case Line():
                if item.hard:
                    return broken
                if broken:
                    return True
                room -= len(item.flat)
    return False
