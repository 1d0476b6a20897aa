"""Every JSON form that mpy prints has a schema in docs/reference/schemas, and says nothing that is not in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mirage_py.describe import KINDS
from tests.conftest import Finished, MakeProject, Mpy

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
EVERYTHING = """\
from mirage_py import default_network, generic_block, generic_stackv4v6, block, job, key, main, register, runtime_arg
from mirage_py import package, stackv4v6

word = runtime_arg("Unikernel.word", option="word")
code = main(
    "Unikernel.Main", stackv4v6 >> block >> job, packages=[package("duration", min="0.1")], runtime_args=[word]
)
register("everything", [code(generic_stackv4v6(default_network), generic_block("disk"))])
"""


def closed(schema: Any) -> Any:
    """The schema, but with every object that has named properties closed to others."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(one) for name, one in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and "type" in schema
    return {"additionalProperties": False, **inner} if is_object else inner


def check(line: str, schema: str, definition: str | None = None) -> None:
    whole = closed(json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8")))
    wanted = {"$ref": f"#/$defs/{definition}", "$defs": whole["$defs"]} if definition else whole
    Draft202012Validator(wanted).validate(json.loads(line))


def lines(text: str) -> Iterator[str]:
    found = text.splitlines()
    assert found
    yield from found


@pytest.fixture
def everything(project: MakeProject) -> Path:
    return project({"config.py": EVERYTHING, "unikernel.ml": "let word = Cmdliner.Term.const ()\n"})


@pytest.mark.parametrize("file", sorted(SCHEMAS.glob("*.json")), ids=lambda file: str(file.stem))
def test_schemas_are_schemas(file: Path) -> None:
    Draft202012Validator.check_schema(json.loads(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"cflags", "ldflags"}])
def test_query_answers_as_its_schema_says(kind: str, everything: Path, mpy: Mpy) -> None:
    done = mpy("query", kind, "--json", "-t", "unix", "-t", "hvt", cwd=everything, code=0)
    for line in lines(done.stdout):
        check(line, "query", kind)


@pytest.mark.ocaml
@pytest.mark.parametrize("kind", ["cflags", "ldflags"])
def test_query_of_flags_answers_as_its_schema_says(kind: str, everything: Path, mpy: Mpy) -> None:
    for line in lines(mpy("query", kind, "--json", "-t", "unix", cwd=everything, code=0).stdout):
        check(line, "query", kind)


def test_query_refuses_as_its_schema_says(everything: Path, mpy: Mpy) -> None:
    done = mpy("query", "graph", "--json", "-t", "hvt", "--net", "host", cwd=everything, code=4)
    check(done.stdout, "query", "refusal")


def test_devices_answers_as_its_schema_says(everything: Path, mpy: Mpy) -> None:
    for line in lines(mpy("devices", "--json", cwd=everything, code=0).stdout):
        check(line, "devices")


def test_describe_answers_as_its_schema_says(everything: Path, mpy: Mpy) -> None:
    done = mpy("describe", "--format", "json", "-t", "unix", "-t", "hvt", cwd=everything, code=0)
    for line in lines(done.stdout):
        check(line, "describe")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["unix", "hvt"])
def test_doctor_answers_as_its_schema_says(target: str, everything: Path, mpy: Mpy) -> None:
    for line in lines(mpy("doctor", "-t", target, "--json", cwd=everything).stdout):
        check(line, "doctor")


@pytest.mark.ocaml
def test_toolchain_answers_as_its_schema_says(everything: Path, mpy: Mpy) -> None:
    check(mpy("toolchain", "show", "-t", "unix", "--json", cwd=everything, code=0).stdout, "toolchain")


@pytest.mark.solo5
def test_cross_toolchain_answers_as_its_schema_says(everything: Path, mpy: Mpy) -> None:
    check(mpy("toolchain", "show", "-t", "spt", "--json", cwd=everything, code=0).stdout, "toolchain")


@pytest.mark.ocaml
def test_audit_answers_as_its_schema_says(everything: Path, mpy: Mpy) -> None:
    done = mpy("audit", "lwt.unix", "nothing-of-this-name", "-t", "hvt", "--format", "json", cwd=everything, code=8)
    check(done.stdout, "audit")


def events(done: Finished) -> list[str]:
    for line in lines(done.stderr):
        check(line, "events", json.loads(line)["event"])
    return [json.loads(line)["event"] for line in done.stderr.splitlines()]


def test_events_of_a_session_are_as_their_schema_says(everything: Path, mpy: Mpy) -> None:
    configured = mpy("configure", "-t", "unix", "--block", "ramdisk", "--log-format", "json", cwd=everything, code=0)
    assert {"resolved", "configured"} <= {*events(configured)}
    assert "file" in events(mpy("configure", "--dry-run", "-t", "hvt", "--log-format", "json", cwd=everything, code=0))
    assert "cleaned" in events(mpy("clean", "--log-format", "json", cwd=everything, code=0))


@pytest.mark.ocaml
def test_event_of_a_built_image_is_as_its_schema_says(project: MakeProject, mpy: Mpy) -> None:
    built = mpy("build", "-v", "-t", "unix", "--log-format", "json", cwd=project("noop"), code=0)
    assert {"built", "command"} <= {*events(built)}


@pytest.mark.parametrize(
    ("config", "kind"),
    [("from mirage_py import nothing", "ConfigError"), ("from mirage_py import job, main\nmain(1 +", "ConfigError")],
    ids=["import", "syntax"],
)
def test_errors_are_as_their_schema_says(config: str, kind: str, project: MakeProject, mpy: Mpy) -> None:
    done = mpy("configure", "--log-format", "json", cwd=project({"config.py": config}), code=3)
    assert events(done) == ["error"]
    assert json.loads(done.stderr)["kind"] == kind
