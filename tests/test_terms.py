"""How values are folded: quickly, and as if it were done letter by letter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mockspi.contracts.collections import COLLECTIONS
from mockspi.fixtures.reading import sample_set
from mockspi.store.base import Collection, Order, Term
from mockspi.store.columns import Columns
from mockspi.store.paths import reader, walk
from mockspi.store.terms import Fold, compact, each, exact, folded, folded_anew, phone

TEXTS = some.text() | some.text("0123456789 +-()٣²ß\u00e9", max_size=90)
MEMBERS = some.sampled_from(["a", "b", "c"])
DOCUMENTS = some.recursive(
    some.none() | some.integers(0, 3) | some.text(max_size=2),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(MEMBERS, inner, max_size=3),
    max_leaves=12,
)
PATHS = some.lists(some.tuples(MEMBERS, some.booleans()), min_size=1, max_size=3)


@given(TEXTS)
def test_what_is_remembered_is_what_is_found_anew(text: str) -> None:
    for _ in range(2):
        assert folded(text) == folded_anew(text) == folded_anew(folded(text))
        assert compact(text) == folded_anew(text).replace(" ", "").replace("-", "")
        assert phone(text) == "".join(sign for sign in reversed(text) if sign.isdigit())


@given(some.sampled_from([exact, folded, folded_anew, compact, phone]), some.lists(TEXTS | some.integers(), max_size=5))
def test_many_are_folded_as_each_is(fold: Fold, values: list[Any]) -> None:
    assert each(fold)(values) == list(map(fold, values))


def walked(value: Any, steps: list[tuple[str, bool]]) -> list[Any]:
    """The values at a path, step by step."""
    found = [value]
    for name, many in steps:
        found = [one[name] for one in found if isinstance(one, dict) and one.get(name) is not None]
        if many:
            found = [item for member in found for item in (member if isinstance(member, list) else [member])]
    return found


@given(DOCUMENTS, PATHS)
def test_a_path_is_walked_step_by_step(document: Any, steps: list[tuple[str, bool]]) -> None:
    path = ".".join(name + "[]" * many for name, many in steps)
    expected = walked(document, steps)
    assert [one for one in walk(document, path) if one is not None] == [one for one in expected if one is not None]
    assert list(reader("")(document)) == [document]


@given(some.dictionaries(MEMBERS, some.text(max_size=3) | some.lists(some.text(max_size=3), max_size=3)))
def test_a_term_has_each_value_once_and_none_that_is_empty(record: dict[str, Any]) -> None:
    for paths in (("a",), ("a", "b"), ("a[]",), ("a[]", "b[]")):
        expected = {folded(one) for path in paths for one in walk(record, path)} - {""}
        found = list(Term("any", paths, folded).of(record))
        assert (set(found), len(found)) == (expected, len(expected))
    assert not list(Term("any", ("a",), folded, lambda _: False).of(record))


RECORDS = some.lists(
    some.dictionaries(MEMBERS, some.text(" aÁ", max_size=3) | some.lists(some.text(" aÁ", max_size=3), max_size=3))
)


@given(RECORDS, some.sampled_from([("a",), ("a", "b"), ("a[]",), ("a[]", "b[]", "c")]), some.booleans())
def test_a_column_of_a_term_has_what_each_record_has(
    records: list[dict[str, Any]], paths: tuple[str, ...], some_only: bool
) -> None:
    term = Term("any", paths, folded, (lambda record: "c" in record) if some_only else None)
    firsts, further = term.column(Columns(records))
    assert len(firsts) == len(records)
    for index, (record, first) in enumerate(zip(records, firsts, strict=True)):
        others = [value for whose, value in further if whose == index]
        assert (first is None) <= (not others)
        assert sorted(([first] if first is not None else []) + others) == sorted(term.of(record))


@pytest.mark.parametrize("name", COLLECTIONS)
def test_keys_and_orders_of_many_are_those_of_each(name: str) -> None:
    kind = COLLECTIONS[name]
    records = [record for collection, _, record in sample_set().records() if collection == name]
    seen = Columns(records)
    assert kind.keys(seen) == list(map(kind.key_of, records))
    assert kind.orders(seen) == list(map(kind.order, records))


@given(RECORDS)
def test_what_records_lack_is_nothing_in_their_keys_and_orders(records: list[dict[str, Any]]) -> None:
    kind = Collection("any", ("a.b", "c"), order=Order((("b", folded), ("a.c", exact))))
    assert kind.keys(Columns(records)) == list(map(kind.key_of, records))
    assert kind.orders(Columns(records)) == list(map(kind.order, records))


@given(some.lists(DOCUMENTS, max_size=4), PATHS)
def test_a_path_is_walked_in_many_as_in_each(documents: list[Any], steps: list[tuple[str, bool]]) -> None:
    path = ".".join(name + "[]" * many for name, many in steps)
    expected = [one for document in documents for one in walk(document, path) if one is not None]
    assert [one for one in Columns(documents).every(path) if one is not None] == expected
