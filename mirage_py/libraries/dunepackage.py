"""`dune-package`: how dune itself describes a library that it has installed, and what it reads before any META file.

A package may come with this description alone, as some of Debian's do: findlib does not see it, dune does, and dune is
what builds. Beside a META file it says what META has no words for: which library is virtual, which implements it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mirage_py.libraries.meta import Definition, Package
from mirage_py.libraries.sexp import Sexp, atoms, field, parse, word_of

__all__ = ["NAME", "read_package", "with_roles"]

NAME: Final = "dune-package"
ROLES: Final = ("virtual", "implements", "default_implementation")
_NATIVE: Final = frozenset({"native"})
_SAYS_MORE: Final = re.compile(rf"\((?:{'|'.join(ROLES)})\b")


def read_package(text: str) -> Package:
    """The package as a META file would say it, with the roles of its libraries. Raises SexpError."""
    stanzas = parse(text)
    version = word_of(("package", *stanzas), "version")
    given = (Definition("version", version),) if version else ()
    root = Package(given, {})
    for stanza in stanzas:
        if isinstance(stanza, tuple) and stanza[:1] == ("library",):
            root = _put(root, word_of(stanza, "name").split(".")[1:], tuple(_definitions(stanza)))
    return root


def with_roles(package: Package, text: str) -> Package:
    """A package of a META file with the roles that dune's own description adds. Raises SexpError."""
    return _merged(package, read_package(text)) if _SAYS_MORE.search(text) else package


def _definitions(stanza: Sexp) -> Iterator[Definition]:
    requires = " ".join(atoms(field(stanza, "requires")))
    archives = field(("archives", *field(stanza, "archives")), "native")
    yield Definition("requires", requires)
    yield Definition("archive", " ".join(atoms(archives)), _NATIVE)
    yield Definition("ppx_runtime_deps", " ".join(atoms(field(stanza, "ppx_runtime_deps"))))
    yield Definition("library_kind", word_of(stanza, "kind"))
    for role in ROLES:
        if any(isinstance(part, tuple) and part[:1] == (role,) for part in stanza):
            yield Definition(role, word_of(stanza, role) or "true")


def _put(package: Package, path: list[str], definitions: tuple[Definition, ...]) -> Package:
    """The package with a library at its place inside."""
    if not path:
        return Package((*package.definitions, *definitions), package.children)
    first, *rest = path
    inner = _put(package.children.get(first, Package((), {})), rest, definitions)
    return Package(package.definitions, {**package.children, first: inner})


def _merged(package: Package, more: Package) -> Package:
    roles = tuple(one for one in more.definitions if one.name in ROLES)
    children = {
        name: _merged(child, more.children[name]) if name in more.children else child
        for name, child in package.children.items()
    }
    return Package((*package.definitions, *roles), children)
