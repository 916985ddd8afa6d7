"""What one worker has noted, where the journal cannot be written to at once: all of it is there later, once and in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mockspi.errors import WouldWait
from mockspi.exchange import Exchange, Reply, Request
from mockspi.journal import EVERYTHING, Journal, row
from mockspi.sandbox import Timing
from mockspi.server.noting import Noting
from mockspi.store.journal import JournalStore
from mockspi.store.pending import Pending, Writers
from mockspi.store.rows import Row

SPACE, HEAVY = "mine", 17_000_000


@pytest.fixture(params=[True, False], ids=["alone", "among others"])
def noting(request: pytest.FixtureRequest, tmp_path: Path) -> Noting:
    """What a worker notes, over a journal of its own."""
    counts = tmp_path / "counts"
    store = JournalStore(tmp_path / "journal.sqlite", 100, 2**40)
    store.prepare()
    return Noting(Journal(store, 2**30, "/spi", ("1.0",)), Pending(counts), Writers(counts), request.param)


@contextmanager
def held(noting: Noting, tmp_path: Path) -> Iterator[None]:
    """Somebody else writes to the journal meanwhile."""
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def exchange(path: str, size: int = 0) -> Exchange:
    """A call, with a body of so many bytes."""
    return Exchange("", Request("POST", path, body=b"x" * size), Reply(200), SPACE, SPACE, time=1, clock=1)


def note(noting: Noting, *paths: str) -> None:
    """They happened one after another."""
    for path in paths:
        noting.note(exchange(path), 1, b"", 1)


def kept(noting: Noting) -> list[str]:
    """What the journal has, whose numbers leave nothing out."""
    noting.write(SPACE)
    rows = noting.journal.store.rows(SPACE, EVERYTHING, 0, 1_000)
    assert [one.number for one in rows] == list(range(1, len(rows) + 1))
    return [one.path for one in rows]


def test_what_nobody_may_wait_for_is_noted_still(noting: Noting, tmp_path: Path) -> None:
    note(noting, "/a", "/b")
    with held(noting, tmp_path):
        with pytest.raises(WouldWait):
            noting.write(SPACE, wait=False)
        note(noting, "/c")
        with pytest.raises(WouldWait):
            noting.write(wait=False)
        assert noting.noted
        note(noting, "/d")
    assert kept(noting) == ["/a", "/b", "/c", "/d"]
    assert not noting.noted
    assert kept(noting) == ["/a", "/b", "/c", "/d"]


def test_of_what_is_put_back_the_newest_stay(noting: Noting, tmp_path: Path) -> None:
    note(noting, *(f"/{number}" for number in range(90)))
    with held(noting, tmp_path), pytest.raises(WouldWait):
        noting.write(SPACE, wait=False)
    note(noting, *(f"/{number}" for number in range(90, 130)))
    noting.write(SPACE)
    rows = noting.journal.store.rows(SPACE, EVERYTHING, 0, 1_000)
    assert [(one.number, one.path) for one in rows] == [(number + 1, f"/{number}") for number in range(30, 130)]


def test_what_is_too_heavy_to_wait_goes_to_the_journal_behind_what_did(noting: Noting) -> None:
    journal = noting.journal
    for path, size in (("/light", 1), ("/heavy", HEAVY), ("/next", 1)):
        journal.write(exchange(path, size))
        journal.write(exchange(f"{path}/again"))
    assert kept(noting) == ["/light", "/light/again", "/heavy", "/heavy/again", "/next", "/next/again"]


def test_of_a_body_that_comes_again_no_more_bytes_wait(noting: Noting) -> None:
    like = Always()
    for letter in b"aaab":
        noting.note(like, 1, bytes([letter]) * 15_000_000, 15_000_000)
        assert noting.full == (letter == ord("b"))
    noting.write(SPACE)
    rows = noting.journal.store.rows(SPACE, EVERYTHING, 0, 1_000)
    assert [one.request[:1] for one in rows] == [b"a", b"a", b"a", b"b"]


class Always:
    """Calls that differ in their bodies."""

    space, timing = SPACE, Timing()

    def row_of(self, body: bytes) -> Row:
        """The same for each but the body."""
        return replace(row(exchange("/like"), [], 0), request=body[:9])


def test_the_worker_does_not_let_more_wait_than_it_may(noting: Noting) -> None:
    note(noting, "/light")
    noting.note(exchange("/heavy", HEAVY), 1, b"", HEAVY)
    assert noting.full
    assert noting.due
    noting.journal.write(exchange("/behind"))
    assert not noting.noted
    assert not noting.full
    assert kept(noting) == ["/light", "/heavy", "/behind"]
