"""Searches of the store find what a look at every record finds, whatever a sandbox wrote over the fixture set."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockspi.contracts.collections import COLLECTIONS
from mockspi.fixtures.reading import sample_set
from mockspi.store.aside import Aside
from mockspi.store.base import Criterion, Page, Readable
from mockspi.store.batches import batch
from mockspi.store.columns import Columns
from mockspi.store.compiled import compile_set
from mockspi.store.records import dump
from mockspi.store.sqlite import SqliteStore

KIND = COLLECTIONS["customers"]
Records = dict[str, dict[str, Any]]
SAMPLE: Records = {KIND.key_of(one): one for name, _, one in sample_set().records() if name == KIND.name}
NAMES = sorted({one["profile"]["lastName"] for one in SAMPLE.values()})
#: so many that what a sandbox wrote is gone through instead
MANY = [
    {"profile": {"customerId": f"X-{number}", "lastName": f"{NAMES[number % 3]} {number}", "firstName": NAMES[number % 5]}}
    for number in range(300)
]
FIXTURES: Records = {**SAMPLE, **{KIND.key_of(one): one for one in [*MANY, {"profile": {"customerId": "X", "firstName": "Ann"}}]}}
ODD: Records = {  # their order does not begin with the last name as it is searched
    key: {"profile": {"customerId": key, "lastName": name, "firstName": "A"}}
    for key, name in (("O-1", f"{NAMES[0]}\0"), ("O-2", f"{NAMES[0]}\1 Z"), ("O-3", NAMES[0]))
}
KEYS = st.sampled_from([*list(FIXTURES)[:6], "X-7", "C-new", "C-newer"])
OTHER = {"profile": {"customerId": "C-new", "lastName": NAMES[0], "firstName": "Ann"}}  #: what another sandbox wrote
CHANGES = st.lists(st.tuples(KEYS, st.sampled_from([None, *NAMES])), max_size=6)
ASKED = st.one_of(
    st.just(Criterion("loyaltyId")),  # whoever has one
    st.just(Criterion("lastName", (NAMES[0][:2], NAMES[1]), starts=True)),
    st.just(Criterion("customerId", low="C-1002", high="X-12")),
    st.just(Criterion("postalCode", ("",), starts=True)),  # of which some have several
    st.sampled_from(NAMES).flatmap(
        lambda name: st.tuples(st.sampled_from(["lastName", "firstName"]), st.integers(0, 4)).map(
            lambda asked: Criterion(asked[0], (name[: asked[1]],), starts=True)
        )
    ),
    st.lists(st.sampled_from([*SAMPLE, "C-new"]), min_size=1, max_size=4).map(lambda keys: Criterion("customerId", tuple(keys))),
    st.sampled_from([one["profile"]["email"] for one in SAMPLE.values() if "email" in one["profile"]]).map(
        lambda mail: Criterion("email", (mail,))
    ),
)


@dataclass(repr=False)
class Shop:
    """A store, and what is in its fixture set."""

    store: SqliteStore
    there: Records


@pytest.fixture(scope="module", params=[{}, ODD], ids=["led", "not led"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One whose customers' order begins with their last names as they are searched, and one where that is not so."""
    folder: Path = tmp_path_factory.mktemp("store")
    there = {**FIXTURES, **request.param}
    many = list(there.values())
    with Aside(folder / "base.sqlite", COLLECTIONS) as aside:
        compile_set(folder / "base.sqlite", aside, [batch(KIND, Columns(many), list(map(dump, many)), 1)], {})
    made = SqliteStore(folder / "base.sqlite", folder / "records.sqlite", COLLECTIONS)
    with made.write("another") as records:
        records.put(KIND.name, OTHER)
    with closing(sqlite3.connect(folder / "base.sqlite")) as base:
        assert base.execute("SELECT led, past - first FROM collections").fetchall() == [(not request.param, len(there))]
    return Shop(made, there)


def meets(record: dict[str, Any], criterion: Criterion) -> bool:
    term = KIND.term(criterion.term)
    wanted = list(map(term.fold, criterion.values))
    if criterion.starts:
        return any(one.startswith(tuple(wanted)) for one in term.of(record))
    if wanted:
        return not set(wanted).isdisjoint(term.of(record))
    return any((criterion.low or "") <= one <= (criterion.high or "~") for one in term.of(record))


def change(shop: Shop, changes: list[tuple[str, str | None]]) -> Records:
    """Have a sandbox write; what is there then."""
    shop.store.reset("box")
    there = dict(shop.there)
    with shop.store.write("box") as records:
        for key, name in changes:
            if name is None:
                records.delete(KIND.name, key)
                there.pop(key, None)
            else:
                profile = {**there.get(key, {}).get("profile", {}), "customerId": key, "lastName": name}
                there[key] = {**there.get(key, {}), "profile": profile}
                records.put(KIND.name, there[key])
    return there


def ordered(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the order of the collection."""
    return sorted(records, key=lambda one: (KIND.order(one), KIND.key_of(one)))


@settings(max_examples=400, deadline=None)
@given(CHANGES, st.lists(ASKED, max_size=2), st.integers(0, 2), st.none() | st.integers(0, 3))
def test_a_search_finds_what_a_look_at_every_record_finds(
    shop: Shop,
    changes: list[tuple[str, str | None]],
    asked: list[Criterion],
    offset: int,
    limit: int | None,
) -> None:
    for space, all_ in (("box", change(shop, changes)), ("another", {**shop.there, "C-new": OTHER}), ("nobody", shop.there)):
        expected = ordered(one for one in all_.values() if all(meets(one, criterion) for criterion in asked))
        with shop.store.view(space) as seen:
            found = seen.find(KIND.name, *asked, offset=offset, limit=limit)
        assert found.total == len(expected)
        assert list(found.records) == expected[offset : None if limit is None else offset + limit]


@settings(deadline=None)
@given(CHANGES, ASKED)
def test_what_is_asked_again_is_answered_by_what_is_there_now(
    shop: Shop, changes: list[tuple[str, str | None]], asked: Criterion
) -> None:
    """Also in the middle of a change, and whatever was done with the records that were answered before."""
    there = change(shop, [])
    with shop.store.write("box") as records:
        for key, name in [("", None), *changes]:
            if name is not None:
                there[key] = {"profile": {"customerId": key, "lastName": name}}
                records.put(KIND.name, there[key])
            elif key:
                records.delete(KIND.name, key)
                there.pop(key, None)
            agree(records, asked, there)
    for space, all_ in (("box", there), ("nobody", shop.there)):
        with shop.store.view(space) as seen:
            agree(seen, asked, all_)


def agree(records: Readable, asked: Criterion, there: Records) -> None:
    expected = ordered(one for one in there.values() if meets(one, asked))
    for _ in range(3):
        found = [*records.find(KIND.name, asked).records, records.get(KIND.name, "C-new"), records.get(KIND.name, "C-1001")]
        assert found == [*expected, there.get("C-new"), there.get("C-1001")]
        for one in filter(None, found):
            one.clear()


@pytest.mark.parametrize("most", [0, 2, 100])
def test_what_a_sandbox_hides_is_not_counted(shop: Shop, most: int) -> None:
    names, last = (Criterion("lastName", (NAMES[0][:most],), starts=True),), max(MANY, key=KIND.order)["profile"]["customerId"]
    first = min((one for one in shop.there.values() if meets(one, *names)), key=KIND.order)["profile"]["customerId"]
    for changes in ([], [(first, None)], [(first, "~")], [(last, None), (first, None)], [("C-new", NAMES[0])]):
        there = change(shop, changes)
        with shop.store.view("box") as seen:
            for asked in ((), names):
                met = [one for one in there.values() if all(meets(one, criterion) for criterion in asked)]
                assert seen.find(KIND.name, *asked, limit=1) == Page(len(met), ordered(met)[:1])
                assert seen.find(KIND.name, *asked, limit=0) == Page(len(met), [])


@settings(max_examples=100, deadline=None)
@given(CHANGES, st.lists(ASKED, max_size=2), st.lists(st.sampled_from([*NAMES, "Nobody"]), max_size=4))
def test_a_tally_counts_what_a_look_at_every_record_counts(
    shop: Shop, changes: list[tuple[str, str | None]], asked: list[Criterion], names: list[str]
) -> None:
    for space, all_ in (("box", change(shop, changes)), ("nobody", shop.there)):
        there = [one for one in all_.values() if all(meets(one, criterion) for criterion in asked)]
        expected = [sum(meets(one, Criterion("lastName", (name,))) for one in there) for name in names]
        with shop.store.view(space) as seen:
            assert [seen.tally(KIND.name, "lastName", names, *asked) for _ in range(3)] == [expected] * 3


@settings(max_examples=50, deadline=None)
@given(CHANGES)
def test_one_by_one_all_come_in_their_order(shop: Shop, changes: list[tuple[str, str | None]]) -> None:
    expected = ordered(change(shop, changes).values())
    assert list(shop.store.read("box").each(KIND.name)) == expected


def test_of_what_a_set_has_not_nothing_is_found(shop: Shop) -> None:
    with shop.store.view("box") as seen:
        assert (seen.find("stores").total, seen.find("stores", limit=1).total, list(seen.each("stores"))) == (0, 0, [])
        assert seen.find("orders", Criterion("lastName", ("",), starts=True), limit=1).total == 0
