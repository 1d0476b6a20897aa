"""What a config.py gives to a function of the language is held against its signature, and refused at its own line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import mirage_py as language
from mirage_py.dsl import key
from mirage_py.dsl.config import collecting
from mirage_py.dsl.impl import impl
from mirage_py.dsl.signature import checked, module_type_name
from mirage_py.errors import ConfigError
from mirage_py.project.loader import load

OPEN = {"pure", "of_device", "match_impl", "if_impl", "both"}
"""Functions that take anything, or check by themselves what depends on another argument."""

TYPES = {name: thing for name in language.__all__ if isinstance(thing := getattr(language, name), language.ModuleType)}
BY_TAG = {type_.name: type_ for type_ in TYPES.values()} | {
    "Ip[V4]": language.ipv4,
    "Ip[V6]": language.ipv6,
    "Ip[V]": language.ipv4v6,
    "Tcp[V4V6]": language.tcpv4v6,
}


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in language.__all__:
        if isinstance(getattr(language, name), FunctionType):
            yield name, getattr(language, name)
    for name, thing in vars(key).items():
        if isinstance(thing, FunctionType) and not name.startswith("_") and thing.__module__ == key.__name__:
            yield f"key.{name}", thing


def sample(annotation: str) -> Any:
    """Something that will do."""
    kind, _, inner = annotation.partition("[")
    inner = inner.removesuffix("]")
    plain: dict[str, Any] = {
        "str": "x",
        "int": 1,
        "bool": True,
        "AnyType": language.job,
        "RuntimeArg": language.runtime_arg("Unikernel.x"),
        "Iterable": [],
        "Sequence": ["x"],
        "Device": object(),
        "DhcpRequests": language.make_dhcp_requests(),
        "Value": key.is_unix,
    }
    return (
        impl("X", BY_TAG.get(inner) or BY_TAG[module_type_name(inner)]) if kind == "Impl" else plain[kind.split(" ")[0]]
    )


def parameters() -> Iterator[tuple[str, Callable[..., Any], str]]:
    for name, function in functions():
        for parameter, annotation in function.__annotations__.items():
            if parameter != "return" and name not in OPEN and annotation not in {"Any", "T"}:
                yield name, function, parameter


@pytest.mark.parametrize(
    ("name", "function", "parameter"), [pytest.param(*one, id=f"{one[0]}-{one[2]}") for one in parameters()]
)
def test_wrong_argument_is_refused_at_its_line(name: str, function: Any, parameter: str) -> None:
    real = function.__wrapped__
    code = real.__code__
    places = code.co_varnames[: code.co_argcount]
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    optional = {*(real.__kwdefaults__ or {}), *places[len(places) - len(real.__defaults__ or ()) :]}
    given = {one: sample(real.__annotations__[one]) for one in (*places, *named) if one not in {*optional, parameter}}
    wrong: Any = object()
    is_one = parameter in (*places, *named)  # and not one of many, `*packages`
    call = partial(function, **given, **{parameter: wrong}) if is_one else partial(function, wrong)
    with collecting(), pytest.raises(ConfigError) as refused:
        call()
    location = refused.value.location
    assert location is not None
    assert location.file.endswith("test_signature.py")


def test_every_function_of_the_language_is_checked() -> None:
    assert all(hasattr(function, "__wrapped__") for _, function in functions())
    assert language.main is language.main


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("netif(0)", "netif: device is text, got 0", 'write device="0"'),
        ('main("Unikernel")', "main wants type", "it is called main(module, type, ...)"),
        ('main("A", job, package=[])', "main has no argument package", "did you mean packages?"),
        ('main("A", job, keys=[])', "main has no argument keys", "keys are found where they decide"),
        ('package("a", version="1")', "package has no argument version", "did you mean min=... and max=...?"),
        ('package("a", min=0.2)', "package: min is text, got 0.2", 'write min="0.2"'),
        ('package("a", scope="monorpo")', "scope is monorepo or switch", "did you mean monorepo?"),
        ('main("A", job, None, None)', "main takes 2 arguments without a name, got 4", "main(module, type, ...)"),
        ('netif("a", device="b")', "netif is given device twice", "netif(device, ...)"),
        ('generic_stackv4v6("tap0")', "interface is a device of type network, got 'tap0'", "such as default_network"),
        ("generic_stackv4v6(netif)", "got the function netif", "call it: netif(...)"),
        ("generic_stackv4v6(network)", "got the type network", "such as default_network"),
        ('resolver_dns(noop, nameservers="udp:8.8.8.8")', "stack is a device of type stackv4v6", "generic_stackv4v6"),
        ('boot.resolver("udp:8.8.8.8")', "nameservers is a list", 'write nameservers=["udp:8.8.8.8"]'),
        ("make_dhcp_requests(3)", "takes 0 arguments without a name, got 1", "make_dhcp_requests()"),
        ('crunch(key.string("x", default="a"))', "crunch: directory is text, got key x", "if_impl or match_impl"),
        ('crunch(f"{key.target}")', "key target has no value yet", "value.map("),
        ('key.integer("x", default=1) + 1', "unsupported operand", "compute with value.map("),
        ('key.integer("x", default="a")', "default is a whole number, got 'a'", "integer(name, ...)"),
        ('key.string("x", defualt="a")', "string has no argument defualt", "did you mean default?"),
        ('key.enum("x", "abc")', "values is a list of texts or a mapping", 'write values=["abc"]'),
        ('key.bool("x")', "no attribute 'bool'", "did you mean key.flag?"),
        ("key.is_unx", "no attribute 'is_unx'", "did you mean is_unix?"),
        ('key.target.is_("hvtt")', "key target is never 'hvtt'", "did you mean hvt?"),
        ('key.net().is_("socket")', "key net is never 'socket'", "socket is a word for 'host'"),
        ('match_impl(key.target, {"unxi": noop}, default=noop)', "key target is never 'unxi'", "did you mean unix?"),
        ("default_network()", "this is a device of type network, not a functor", "leave out the ()"),
        ("default_network >> job", "this is a device, and functor types are made of module types", "network >> job"),
        ("(network, kv_ro) >> job", "a functor type is made of module types, got (network, kv_ro)", "network >> job"),
        ("network @ job", "written with >>, not with @", "network >> job"),
        ('main("A", network >> job)(network)', "got (the type network)", "a type is not a device"),
        ('register("a", "job")', "jobs is a list, got 'job'", 'jobs=[main("Unikernel", job)]'),
        ('register([noop], "a")', "name is text, got [a device of type job]", "register(name, jobs, ...)"),
        ('Resource("net", "x")', "takes 1 positional argument", "Resource(kind=..., name=...)"),
        ('Resource(kind="nett", name="x")', "a resource is of kind net, block, xenstore, got 'nett'", "Resource("),
    ],
)  # fmt: skip
def test_refusal_says_what_to_write(line: str, said: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(f"from mirage_py import *\n{line}\n")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "config.py")
    error = refused.value
    assert said in error.message
    assert hint in (error.hint or "")
    assert error.location is not None
    assert (error.location.file.endswith("config.py"), error.location.line) == (True, 2)


def test_right_arguments_pass_unchanged() -> None:
    @checked
    def device(name: str, parts: list[str] | None = None, *, count: int = 1) -> tuple[object, ...]:
        return name, parts, count

    assert device("a", count=2) == ("a", None, 2)
    assert device(name="a", parts=["b"]) == ("a", ["b"], 1)
    assert device.__name__ == "device"
