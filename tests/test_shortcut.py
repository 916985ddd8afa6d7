"""Where Granian hands calls to its loop: known in the Granian that is installed, and left alone in one that is not."""

from __future__ import annotations

from typing import Any

import pytest
from granian import _futures

from mockspi.server import shortcut

PLACES = ("_cbsched_schedule", "_cbsched_aioschedule")


class Watcher:
    """A call as Granian has it."""

    scope, proto = "scope", "proto"
    ended = False

    def done(self) -> None:
        self.ended = True


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PLACES:
        monkeypatch.setattr(_futures, name, getattr(_futures, name))


@pytest.mark.parametrize("place", PLACES)
def test_who_answers_is_asked_before_the_loop(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[Any] = []
    monkeypatch.setattr(_futures, place, lambda *where: later.append)
    answers = iter([True, False, ValueError])

    def answered(scope: Any, proto: Any) -> bool:
        assert (scope, proto) == ("scope", "proto")
        found: Any = next(answers)
        if found is ValueError:
            raise ValueError
        return bool(found)

    assert shortcut.lay(answered)
    schedule, calls = getattr(_futures, place)("loop", "context"), [Watcher(), Watcher(), Watcher()]
    for one in calls:
        schedule(one)
    assert [one.ended for one in calls] == [True, False, False]
    assert later == calls[1:]


def test_another_granian_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    there = getattr(_futures, PLACES[0])
    monkeypatch.delattr(_futures, PLACES[1])
    assert not shortcut.lay(lambda *_: True)
    assert getattr(_futures, PLACES[0]) is there


def test_where_trying_is_in_vain_it_is_tried_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[Any] = []
    monkeypatch.setattr(_futures, PLACES[0], lambda *where: later.append)
    tried: list[int] = []
    known = False

    def answered(scope: Any, proto: Any) -> bool:
        tried.append(1)
        return known

    assert shortcut.lay(answered)
    schedule = getattr(_futures, PLACES[0])("loop", "context")
    for _ in range(200):
        schedule(Watcher())
    assert len(later) == 200
    assert len(tried) < 30
    known = True
    for _ in range(200):
        schedule(Watcher())
    assert len(later) < 220, "every call once one was answered"
