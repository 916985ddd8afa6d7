"""What shapes declare and what marshmallow makes of it are the same, bound by bound and member by member."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some
from marshmallow import ValidationError

from mockspi.admin import ROUTES
from mockspi.connectors.shapes import ConnectorFile
from mockspi.contracts import SPIS
from mockspi.contracts.collections import KINDS
from mockspi.contracts.events import EVENTS
from mockspi.describing import shapes
from mockspi.schema import Field, Many, Shape
from mockspi.schema.marshalled import checker, field_of
from mockspi.schema.validate import Bound, Equal, Range

OUTER: list[type[Shape] | None] = [
    ConnectorFile,
    *(one for contract in SPIS for one in (contract.body, contract.query, contract.reply)),
    *(event.body for event in EVENTS),
    *(kind.shape for kind in KINDS),
    *(one for route in ROUTES for one in (route.body, route.query, route.reply)),
]
SHAPES = list(dict.fromkeys(inner for one in OUTER if one for inner in shapes(one)))
TEXTS = ["", "x", "12", "0", "24:00", "23:59", "2026-12-25", "12345678", "1234", "-1.5", "24.50", "/body", "http://a/", "é" * 300]


def bounded() -> dict[str, tuple[Field, Bound]]:
    """Every bound that a field declares, each once."""
    fields = [one for shape in SHAPES for one in shape.fields.values()]
    fields += [one.inner for one in fields if isinstance(one, Many)]
    pairs = [(field, rule) for field in fields for rule in field.validators if isinstance(rule, Bound)]
    return {repr((type(rule), vars(rule))): (field, rule) for field, rule in pairs}


BOUNDED = list(bounded().values())
NUMBERS = [pair for pair in BOUNDED if isinstance(pair[1], Range)]
OTHERS = [pair for pair in BOUNDED if not isinstance(pair[1], Range)]


def agree(field: Field, rule: Bound, value: Any) -> bool:
    """Whether a bound and what marshmallow makes of it say the same of a value."""
    try:
        field_of(field).validators[field.validators.index(rule)](value)
    except ValidationError:
        return not rule.holds(value)
    return rule.holds(value)


def test_there_are_bounds_of_every_kind() -> None:
    assert {type(rule).__name__ for _, rule in BOUNDED} == {"OneOf", "Length", "Range", "Regexp", "Equal"}
    assert len(SHAPES) > 150


@given(some.sampled_from(NUMBERS), some.integers() | some.floats(allow_nan=False))
@settings(max_examples=400, deadline=None)
def test_a_number_is_within_its_bounds_where_marshmallow_says_so(pair: tuple[Field, Bound], value: float) -> None:
    assert agree(*pair, value)


@given(some.sampled_from(OTHERS), some.text(max_size=12) | some.sampled_from(TEXTS))
@settings(max_examples=800, deadline=None)
def test_a_text_is_as_it_must_be_where_marshmallow_says_so(pair: tuple[Field, Bound], value: str) -> None:
    assert agree(*pair, value)


def test_the_edges_of_bounds_and_the_words_of_choices_are_the_same() -> None:
    for field, rule in BOUNDED:
        edges = [one for name in ("min", "max", "equal") if (one := getattr(rule, name, None)) is not None]
        near = [edge + step for edge in edges for step in (-1, 0, 1)]
        values = near if isinstance(rule, Range) else ["x" * max(0, one) for one in near]
        values += [*getattr(rule, "choices", ()), True, False] if not edges else []
        values = [one for one in values if isinstance(rule, Equal) or not isinstance(one, bool)]
        assert all(agree(field, rule, value) for value in values), vars(rule)


def test_every_member_is_made_in_its_order_with_its_marks() -> None:
    for shape in SHAPES:
        made = checker(shape).fields
        assert list(made) == list(shape.fields), shape
        for name, field in shape.fields.items():
            told = (made[name].required, made[name].allow_none, made[name].data_key, made[name].metadata)
            assert told == (field.required, field.allow_none, field.data_key, field.metadata), (shape, name)


def test_a_member_that_is_declared_again_stays_where_it_was() -> None:
    class Base(Shape):
        first = Field()
        second = Field()

    class Other(Base):
        third = Field()
        first = Field(required=True)

    assert list(Other.fields) == ["first", "second", "third"]
    assert Other.fields["first"].required
    assert not Base.fields["first"].required
