"""Dataclasses that are quick to define: one costs next to nothing before its first instance.

Python's own compiles six methods for each class that is defined, whether or not it is used, and imports a parser for
that: a third of what a command takes. Here one method is compiled, when the first instance is made; what the others do
is the same for all classes. A type checker reads this module as `dataclasses`, and what asks a class for its fields
(`dataclasses.fields`, `asdict`) finds them: the class is made over by Python's own at that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    from operator import attrgetter

    _NONE, _hash = object(), hash

    def dataclass(cls=None, /, *, frozen=False, kw_only=False, eq=True, init=True, **others):
        """As `dataclasses.dataclass`; what has slots or an order is made by it at once."""

        def decorate(cls):
            if not others:
                return _light(cls, frozen=frozen, kw_only=kw_only, eq=eq, init=init)
            from dataclasses import dataclass as pythons_own

            for name, one in [*vars(cls).items()]:
                if isinstance(one, field):
                    setattr(cls, name, one.pythons_own())
            return pythons_own(cls, frozen=frozen, kw_only=kw_only, eq=eq, init=init, **others)

        return decorate if cls is None else decorate(cls)

    class field:  # noqa: N801  # used as a function is
        """As `dataclasses.field`, with what is needed of it."""

        __slots__ = ("compare", "default", "default_factory", "repr")

        def __init__(self, *, default=_NONE, default_factory=_NONE, compare=True, repr=True):
            self.default = default
            self.default_factory = default_factory
            self.compare = compare
            self.repr = repr

        def pythons_own(self):
            """The field that `dataclasses` takes."""
            from dataclasses import field

            defaults = {"default": self.default, "default_factory": self.default_factory}
            given = {word: value for word, value in defaults.items() if value is not _NONE}
            return field(**given, compare=self.compare, repr=self.repr)

    def replace(one, /, **changes):
        """As `dataclasses.replace`."""
        shape = getattr(type(one), "__shape__", None)
        if shape is None or shape.owner is not type(one):
            from dataclasses import replace as pythons_own

            return pythons_own(one, **changes)
        return type(one)(**({name: getattr(one, name) for name in shape.fields} | changes))

    class _Shape:
        """What a class is made of: its fields in order, each with whether it may only be named."""

        def __init__(self, owner, **options):
            self.owner, self.options = owner, options
            self.fields, self.named, self.own = {}, set(), {}
            for base in reversed(owner.__mro__[1:]):
                inherited = vars(base).get("__shape__")
                if inherited is not None:
                    self.fields |= inherited.fields
                    self.named |= inherited.named
            for name, annotation in vars(owner).get("__annotations__", owner.__annotations__).items():
                if "ClassVar" not in str(annotation):
                    self._add(name, vars(owner).get(name, _NONE))

        def _add(self, name, default):
            one = default if isinstance(default, field) else field(default=default)
            self.fields[name] = self.own[name] = one
            if self.options["kw_only"]:
                self.named.add(name)
            if default is one and one.default is not _NONE:
                setattr(self.owner, name, one.default)
            elif default is one:
                delattr(self.owner, name)

        def compile_init(self):
            """The `__init__` of the class."""
            known = {"_set": object.__setattr__, "_unset": _NONE}
            for name, one in self.fields.items():
                known[f"_{name}"] = one.default if one.default_factory is _NONE else one.default_factory
            placed = [self._parameter(name) for name in self.fields if name not in self.named]
            named = [self._parameter(name) for name in self.fields if name in self.named]
            parameters = ", ".join(["self", *placed, *(["*", *named] if named else [])])
            lines = [f"_set(self, {name!r}, {self._value(name)})" for name in self.fields]
            lines += ["self.__post_init__()"] if hasattr(self.owner, "__post_init__") else []
            text = f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"])
            exec(compile(text, __file__, "exec"), known)  # noqa: S102  # as dataclasses does; it is mpy's in a traceback
            known["__init__"].__qualname__ = f"{self.owner.__qualname__}.__init__"  # for what Python says
            return known["__init__"]

        def _parameter(self, name):
            one = self.fields[name]
            if one.default_factory is not _NONE:
                return f"{name}=_unset"
            return name if one.default is _NONE else f"{name}=_{name}"

        def _value(self, name):
            made = self.fields[name].default_factory is not _NONE
            return f"_{name}() if {name} is _unset else {name}" if made else name

        def become_pythons_own(self):
            """Have `dataclasses` make the class, over the same fields."""
            from dataclasses import dataclass as pythons_own

            for name in self.methods:
                delattr(self.owner, name)
            for name, one in self.own.items():
                setattr(self.owner, name, one.pythons_own())
            del self.owner.__dataclass_fields__
            pythons_own(self.owner, **self.options)

    class _Later:
        """What `dataclasses` looks for in a class: it is there as soon as it is looked for."""

        def __init__(self, shape):
            self._shape = shape

        def __get__(self, _one, _owner):
            owner = self._shape.owner
            self._shape.become_pythons_own()
            return owner.__dataclass_fields__

    def _light(cls, **options):
        shape = _Shape(cls, **options)

        def __init__(self, *args, **kwargs):  # noqa: N807  # gives way to the real one at the first call
            if cls.__init__ is __init__:
                cls.__init__ = shape.compile_init()
            cls.__init__(self, *args, **kwargs)

        methods = {"__repr__": _repr}
        if options["init"]:
            methods |= {"__init__": __init__}
        if options["frozen"]:
            methods |= {"__setattr__": _setattr, "__delattr__": _delattr}
        if options["eq"]:
            methods |= _equality([name for name, one in shape.fields.items() if one.compare], hash=options["frozen"])
        given = vars(cls)
        shape.methods = [name for name in methods if given.get(name) is None]  # an own __eq__ makes __hash__ None
        for name in shape.methods:
            setattr(cls, name, methods[name])
        cls.__shape__ = shape
        cls.__match_args__ = tuple(name for name in shape.fields if name not in shape.named)
        cls.__dataclass_fields__ = _Later(shape)
        return cls

    def _equality(names, *, hash):
        if len(names) > 1:
            values = attrgetter(*names)
        elif names:
            (one,) = map(attrgetter, names)

            def values(self):
                return (one(self),)
        else:

            def values(_self):
                return ()

        def __eq__(self, other):  # noqa: N807  # the method of a class
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):  # noqa: N807  # the method of a class
            return _hash(values(self))

        return {"__eq__": __eq__, "__hash__": __hash__ if hash else None}

    def _repr(self):
        told = (f"{name}={getattr(self, name)!r}" for name, one in self.__shape__.fields.items() if one.repr)
        return f"{type(self).__qualname__}({', '.join(told)})"

    def _setattr(_self, name, _value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _delattr(_self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")


__all__ = ["dataclass", "field", "replace"]
