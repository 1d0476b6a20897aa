"""`mpy devices`: the catalogue, to look through and to look things up in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import argument, command
from mirage_py.cli.options import Json, Targets, checked_targets
from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError, suggestion

if TYPE_CHECKING:
    from mirage_py.describe.anatomy import Anatomy


def devices(
    name: Annotated[str | None, argument(metavar="NAME", help="a device, functor or module type")] = None,
    target: Targets = None,
    as_json: Json = False,
) -> None:
    """Tell which devices there are, and what each is made of.

    Without NAME it lists the catalogue: all that a config.py can import from mirage_py beside the verbs of the
    language. Of a NAME it tells the type, the keys, the packages with their bounds, and the targets; of a module type
    which devices give and take it. With -t only what there is on these targets.
    """
    from mirage_py.describe import catalogue_text
    from mirage_py.describe.anatomy import anatomies
    from mirage_py.dsl.key import TARGETS

    targets = checked_targets(target)
    everything = anatomies(targets or TARGETS)
    there = [one for one in everything if one.targets] if name is None else [_named(name, everything)]
    if as_json:
        console.result("\n".join(json.dumps(catalogue_text.data(one, everything), ensure_ascii=False) for one in there))
    elif name is None:
        console.result(catalogue_text.listing(there, console.painter(), console.width()))
    else:
        console.result(catalogue_text.page(there[0], everything, console.painter(), console.width()))


COMMAND = command(devices)


def _named(name: str, those: tuple[Anatomy, ...]) -> Anatomy:
    by_name = {one.entry.name: one for one in those}
    if name not in by_name:
        hint = suggestion(name, by_name) or "mpy devices lists what there is"
        raise UsageError(f"the catalogue has no {name!r}", hint=hint)
    return by_name[name]
