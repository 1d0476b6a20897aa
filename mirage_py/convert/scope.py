"""Names and what they stand for: OCaml's scoping, in which a later definition hides an earlier one."""

from __future__ import annotations

from typing import Literal

from mirage_py.convert import tree as t
from mirage_py.convert.catalogue import Entry, entries
from mirage_py.convert.ocaml_types import Type, is_con
from mirage_py.dataclass import dataclass, field

Kind = Literal["value", "function", "parameter", "input"]


@dataclass(eq=False, kw_only=True)
class Local:
    """A name that the file defines. `value` is what it was defined as, where that is an expression of its own."""

    name: str
    line: int
    type: Type
    value: t.Expr | None = None
    param: t.Param | None = None
    top: bool = False
    uses: int = 0
    python: str | None = None
    prefix: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Missing:
    """A name that nothing here defines."""

    path: t.Path


Symbol = Local | Entry | Missing


@dataclass(eq=False, kw_only=True)
class Scope:
    """The names visible at a place: those defined here, those of modules opened here, and those around."""

    around: Scope | None = None
    names: dict[str, Local | Entry] = field(default_factory=dict)
    constructors: dict[str, str] = field(default_factory=dict)
    modules: dict[str, Scope] = field(default_factory=dict)
    aliases: dict[str, t.Path] = field(default_factory=dict)
    """Other names of modules that are not the file's own."""
    opened: tuple[str, ...] | None = None
    opened_own: Scope | None = None

    def inner(self, opened: t.Path | None = None) -> Scope:
        """A scope within this one, in which a module's names come first."""
        own = self.module(opened) if opened else None
        return Scope(
            around=self, opened=_canonical(self._real(opened)) if opened and own is None else None, opened_own=own
        )

    def module(self, path: t.Path) -> Scope | None:
        """A module of the file's own."""
        scope: Scope | None = self
        while scope is not None:
            if path[0] in scope.modules:
                found = scope.modules[path[0]]
                for name in path[1:]:
                    if name not in found.modules:
                        return None
                    found = found.modules[name]
                return found
            scope = scope.around
        return None

    def find(self, path: t.Path) -> Symbol:
        """What a name stands for."""
        path = self._real(path)
        if len(path) > 1 and (own := self.module(path[:-1])) is not None and path[-1] in own.names:
            return own.names[path[-1]]
        scope: Scope | None = self
        while scope is not None:
            found = scope.here(path)
            if found is not None:
                return self._converter(path) or found if isinstance(found, Entry) else found
            scope = scope.around
        return Missing(path=path) if (entry := _known((), path)) is None else entry

    def _converter(self, path: t.Path) -> Local | None:
        """The file's own converter of a key's values; since 4.5 `Arg.( ... )` has none that could hide it."""
        scope: Scope | None = self
        while scope is not None and len(path) == 1:
            found = scope.names.get(path[0])
            if isinstance(found, Local):
                return found if is_con(found.type, "conv") else None
            scope = scope.around
        return None

    def _real(self, path: t.Path) -> t.Path:
        """The path by the module's own name, where its first part is another name for one."""
        scope: Scope | None = self
        while scope is not None and path:
            if path[0] in scope.aliases:
                return (*scope.aliases[path[0]], *path[1:])
            scope = scope.around
        return path

    def here(self, path: t.Path) -> Symbol | None:
        if len(path) == 1 and path[0] in self.names:
            return self.names[path[0]]
        if self.opened_own is not None and len(path) == 1 and path[0] in self.opened_own.names:
            return self.opened_own.names[path[0]]
        return _known(self.opened, path) if self.opened is not None else None

    def variant(self, constructor: str) -> str | None:
        """The file's own type that has this constructor."""
        scope: Scope | None = self
        while scope is not None:
            if constructor in scope.constructors:
                return scope.constructors[constructor]
            scope = scope.around
        return None


_STRIPPED = ("Mirage", "Functoria", "Stdlib", "Cmdliner")


def _canonical(path: t.Path) -> t.Path:
    """The module without those around it that say nothing: Cmdliner.Arg and Key.Arg are Arg."""
    kept = [part for part in path if part not in _STRIPPED]
    if "Arg" in kept:
        kept = kept[kept.index("Arg") :]
    return tuple(kept)


_GLOBAL = frozenset(
    [
        "main",
        "foreign",
        "impl",
        "typ",
        "if_impl",
        "match_impl",
        "dep",
        "abstract",
        "package",
        "register",
        "runtime_arg",
        "code",
        "key",
        "connect_err",
    ]
)


def _known(opened: t.Path | None, path: t.Path) -> Entry | None:
    """The catalogue's entry for a name where a module is open."""
    full = _canonical((*(opened or ()), *path))
    return entries().get(".".join(full))
