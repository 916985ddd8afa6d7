"""Shapes and their fields as plain data. Nothing is imported or built to declare them: there are two hundred shapes, and most
servers meet a few.

``source`` says where a field comes from: ``seed`` (the vendor's own overview), ``public`` (another public text) or ``assumed``
(ours, in the vendor's manner).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

from mockspi.schema.validate import Length, OneOf, Range, Rule

SEED, PUBLIC, ASSUMED = "seed", "public", "assumed"
VAST = 1e12  #: no amount comes near
_SAFE = 2**53  # beyond it JSON readers that use doubles lose digits
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999


class Field:
    """A member of a shape, with a sentence about itself and where we have it from.

    ``like`` adds to its JSON Schema; ``data_key`` is its name in JSON where Python cannot have that; ``error_messages`` are said
    in the place of marshmallow's own.
    """

    def __init__(
        self,
        *,
        about: str = "",
        source: str = "",
        like: Mapping[str, Any] | None = None,
        required: bool = False,
        allow_none: bool = False,
        data_key: str | None = None,
        validate: Rule | Iterable[Rule] = (),
        error_messages: Mapping[str, str] | None = None,
    ) -> None:
        notes = {"description": about, "x-source": source, **(like or {})}
        self.metadata = {key: note for key, note in notes.items() if note}
        self.required, self.allow_none, self.data_key = required, allow_none, data_key
        self.error_messages = error_messages
        self.validators: list[Rule] = [validate] if callable(validate) else list(validate)


class Text(Field):
    """A string."""


class Id(Text):
    """A non-empty string that names something; never a number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=Length(min=1), **options)


class Choice(Text):
    """One of a closed list of words."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(validate=OneOf(words), **options)


class Integer(Field):
    """A whole JSON number: not "5", not true, not 5.5."""

    def __init__(self, *, low: int = -_SAFE, high: int = _SAFE, **options: Any) -> None:
        super().__init__(validate=Range(low, high), **options)


class Moment(Integer):
    """Epoch milliseconds UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(low=_FIRST_MOMENT, high=_LAST_MOMENT, **options)


class Number(Field):
    """A finite JSON number: not "5", not true."""

    def __init__(self, *, low: float = -VAST, high: float = VAST, **options: Any) -> None:
        super().__init__(validate=Range(low, high), **options)


class Money(Number):
    """An amount in the currency's main unit, no finer than its minor unit."""


class Flag(Field):
    """true or false, nothing that merely looks like it."""


class Part(Field):
    """Another shape inside this one."""

    def __init__(self, nested: type[Shape], **options: Any) -> None:
        super().__init__(**options)
        self.nested = nested


class Many(Field):
    """A list; of a field, or of a shape."""

    def __init__(self, of: type[Shape] | Field, **options: Any) -> None:
        super().__init__(**options)
        self.inner = of if isinstance(of, Field) else Part(of)


class Anything(Field):
    """Any JSON value."""


class Declared(type):
    """Gathers the fields of a shape: inherited ones first, in their order."""

    fields: dict[str, Field]

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        super().__init__(name, bases, members)
        found = [one for base in cls.__mro__[:0:-1] if isinstance(base, Declared) for one in base.fields.items()]
        cls.fields = dict(found) | {name: one for name, one in members.items() if isinstance(one, Field)}


class Shape(metaclass=Declared):
    """The base of every schema here. ``SOURCE`` marks the fields that do not mark themselves;
    ``OPEN`` means that members which are not listed are kept rather than refused; of ``ONE_OF`` one must come.
    """

    SOURCE = ASSUMED
    OPEN = False
    ONE_OF: tuple[str, ...] = ()
    fields: ClassVar[dict[str, Field]]


@cache
def members(shape: type[Shape]) -> Mapping[str, Field]:
    """The fields of a shape by their names in JSON."""
    return {field.data_key or name: field for name, field in shape.fields.items()}
