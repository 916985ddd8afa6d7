"""Strict field types, the base schema, and the two questions asked of any JSON: what is wrong, what is unknown.

Checks never change the value: JSON travels on as it came. What is declared is plain data; marshmallow is made from it, and
speaks, when something is wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mockspi.currencies import decimals
from mockspi.schema import validate
from mockspi.schema.declaring import (
    ASSUMED,
    PUBLIC,
    SEED,
    VAST,
    Anything,
    Choice,
    Field,
    Flag,
    Id,
    Integer,
    Many,
    Moment,
    Money,
    Number,
    Part,
    Shape,
    Text,
    members,
)

__all__ = [
    "ASSUMED", "PUBLIC", "SEED", "Anything", "Choice", "Field", "Flag", "Id", "Integer", "Many", "Moment", "Money", "Number",
    "Part", "Problem", "Shape", "Strangers", "Text", "amounts", "did_you_mean", "escape", "expectation", "field_at", "members",
    "problems", "uneven",
]  # fmt: skip
_FINER = {0: "decimals, and {} has none", 2: "more than two decimals", 3: "more than three decimals"}
_KINDS: dict[type, str] = {
    Moment: "a moment in epoch milliseconds",
    Integer: "a whole number",
    Number: "a number",
    Flag: "true or false",
    Id: "a text that is not empty",
    Text: "a text",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong inside a JSON document: where (JSON pointer) and what, with what is expected."""

    path: str
    message: str


def problems(shape: type[Shape], value: Any) -> list[Problem]:
    """Everything that breaks the schema, in the order of its fields."""
    if not isinstance(value, dict):
        return [Problem("", "a JSON object is expected")]
    from mockspi.schema.marshalled import checker  # heavy: only where something may be wrong

    return list(_flat(checker(shape).validate(value), ""))


def _flat(found: Any, path: str) -> Iterator[Problem]:
    if isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _flat(inner, path if name == "_schema" else f"{path}/{escape(name)}")
    else:
        for message in found:
            if isinstance(message, Mapping):  # what a validator says of members
                yield from _flat(message, path)
            else:
                yield Problem(path, str(message).rstrip("."))


@dataclass(frozen=True, slots=True)
class Strangers:
    """Finds members that no field declares, each with the nearest right name.

    ``allowed`` are the names (dotted, without list indexes) that a fixture set declares as its own attributes.
    ``closed`` looks into open shapes too: fixtures are held to every name, replies may carry what the POS sent.
    """

    closed: bool = False
    allowed: frozenset[str] = frozenset()

    def find(self, shape: type[Shape], value: Any) -> list[Problem]:
        """Every unknown member of a document."""
        return list(self._members(shape, value, "", "")) if isinstance(value, dict) else []

    def _members(self, shape: type[Shape], value: Mapping[str, Any], path: str, dotted: str) -> Iterator[Problem]:
        declared = members(shape)
        for name, member in value.items():
            where, full = f"{path}/{escape(name)}", f"{dotted}{name}"
            if name in declared:
                yield from self._inside(declared[name], member, where, full)
            elif full not in self.allowed and (self.closed or not shape.OPEN):
                yield Problem(where, f"unknown field {name!r}{did_you_mean(name, declared)}")

    def _inside(self, field: Field, value: Any, path: str, dotted: str) -> Iterator[Problem]:
        if isinstance(field, Part) and isinstance(value, dict):
            yield from self._members(field.nested, value, path, f"{dotted}.")
        elif isinstance(field, Many) and isinstance(value, list):
            for index, member in enumerate(value):
                yield from self._inside(field.inner, member, f"{path}/{index}", dotted)


def field_at(shape: type[Shape], where: Sequence[str]) -> Field | None:
    """The field that declares what stands at a place."""
    found: Field = Part(shape)
    for token in where:
        if isinstance(found, Many):
            found = found.inner
        elif isinstance(found, Part):
            if token not in (inside := members(found.nested)):
                return None
            found = inside[token]
        else:
            return None
    return found


def expectation(field: Field) -> str:
    """What a field wants, in a few words."""
    return _expectation(field) + " or null" * field.allow_none


def _expectation(field: Field) -> str:
    for one in field.validators:
        if isinstance(one, validate.OneOf):
            return f"one of {', '.join(map(str, one.choices))}"
    low, high = next(((one.min, one.max) for one in field.validators if isinstance(one, validate.Range)), (None, None))
    bounds = f" from {low}" if low is not None and low > -VAST else ""
    bounds += f" to {high}" if high is not None and high < VAST else ""
    if isinstance(field, Many):
        return f"a list, each {expectation(field.inner)}"
    if isinstance(field, Part):
        required = [name for name, one in members(field.nested).items() if one.required]
        return "an object" + (f" with {', '.join(required)}" if required else "")
    for kind, text in _KINDS.items():
        if isinstance(field, kind):
            return text + (bounds if kind in (Integer, Number) else "")
    return "any JSON"


def uneven(shape: type[Shape], value: Any, path: str = "", currency: str = "") -> Iterator[Problem]:
    """Amounts of a document with more decimals than its ``currency`` has, else than that of the document that it is in."""
    if not isinstance(value, dict):
        return
    own = value.get("currency")
    currency = own if isinstance(own, str) else currency
    for name, many, inner in _amounts(shape):
        given = value.get(name)
        listed: Any = enumerate(given) if isinstance(given, list) else () if many or given is None else ((None, given),)
        for index, member in listed:
            where = f"{path}/{name}" + ("" if index is None else f"/{index}")
            if inner:
                yield from uneven(inner, member, where, currency)
            elif isinstance(member, float) and round(member, decimals(currency)) != member:
                yield Problem(where, f"{member} has {_FINER[decimals(currency)].format(currency)}")


@cache
def amounts(shape: type[Shape]) -> tuple[str, ...]:
    """The paths of a shape's amounts."""
    found = ((f"{name}{'[]' * many}", inner) for name, many, inner in _amounts(shape))
    return tuple(f"{start}.{path}" if path else start for start, inner in found for path in (amounts(inner) if inner else ("",)))


@cache
def _amounts(shape: type[Shape]) -> tuple[tuple[str, bool, type[Shape] | None], ...]:
    """The members of a shape that are amounts or hold some: name, whether it is a list, and the shape of what holds them."""
    found: list[tuple[str, bool, type[Shape] | None]] = []
    for name, field in shape.fields.items():
        many = isinstance(field, Many)
        kind = field.inner if isinstance(field, Many) else field
        inner = kind.nested if isinstance(kind, Part) else None
        if isinstance(kind, Money):
            found.append((name, many, None))
        elif inner and _amounts(inner):
            found.append((name, many, inner))
    return tuple(found)


def did_you_mean(name: str, names: Any) -> str:
    """A question about the nearest known name, to stand behind what is wrong; empty where nothing is near."""
    near = difflib.get_close_matches(name, list(names), n=1)
    if not near:
        folded = {str(known).casefold(): str(known) for known in names}
        near = [folded[name.casefold()]] if name.casefold() in folded else []
    return f"; did you mean {near[0]!r}?" if near else ""


def escape(name: Any) -> str:
    """One reference token of a JSON pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")
