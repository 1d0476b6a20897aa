"""Doctor: what this machine has, and whether it can build what is configured here."""

from __future__ import annotations

from collections.abc import Iterator

from mirage_py.build.equip import check_dune_lang
from mirage_py.errors import Location, MpyError
from mirage_py.libraries.bundled import take_runtime_of
from mirage_py.libraries.missing import findings
from mirage_py.model.toolchain import Finding, ToolchainChoice
from mirage_py.packages.held import Held, held
from mirage_py.packages.lock import FILE
from mirage_py.toolchain.discover import toolchains_for
from mirage_py.toolchain.doctor import doctor as look_at_machine
from mirage_py.workflow.closures import closures_for
from mirage_py.workflow.fitting import misfits
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import Resolution, resolution
from mirage_py.workflow.tools import tools_of

__all__ = ["examine"]


def examine(request: Request) -> tuple[Finding, ...]:
    """What was found about this machine for the targets of the request, and about the libraries of its configuration.

    Where there is no configuration, the libraries that every unikernel links are looked for instead. A problem is what
    `build` would end with.
    """
    choice = request.toolchain or ToolchainChoice()
    if not request.file.is_file():
        return look_at_machine(request.targets, choice, request.folder)
    try:
        found = resolution(request)
    except MpyError as error:
        return (*look_at_machine(request.targets, choice, request.folder), _told(error, request))
    targets = tuple(dict.fromkeys(plan.target for plan in found.plans))
    machine = look_at_machine(targets, choice, request.folder, configured=True)
    return (*machine, *_project(request), *_libraries(request, found))


def _project(request: Request) -> Iterator[Finding]:
    """A dune project that is too old for what is generated."""
    try:
        check_dune_lang(request.folder)
    except MpyError as error:
        yield _told(error, request)


def _told(error: MpyError, request: Request) -> Finding:
    """A configuration that cannot be built on any machine, in the words of the build."""
    place = str(error.location or Location.of(request.file))
    text = "; ".join((error.message, *error.details))
    return Finding(subject=place, status="problem", text=text, fix=error.hint)


def _libraries(request: Request, found: Resolution) -> Iterator[Finding]:
    """Who serves the libraries of each plan that there is a toolchain for; why there is none is told with the tools."""
    take_runtime_of(request.folder)
    links = {plan.target: request.link or found.saved_for(plan).link for plan in found.plans}
    try:
        here = toolchains_for(links, tools_of(request, found.saved, found.plans), links)
        plans = [plan for plan in found.plans if plan.target in here.toolchains]
        closures = closures_for(request.folder, plans, here.toolchains, here.host)
    except MpyError:
        return  # a tool of the host's, which was told of already
    try:
        locked = held(request.folder)
    except MpyError as error:
        locked = None
        yield _told(error, request)
    if locked is not None:
        yield _of_lock(locked, request, found)
    yield from findings(tuple(closures.values()), locked)


def _of_lock(locked: Held, request: Request, found: Resolution) -> Finding:
    """Whether mpy.lock fits, and is pulled."""
    checkouts = "".join(f"; {name} from the checkout {place}" for name, place in locked.checkouts.items())
    wrong = misfits(locked.lock, found, request)
    if wrong:
        more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
        text = f"does not fit {request.file.name}: {wrong[0]}{more}{checkouts}"
        return Finding(subject=FILE, status="warning", text=text, fix="mpy lock")
    if locked.waiting:
        text = f"{locked.size}, {len(locked.waiting)} of which are not pulled{checkouts}"
        return Finding(subject=FILE, status="warning", text=text, fix="mpy pull")
    return Finding(subject=FILE, status="ok", text=f"{locked.size}, pulled{checkouts}")
