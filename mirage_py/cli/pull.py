"""`mpy pull`: lay the locked sources into mirage/duniverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import command, option
from mirage_py.cli.options import CONFIG, File, Mirrors, Offline
from mirage_py.doors import terminal as console

if TYPE_CHECKING:
    from mirage_py.workflow.pull import Pulled


def pull(
    file: File = CONFIG,
    mirror: Mirrors = None,
    jobs: Annotated[int | None, option("-j", "--jobs", metavar="N", least=1, help="downloads at once; 8")] = None,
    offline: Offline = False,
) -> None:
    """Lay the sources that mpy.lock names into mirage/duniverse.

    From a cache, a mirror or where they were released; all checksums hold. What is right there is left alone, and what
    was edited there is kept.
    """
    from mirage_py.workflow.pull import Where, pull as pull_all

    where = Where(mirrors=tuple(mirror or ()), offline=offline, jobs=jobs)
    with console.working("fetching sources") as progress:
        done = pull_all(file.absolute().parent, where, progress=progress, waiting=console.say, warn=console.warn)
    tell(done)


COMMAND = command(pull)


def tell(done: Pulled) -> None:
    """What is new, what was kept and why, and how many there are."""
    for name in done.laid:
        console.detail(f"  laid {name}", event="source", action="laid", folder=name)
    for name in done.removed:
        console.detail(f"  removed {name}", event="source", action="removed", folder=name)
    for name, place in done.linked.items():
        console.say(f"  {name} is taken from {place}", event="source", action="linked", folder=name, place=place)
    for name, files in done.edited.items():
        console.warn(
            f"mirage/duniverse/{name} was edited, and is kept: {', '.join(files)}",
            hint=f"to go on with your own: mpy dev {name} ../{name}; to have what is locked: delete it, and pull again",
        )
    total = len(done.laid) + len(done.kept) + len(done.linked) + len(done.edited)
    same = f", {len(done.kept)} as they were" if done.kept and done.laid else ""
    gone = f", {len(done.removed)} removed" if done.removed else ""
    new = f"{len(done.laid)} new" if done.laid else "nothing new"
    console.say(
        f"{total} {'source' if total == 1 else 'sources'} in mirage/duniverse: {new}{same}{gone}",
        event="pulled",
        laid=list(done.laid),
        removed=list(done.removed),
        kept=len(done.kept),
        linked=dict(done.linked),
        edited={name: list(files) for name, files in done.edited.items()},
    )
