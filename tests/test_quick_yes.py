"""The quick yes about each kind of field with each kind of rule: member by member, and compiled."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mockspi.conforming import Check, Held, compiled, fits, keeps
from mockspi.schema import (
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
    Strangers,
    Text,
    problems,
    validate,
)


def is_even(value: Any) -> None:
    if not isinstance(value, int) or value % 2:
        raise validate.ValidationError("an even number is expected")


class Inner(Shape):
    name = Id(required=True)
    note = Text()


class Outer(Shape):
    OPEN, ONE_OF = True, ("id", "name")

    id = Id()
    name = Text()


FIELDS: dict[str, Field] = {
    "text": Text(),
    "text or null": Text(allow_none=True),
    "id": Id(),
    "word": Choice("x", "5"),
    "five letters": Text(validate=validate.Length(equal=5)),
    "two rules": Text(validate=[validate.Length(min=1), validate.Regexp("x")]),
    "whole": Integer(),
    "few": Integer(low=0, high=5),
    "moment": Moment(allow_none=True),
    "number": Number(),
    "some": Number(low=0, high=5.5),
    "money": Money(low=0),
    "flag": Flag(),
    "yes": Flag(validate=validate.Equal(True, error="true is expected")),
    "anything": Anything(),
    "anything or null": Anything(allow_none=True),
    "even": Anything(validate=is_even),
    "part": Part(Inner),
    "open part or null": Part(Outer, allow_none=True),
    "texts": Many(Text()),
    "numbers and nulls, or null": Many(Integer(allow_none=True), allow_none=True),
    "parts": Many(Inner, validate=validate.Length(min=1)),
    "lists": Many(Many(Choice("a", "b"))),
    "things": Many(Anything()),
}
VALUES: list[Any] = [
    *("", "5", "x", "a", "xxxxx", "true", None, True, False, [], {}),
    *([None], [[]], [""], [1, None], ["a", 1], [["a", "b"], []], [["c"]]),
    *(0, 1, 2, 5, 6, -1, -(2**53), 2**53, 2**53 + 1, 10**20, -62_135_596_800_000, 253_402_300_800_000),
    *(0.0, -0.0, 1.0, -1.0, 5.5, 5.500001, 1e12, 1e12 + 1, -1e12, 1e300, math.nan, math.inf, -math.inf),
    *({"name": "x"}, {"name": ""}, {"name": None}, {"name": "x", "note": "y"}, {"name": "x", "other": 1}),
    *({"id": "1", "other": None}, {"id": "", "name": ""}, {"note": "y"}),
    *([{"name": "x"}], [{"name": "x"}, {}], [{"name": "x", "other": 1}], [{"a": [None]}]),
]  # fmt: skip
ODD = ["it's", 'a"b', "back\\slash", "line\nbreak", "{value}", "'] or value.clear() or value['", "\ud800", "é"]


def holding(name: str, field: Field) -> type[Shape]:
    """A shape with one member."""
    field.data_key = name
    return type(Shape)("Holding", (Shape,), {"member": field})


def slow_yes(shape: type[Shape], value: Any) -> bool:
    return not problems(shape, value) and not Strangers().find(shape, value)


def ways(shape: type[Shape], held: Held = Held.SENT) -> tuple[Check, Check]:
    return (lambda value: keeps(shape, value, held)), compiled(shape, held)


@pytest.mark.parametrize("name", FIELDS)
def test_it_is_said_of_the_very_values_that_have_no_problem(name: str) -> None:
    shape = holding("m", FIELDS[name])
    expected = [slow_yes(shape, {"m": value}) for value in VALUES]
    for way in ways(shape):
        assert [way({"m": value}) for value in VALUES] == expected
    assert [fits(FIELDS[name], value) for value in VALUES] == expected
    assert True in expected
    assert False in expected or name == "anything or null"


@pytest.mark.parametrize("name", FIELDS)
def test_closed_it_is_said_of_no_more(name: str) -> None:
    shape = holding("m", FIELDS[name])
    one, other = ([value for value in VALUES if way({"m": value})] for way in ways(shape, Held.KEPT))
    assert one == other
    assert not any(problems(shape, {"m": value}) or Strangers(closed=True).find(shape, {"m": value}) for value in one)
    assert {"a": [None]} not in [inner for value in one if isinstance(value, list) for inner in value]


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_name_is_a_name_however_it_is_spelt(name: str) -> None:
    for required in (True, False):
        for way in ways(holding(name, Integer(required=required))):
            assert [way(value) for value in ({name: 1}, {name: "x"}, {}, {f"{name}x": 1})] == [True, False, not required, False]
