"""Sources from git repositories, by the installed git: a commit, whose tree git itself names by a digest."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mirage_py.doors.processes import Result, require, run
from mirage_py.errors import FetchFailed, MpyError
from mirage_py.model.command import Command
from mirage_py.packages.lock import GitTree
from mirage_py.packages.unpack import leaving_links

__all__ = ["HASH", "check_out", "resolve"]

HERE: Final = Path()

HASH: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

QUIET: Final = {
    "GIT_TERMINAL_PROMPT": "0",  # a question would wait for ever
    "GIT_DIR": None,
    "GIT_WORK_TREE": None,
    "GIT_INDEX_FILE": None,
    "LC_ALL": "C",
}
SAFE: Final = ("-c", "protocol.ext.allow=never", "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false")


def resolve(url: str, ref: str | None, cache: Path, *, root: Path = HERE, offline: bool = False) -> GitTree:
    """The commit that a branch, tag or commit of a repository is now, with the digest of its tree.

    Without `ref` it is what the repository shows first; a path is relative to `root`. Raises `FetchFailed` when the
    repository cannot be reached, or has no such ref; `ToolNotFound` without git.
    """
    address = _address(url, root)
    commit = _commit(address, ref, offline=offline)
    store = _store(cache, address)
    _fetch(store, address, commit, offline=offline)
    return GitTree(url=url, commit=commit, tree=_tree(store, commit), ref=ref)


def check_out(origin: GitTree, into: Path, cache: Path, *, root: Path = HERE, offline: bool = False) -> None:
    """The files of a commit, with those of its submodules, as the folder `into`, which must not be there.

    Raises `FetchFailed` when the repository cannot be reached, has not the commit, or when the commit's tree is not the
    locked one.
    """
    address = _address(origin.url, root)
    store = _store(cache, address)
    _fetch(store, address, origin.commit, offline=offline)
    tree = _tree(store, origin.commit)
    if tree != origin.tree:
        raise FetchFailed(
            f"{origin.url}: commit {origin.commit} has another tree than mpy.lock names; nothing of it was taken",
            details=(f"expected {origin.tree}", f"came     {tree}"),
            hint="lock again: mpy lock",
        )
    with _removed_on_failure(into):
        _clone(store, origin, address, into, offline=offline)
        for link, target in leaving_links(into):
            raise FetchFailed(f"{origin.url}: a link leaves its folder: {link} -> {target}")


def _clone(store: Path, origin: GitTree, address: str, into: Path, *, offline: bool) -> None:
    into.mkdir(parents=True)
    _git("init", "--quiet", cwd=into, purpose=f"take {origin.url}")
    _git("fetch", "--quiet", "--depth=1", str(store), origin.commit, cwd=into, purpose=f"take {origin.url}")
    _git("checkout", "--quiet", "--force", origin.commit, cwd=into, purpose=f"take {origin.url}")
    if (into / ".gitmodules").is_file():
        if offline:
            raise FetchFailed(f"{origin.url} has submodules, and --offline opens no connection")
        _git("remote", "add", "origin", address, cwd=into, purpose="resolve the submodules' addresses")
        update = ("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
        done = _git(*update, cwd=into, purpose=f"take the submodules of {origin.url}", check=False)
        if not done.ok:
            raise _failed(origin.url, done)
    for place in sorted(into.rglob(".git")):
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()


def _address(url: str, root: Path) -> str:
    """What git takes for an opam url: without `git+`, without the ref, a path from the top."""
    address = url.removeprefix("git+").partition("#")[0]
    if address.startswith("-"):
        raise MpyError(f"{url} is no address of a git repository")
    if address.startswith("file://") or "://" in address or re.match(r"[\w.-]+@[\w.-]+:", address):
        return address
    return os.path.normpath(root.absolute() / address)


def _commit(address: str, ref: str | None, *, offline: bool) -> str:
    if ref and HASH.fullmatch(ref):
        return ref
    _refuse_offline(address, offline=offline)
    done = _git("ls-remote", "--exit-code", "--", address, ref or "HEAD", f"{ref or 'HEAD'}^{{}}", check=False)
    if done.code not in {0, 2}:
        raise _failed(address, done)
    found = {name: commit for commit, _, name in (line.partition("\t") for line in done.stdout.splitlines())}
    names = (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", ref) if ref else ("HEAD",)
    commit = next((found[name] for name in names if name in found), None)
    if commit is None:
        raise FetchFailed(
            f"{address} has no branch or tag {ref}" if ref else f"{address} is empty",
            hint="a commit is named by all 40 digits",
        )
    return commit


def _store(cache: Path, address: str) -> Path:
    """The bare repository in the cache that holds what was fetched from an address."""
    import hashlib

    name = re.sub(r"[^A-Za-z0-9.-]+", "-", address.rstrip("/").removesuffix(".git").rpartition("/")[2])
    return cache / "git" / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:12]}.git"


def _fetch(store: Path, address: str, commit: str, *, offline: bool) -> None:
    """Have the commit in the store: the commit alone where the server allows it, else all branches and tags."""
    if store.is_dir() and _has(store, commit):
        return
    _refuse_offline(address, offline=offline)
    if not store.is_dir():
        store.parent.mkdir(parents=True, exist_ok=True)
        _git("init", "--quiet", "--bare", str(store), purpose=f"keep {address}")
    _git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=store, purpose=f"keep {address}")
    one = _git("fetch", "--quiet", "--depth=1", "--", address, commit, cwd=store, check=False)
    if one.ok:
        return
    everything = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    done = _git("fetch", "--quiet", "--", address, *everything, cwd=store, check=False)
    if not done.ok:
        raise _failed(address, done)
    if not _has(store, commit):
        raise FetchFailed(
            f"{address} has no commit {commit}",
            hint="it was rewritten, or never pushed: push the commit, or name another one",
        )


def _has(store: Path, commit: str) -> bool:
    return _git("cat-file", "-e", f"{commit}^{{tree}}", cwd=store, check=False).ok


def _tree(store: Path, commit: str) -> str:
    return _git("rev-parse", f"{commit}^{{tree}}", cwd=store, purpose="name a commit's tree").stdout.strip()


def _git(*words: str, cwd: Path | None = None, purpose: str = "ask a git repository", check: bool = True) -> Result:
    require("git", purpose)
    return run(Command(argv=("git", *SAFE, *words), purpose=purpose, cwd=cwd, env=QUIET), check=check)


def _refuse_offline(address: str, *, offline: bool) -> None:
    remote = not (os.path.isabs(address) or address.startswith("file://"))
    if offline and remote:
        raise FetchFailed(
            f"{address} is in no cache, and --offline opens no connection",
            hint="run the command without --offline once",
        )


def _failed(address: str, done: Result) -> FetchFailed:
    lines = [line for line in done.output.splitlines() if line.strip()]
    return FetchFailed(
        f"{address} cannot be fetched by git",
        details=tuple(lines[:4]),
        hint="check the address and the connection; a private repository needs a key or a credential helper of git's",
    )


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
