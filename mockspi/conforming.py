"""The quick yes: whether JSON keeps a shape. It is found member by member at first; for a shape that is asked for again and
again a function is written and compiled, from the very fields that marshmallow reads.

A no says nothing about why: then ``schema.problems`` and, unless the document is one that we only receive, ``schema.Strangers``
are asked. A yes must mean that they would find nothing; property tests hold them all together.

What is compiled is made of declarations alone: names and bounds stand in it as literals, and what else a check needs (words,
rules, the checks of shapes inside) is handed to it as a value. Nothing that was read or sent gets there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import cache
from typing import Any

from mockspi.schema import (
    Field,
    Flag,
    Integer,
    Many,
    Number,
    Part,
    Problem,
    Shape,
    Strangers,
    Text,
    members,
    problems,
    validate,
)  # fmt: skip
from mockspi.schema.validate import ValidationError

Check = Callable[[Any], bool]
_OFTEN = 12  #: to compile a check costs as much as so many looks without


class Held(Enum):
    """What is held against a document beside its declared members."""

    RECEIVED = 1  #: nothing
    SENT = 2  #: members that no shape declares, but in open ones
    KEPT = 3  #: those in open shapes too, and every null inside


_asked: Counter[tuple[type[Shape], Held]] = Counter()


def conforms(shape: type[Shape], value: Any, held: Held = Held.SENT) -> bool:
    """Whether a document keeps a shape."""
    kind = (shape, held)
    if _asked[kind] >= _OFTEN:
        return compiled(shape, held)(value)
    _asked[kind] += 1
    return keeps(shape, value, held)


def all_conform(shape: type[Shape], values: Sequence[Any], held: Held) -> bool:
    """Whether all of some documents keep a shape."""
    return all(map(compiled(shape, held), values)) if len(values) >= _OFTEN else all(conforms(shape, one, held) for one in values)


def faults(shape: type[Shape], value: Any) -> list[Problem]:
    """Everything that is wrong with what shall keep a shape and have no other members."""
    return [] if conforms(shape, value) else [*problems(shape, value), *Strangers().find(shape, value)]


def keeps(shape: type[Shape], value: Any, held: Held) -> bool:
    """The same, member by member."""
    if type(value) is not dict:
        return False
    declared = members(shape)
    for name, member in value.items():
        if (field := declared.get(name)) is None:
            if _counts(shape, held):
                return False
        elif not fits(field, member, held):
            return False
    return all(name in value for name, field in declared.items() if field.required) and (
        not shape.ONE_OF or any(value.get(name) for name in shape.ONE_OF)
    )


def _counts(shape: type[Shape], held: Held) -> bool:
    """Whether a member that the shape does not declare is wrong."""
    return held is Held.KEPT or (held is Held.SENT and not shape.OPEN)


def fits(field: Field, value: Any, held: Held = Held.SENT) -> bool:
    """Whether a value may stand where a field is."""
    if value is None:
        return field.allow_none
    match field:
        case Text():
            right = type(value) is str
        case Number():
            right = type(value) is float or type(value) is int  # the bounds refuse NaN and infinity
        case Integer():
            right = type(value) is int
        case Flag():
            right = type(value) is bool
        case Part():
            right = keeps(field.nested, value, held)
        case Many():
            right = type(value) is list and all(fits(field.inner, one, held) for one in value)
        case _:
            right = held is not Held.KEPT or _no_null_inside(value)
    return right and all(_yes_or_no(rule)(value) for rule in field.validators)


@cache
def compiled(shape: type[Shape], held: Held) -> Check:
    """The check of one shape."""
    return _Writer(held).of_shape(shape)


class _Writer:
    """Writes one check: lines that end it with False as soon as something is broken."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._handed: dict[str, Any] = {}

    def of_shape(self, shape: type[Shape]) -> Check:
        """The check of an object of this shape."""
        text = "\n ".join(("def check(value):", *self._object(shape), "return True"))
        exec(text, self._handed)  # noqa: S102  # made of our own declarations alone, as said above
        check: Check = self._handed["check"]
        return check

    def _object(self, shape: type[Shape]) -> Iterator[str]:
        declared = members(shape)
        counted = _counts(shape, self._held)
        yield _unless("type(value) is dict")
        if counted:
            yield f"known = {sum(field.required for field in declared.values())}"
        for name, field in declared.items():
            lines = self._value(field, "one", f"(one := value[{name!r}])")
            if field.required:
                yield _unless(f"{name!r} in value")
                yield from lines
            else:
                yield f"if {name!r} in value:"
                yield from _deeper(["known += 1", *lines] if counted else lines)
        if counted:
            yield _unless("len(value) == known")
        if shape.ONE_OF:
            yield _unless(" or ".join(f"value.get({name!r})" for name in shape.ONE_OF))

    def _value(self, field: Field, at: str, first: str) -> Iterator[str]:
        """The lines about what the variable ``at`` holds, which is set by ``first``."""
        if field.allow_none:
            yield f"if {first} is not None:"
            yield from _deeper(self._given(field, at, at))
        else:
            yield from self._given(field, at, first)

    def _given(self, field: Field, at: str, first: str) -> Iterator[str]:
        kind = self._kind(field, at, first)
        yield _unless(" and ".join([kind, *(self._rule(rule, at, isinstance(field, Number)) for rule in field.validators)]))
        if isinstance(field, Many):
            yield f"for {at}_ in {at}:"
            yield from _deeper(self._value(field.inner, f"{at}_", f"{at}_"))

    def _kind(self, field: Field, at: str, first: str) -> str:  # noqa: PLR0911  # one answer for each kind of field
        match field:
            case Part():
                return f"{self._inside(field.nested)}({first})"
            case Many():
                return f"type({first}) is list"
            case Integer():
                return f"type({first}) is int"
            case Number():
                return f"(type({first}) is float or type({at}) is int)"
            case Flag():
                return f"type({first}) is bool"
            case Text():
                return f"type({first}) is str"
        return f"{self._hand(_no_null_inside)}({first})" if self._held is Held.KEPT else f"{first} is not None"

    def _rule(self, rule: validate.Rule, at: str, exact: bool) -> str:
        match rule:
            case validate.Range(min=low, max=high):
                return f"{float(low)!r} <= {at} <= {float(high)!r}" if exact else f"{low!r} <= {at} <= {high!r}"
            case validate.Length(min=1, max=None, equal=None):
                return at
            case validate.OneOf():
                return f"{at} in {self._hand(frozenset(rule.choices))}"
        return f"{self._hand(_yes_or_no(rule))}({at})"

    def _inside(self, shape: type[Shape]) -> str:
        """The name of the check of a shape inside, which is not made before there is something to check."""

        def first(value: Any) -> bool:
            check = self._handed[name] = compiled(shape, self._held)
            return check(value)

        name = self._hand(first)
        return name

    def _hand(self, thing: Any) -> str:
        """The name by which the check finds a value."""
        name = f"_{len(self._handed)}"
        self._handed[name] = thing
        return name


def _unless(holds: str) -> str:
    return f"if not ({holds}): return False"


def _deeper(lines: Iterable[str]) -> Iterator[str]:
    return (f" {line}" for line in lines)


def _no_null_inside(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_no_null_inside, value.values()))
    return all(map(_no_null_inside, value)) if isinstance(value, list) else value is not None


def _yes_or_no(rule: validate.Rule) -> Check:
    """A rule as a yes or no."""
    if isinstance(rule, validate.Bound):
        return rule.holds

    def check(value: Any) -> bool:
        try:
            rule(value)
        except ValidationError:
            return False
        return True

    return check
