"""Requests to run an image that nobody built, and tools that only pretend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirage_py.codegen.manifest import manifest
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import ABIS
from mirage_py.runner.request import RunRequest
from mirage_py.runner.session import Voice


def plan(target: str = "spt", nets: tuple[str, ...] = (), blocks: tuple[str, ...] = (), name: str = "hello") -> Plan:
    """The plan of a unikernel with these devices, without anything to build."""
    abi = ABIS.get(target)
    return Plan(
        name=name,
        target=target,
        label=f"{name}-{target}",
        image=name if abi is None else f"{name}.{target}",
        context="solo5" if abi else "default",
        os_module="Solo5_os",
        files=(),
        libraries=(),
        nets=nets,
        blocks=blocks,
        abi=abi,
        manifest=manifest(nets, blocks) if abi else None,
    )


def asked(made: Plan, **more: Any) -> RunRequest:
    """A request for its image below the current directory. Any: fields of RunRequest."""
    return RunRequest(plan=made, image=Path("dist") / made.image, **more)


def program(file: Path, script: str) -> Path:
    """An executable shell script; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@dataclass
class Heard:
    """A voice that keeps what it is told."""

    console: list[str] = field(default_factory=list)
    tender: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        return Voice(console=self.console.append, tender=self.tender.append, working=self._working)

    @contextmanager
    def _working(self, what: str) -> Iterator[Callable[[str], None]]:
        self.progress.append(what)
        yield self.progress.append
