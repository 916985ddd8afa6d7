"""Strict field types, the base schema, and the two questions asked of any JSON: what is wrong, what is unknown.

Checks never change the value: JSON travels on as it came. ``source`` says where a field comes from:
``seed`` (the vendor's own overview), ``public`` (another public text) or ``assumed`` (ours, in the vendor's manner).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

from mockspi.currencies import decimals

Field = fields.Field[Any]
SEED, PUBLIC, ASSUMED = "seed", "public", "assumed"
_VAST = 1e12  # no amount comes near
_FINER = {0: "decimals, and {} has none", 2: "more than two decimals", 3: "more than three decimals"}
_SAFE = 2**53  # beyond it JSON readers that use doubles lose digits
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999


class _Marked(fields.Field[Any]):
    """A field that carries a sentence about itself and where we have it from."""

    def __init__(self, *, about: str = "", source: str = "", like: Mapping[str, Any] | None = None, **options: Any) -> None:
        notes = {"description": about, "x-source": source, **(like or {})}
        super().__init__(metadata={key: note for key, note in notes.items() if note}, **options)


class Text(_Marked, fields.String):
    """A string."""


class Id(Text):
    """A non-empty string that names something; never a number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Length(min=1), **options)


class Choice(Text):
    """One of a closed list of words."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(validate=validate.OneOf(words), **options)


class Integer(_Marked, fields.Integer):
    """A whole JSON number: not "5", not true, not 5.5."""

    def __init__(self, *, low: int = -_SAFE, high: int = _SAFE, **options: Any) -> None:
        super().__init__(validate=validate.Range(low, high), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class Moment(Integer):
    """Epoch milliseconds UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(low=_FIRST_MOMENT, high=_LAST_MOMENT, **options)


class Number(_Marked, fields.Float):
    """A finite JSON number: not "5", not true."""

    def __init__(self, *, low: float = -_VAST, high: float = _VAST, **options: Any) -> None:
        super().__init__(validate=validate.Range(low, high), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> float:
        if type(value) is int or (type(value) is float and math.isfinite(value)):
            return value
        raise self.make_error("invalid")


class Money(Number):
    """An amount in the currency's main unit, no finer than its minor unit."""


class Flag(_Marked, fields.Boolean):
    """true or false, nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class Part(_Marked, fields.Nested):
    """Another schema inside this one."""

    def __init__(self, nested: type[Schema], **options: Any) -> None:
        super().__init__(nested=nested, **options)


class Many(_Marked, fields.List[Any]):
    """A list; of a field, or of a schema."""

    def __init__(self, of: type[Schema] | fields.Field[Any], **options: Any) -> None:
        super().__init__(cls_or_instance=of if isinstance(of, fields.Field) else Part(of), **options)


class Anything(_Marked, fields.Raw):
    """Any JSON value."""


class Shape(Schema):
    """The base of every schema here. ``SOURCE`` marks the fields that do not mark themselves;
    ``OPEN`` means that members which are not listed are kept rather than refused; of ``ONE_OF`` one must come.
    """

    SOURCE = ASSUMED
    OPEN = False
    ONE_OF: tuple[str, ...] = ()

    class Meta:
        unknown = INCLUDE

    @validates_schema
    def has_one(self, data: Mapping[str, Any], **_: Any) -> None:
        """Something must say what is meant."""
        if self.ONE_OF and not any(data.get(name) for name in self.ONE_OF):
            raise ValidationError(f"{' or '.join(self.ONE_OF)} is required")


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


@cache
def instance(shape: type[Shape]) -> Shape:
    """The one instance of a schema; building it costs far more than using it."""
    return shape()


def problems(shape: type[Shape], value: Any) -> list[Problem]:
    """Everything that breaks the schema, in the order of its fields."""
    if not isinstance(value, dict):
        return [Problem("", "a JSON object is expected")]
    return list(_flat(instance(shape).validate(value), ""))


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
        declared = {field.data_key or name: field for name, field in instance(shape).fields.items()}
        for name, member in value.items():
            where, full = f"{path}/{escape(name)}", f"{dotted}{name}"
            if name in declared:
                yield from self._inside(declared[name], member, where, full)
            elif full not in self.allowed and (self.closed or not shape.OPEN):
                yield Problem(where, f"unknown field {name!r}{did_you_mean(name, declared)}")

    def _inside(self, field: fields.Field[Any], value: Any, path: str, dotted: str) -> Iterator[Problem]:
        if isinstance(field, Part) and isinstance(value, dict):
            inner = type(field.schema)
            if issubclass(inner, Shape):
                yield from self._members(inner, value, path, f"{dotted}.")
        elif isinstance(field, Many) and isinstance(value, list):
            for index, member in enumerate(value):
                yield from self._inside(field.inner, member, f"{path}/{index}", dotted)


def field_at(shape: type[Shape], where: Sequence[str]) -> fields.Field[Any] | None:
    """The field that declares what stands at a place."""
    found: fields.Field[Any] = Part(shape)
    for token in where:
        if isinstance(found, Many):
            found = found.inner
        elif isinstance(found, Part) and isinstance(found.schema, Schema):
            members = {one.data_key or name: one for name, one in found.schema.fields.items()}
            if token not in members:
                return None
            found = members[token]
        else:
            return None
    return found


def expectation(field: fields.Field[Any]) -> str:
    """What a field wants, in a few words."""
    return _expectation(field) + " or null" * field.allow_none


def _expectation(field: fields.Field[Any]) -> str:
    for one in field.validators:
        if isinstance(one, validate.OneOf):
            return f"one of {', '.join(map(str, one.choices))}"
    low, high = next(((one.min, one.max) for one in field.validators if isinstance(one, validate.Range)), (None, None))
    bounds = f" from {low}" if low is not None and low > -_VAST else ""
    bounds += f" to {high}" if high is not None and high < _VAST else ""
    if isinstance(field, Many):
        return f"a list, each {expectation(field.inner)}"
    if isinstance(field, Part):
        required = [one.data_key or name for name, one in field.schema.fields.items() if one.required]
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
        members: Any = enumerate(given) if isinstance(given, list) else () if many or given is None else ((None, given),)
        for index, member in members:
            where = f"{path}/{name}" + ("" if index is None else f"/{index}")
            if inner:
                yield from uneven(inner, member, where, currency)
            elif isinstance(member, float) and round(member, decimals(currency)) != member:
                yield Problem(where, f"{member} has {_FINER[decimals(currency)].format(currency)}")


@cache
def _amounts(shape: type[Shape]) -> tuple[tuple[str, bool, type[Shape] | None], ...]:
    """The members of a shape that are amounts or hold some: name, whether it is a list, and the shape of what holds them."""
    found: list[tuple[str, bool, type[Shape] | None]] = []
    for name, field in instance(shape).fields.items():
        many = isinstance(field, Many)
        kind = field.inner if isinstance(field, Many) else field
        inner = type(kind.schema) if isinstance(kind, Part) else None
        if isinstance(kind, Money):
            found.append((name, many, None))
        elif inner and issubclass(inner, Shape) and _amounts(inner):
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
