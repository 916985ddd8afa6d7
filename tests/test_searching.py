"""Searches of the store find what a look at every record finds, whatever a sandbox wrote over the fixture set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockspi.contracts.collections import COLLECTIONS
from mockspi.fixtures.reading import sample_set
from mockspi.rehearsing import compile_into
from mockspi.store.base import Criterion, Readable
from mockspi.store.sqlite import SqliteStore

KIND = COLLECTIONS["customers"]
Records = dict[str, dict[str, Any]]
FIXTURES: Records = {KIND.key_of(one): one for name, _, one in sample_set().records() if name == KIND.name}
NAMES = sorted({one["profile"]["lastName"] for one in FIXTURES.values()})
KEYS = st.sampled_from([*list(FIXTURES)[:6], "C-new", "C-newer"])
OTHER = {"profile": {"customerId": "C-new", "lastName": NAMES[0], "firstName": "Ann"}}  #: what another sandbox wrote
CHANGES = st.lists(st.tuples(KEYS, st.sampled_from([None, *NAMES])), max_size=6)
ASKED = st.one_of(
    st.just(Criterion("postalCode", ("",), starts=True)),  # of which some have several
    st.sampled_from(NAMES).flatmap(
        lambda name: st.integers(0, 2).map(lambda most: Criterion("lastName", (name[:most],), starts=True))
    ),
    st.lists(st.sampled_from([*FIXTURES, "C-new"]), min_size=1, max_size=4).map(
        lambda keys: Criterion("customerId", tuple(keys))
    ),
    st.sampled_from([one["profile"]["email"] for one in FIXTURES.values() if "email" in one["profile"]]).map(
        lambda mail: Criterion("email", (mail,))
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    folder: Path = tmp_path_factory.mktemp("store")
    compile_into(folder / "base.sqlite", sample_set())
    made = SqliteStore(folder / "base.sqlite", folder / "records.sqlite", COLLECTIONS)
    with made.write("another") as records:
        records.put(KIND.name, OTHER)
    return made


def meets(record: dict[str, Any], criterion: Criterion) -> bool:
    term = KIND.term(criterion.term)
    wanted = list(map(term.fold, criterion.values))
    return any(one.startswith(tuple(wanted)) if criterion.starts else one in wanted for one in term.of(record))


@settings(max_examples=400)
@given(CHANGES, st.lists(ASKED, max_size=2), st.integers(0, 2), st.none() | st.integers(0, 3))
def test_a_search_finds_what_a_look_at_every_record_finds(
    store: SqliteStore, changes: list[tuple[str, str | None]], asked: list[Criterion], offset: int, limit: int | None
) -> None:
    store.reset("box")
    there = dict(FIXTURES)
    with store.write("box") as records:
        for key, name in changes:
            if name is None:
                records.delete(KIND.name, key)
                there.pop(key, None)
            else:
                profile = {**there.get(key, {}).get("profile", {}), "customerId": key, "lastName": name}
                there[key] = {**there.get(key, {}), "profile": profile}
                records.put(KIND.name, there[key])
    for space, all_ in (("box", there), ("another", {**FIXTURES, "C-new": OTHER}), ("nobody", FIXTURES)):
        met = [one for one in all_.values() if all(meets(one, criterion) for criterion in asked)]
        expected = sorted(met, key=lambda one: (KIND.order(one), KIND.key_of(one)))
        with store.view(space) as seen:
            found = seen.find(KIND.name, *asked, offset=offset, limit=limit)
        assert found.total == len(expected)
        assert list(found.records) == expected[offset : None if limit is None else offset + limit]


@given(CHANGES, ASKED)
def test_what_is_asked_again_is_answered_by_what_is_there_now(
    store: SqliteStore, changes: list[tuple[str, str | None]], asked: Criterion
) -> None:
    """Also in the middle of a change, and whatever was done with the records that were answered before."""
    store.reset("box")
    there = dict(FIXTURES)
    with store.write("box") as records:
        for key, name in [("", None), *changes]:
            if name is not None:
                there[key] = {"profile": {"customerId": key, "lastName": name}}
                records.put(KIND.name, there[key])
            elif key:
                records.delete(KIND.name, key)
                there.pop(key, None)
            agree(records, asked, there)
    for space, all_ in (("box", there), ("nobody", FIXTURES)):
        with store.view(space) as seen:
            agree(seen, asked, all_)


def agree(records: Readable, asked: Criterion, there: Records) -> None:
    expected = [one for one in sorted(there.values(), key=lambda one: (KIND.order(one), KIND.key_of(one))) if meets(one, asked)]
    for _ in range(3):
        found = [*records.find(KIND.name, asked).records, records.get(KIND.name, "C-new"), records.get(KIND.name, "C-1001")]
        assert found == [*expected, there.get("C-new"), there.get("C-1001")]
        for one in filter(None, found):
            one.clear()
