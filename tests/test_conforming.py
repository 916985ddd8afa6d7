"""The quick yes and the slow checks agree, whatever the document."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mockspi.conforming import Held, compiled, conforms, keeps
from mockspi.contracts import SPIS
from mockspi.contracts.collections import KINDS
from mockspi.contracts.events import EVENTS
from mockspi.fixtures.reading import sample_set
from mockspi.schema import Shape, Strangers, problems
from mockspi.webhooks.making import examples

SAMPLE = sample_set()
STRANGE: list[Any] = ["", "5", "x", 5, 0, -1, 5.5, 10**20, True, None, [], {}, [None], {"a": None}, 1e300, "é" * 5]


def documents() -> list[tuple[type[Shape], Any]]:
    """Every example's request, reply and event body, and a few records of each collection, with their shapes."""
    played = SAMPLE.examples()
    found: list[tuple[type[Shape], Any]] = []
    for contract in SPIS:
        for one in played[contract.id].values():
            if contract.body and "body" in one.get("request", {}):
                found.append((contract.body, one["request"]["body"]))
            if isinstance(one["reply"].get("body"), dict):
                found.append((contract.reply, one["reply"]["body"]))
    shapes = {kind.collection.name: kind.shape for kind in KINDS}
    found += [(shapes[name], record) for name, index, record in SAMPLE.records() if index < 3]
    found += [(event.body, one["body"]) for event in EVENTS for one in examples(event).values()]
    return found


DOCUMENTS = documents()


def spoiled(value: Any, chance: random.Random) -> Any:
    """The document with one member, somewhere, replaced, removed or added."""
    value = copy.deepcopy(value)
    at = value
    while True:
        inner = [
            member for member in (at.values() if isinstance(at, dict) else at) if isinstance(member, (dict, list)) and member
        ]
        if not inner or chance.random() < 0.3:
            break
        at = chance.choice(inner)
    places = list(at) if isinstance(at, dict) else list(range(len(at)))
    place = chance.choice([*places, "quantty"]) if isinstance(at, dict) else chance.choice(places)
    if chance.random() < 0.2 and place in places:
        del at[place]
    else:
        at[place] = chance.choice(STRANGE)
    return value


def slow_yes(shape: type[Shape], value: Any) -> bool:
    return not problems(shape, value) and not Strangers().find(shape, value)


@given(some.sampled_from(DOCUMENTS), some.randoms(use_true_random=False))
@settings(max_examples=600, deadline=None)
def test_a_spoiled_document_is_refused_by_both_or_by_neither(pair: tuple[type[Shape], Any], chance: random.Random) -> None:
    shape, value = pair
    value = spoiled(value, chance)
    assert (keeps(shape, value, Held.SENT), compiled(shape, Held.SENT)(value)) == (slow_yes(shape, value),) * 2
    received = not problems(shape, value)
    assert (keeps(shape, value, Held.RECEIVED), compiled(shape, Held.RECEIVED)(value)) == (received,) * 2


@given(some.sampled_from(DOCUMENTS), some.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_a_closed_yes_means_that_nothing_is_wrong_strange_or_null(pair: tuple[type[Shape], Any], chance: random.Random) -> None:
    shape, value = pair
    value = spoiled(value, chance)
    said = keeps(shape, value, Held.KEPT)
    assert compiled(shape, Held.KEPT)(value) is said
    if said:
        assert not problems(shape, value)
        assert not Strangers(closed=True).find(shape, value)


@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_what_is_no_object_is_refused(value: Any) -> None:
    assert all(not conforms(shape, value) for shape, _ in DOCUMENTS)
    assert problems(DOCUMENTS[0][0], value)[0].message == "a JSON object is expected"


def test_it_is_said_the_same_however_often_it_is_asked() -> None:
    shape, value = DOCUMENTS[0]
    assert {conforms(shape, value) for _ in range(50)} == {True}
    assert {conforms(shape, {"quantty": None}) for _ in range(50)} == {False}
