"""Replies given again: the same question, while nothing changed, gets the same bytes without being asked of anybody.

A reply is kept under everything that its request was (path, query, every header) and holds while the stamps of its
sandbox, the board and its sandbox's end allow. What happened is counted at once and goes to the journal in groups;
who reads the journal, and every call of the same sandbox that is answered otherwise, brings it there first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic, monotonic_ns

from mockspi.building import House
from mockspi.clock import system_now
from mockspi.editions import Board
from mockspi.errors import WouldWait
from mockspi.exchange import Exchange
from mockspi.journal import PROBE, Journal, row
from mockspi.metrics import Counts
from mockspi.sandbox import Sandbox, Timing
from mockspi.server.doors import headers_of
from mockspi.server.protocol import Proto, Scope
from mockspi.store.control import NOBODY
from mockspi.store.happened import Happened
from mockspi.store.pending import Pending, Writers, slot
from mockspi.store.rows import Row
from mockspi.store.stamps import Stamps, stamps_beside

_MOST, _MOST_BYTES = 4096, 33_554_432
_TOGETHER = 100_000  #: exchanges after which they are written whatever happens
_LONGEST = 10.0  #: seconds after which they are
_FEW = 200  #: more are not written where calls are answered
_REST = 0.03  #: seconds without a call after which they are

Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply that may be given again, and what is written of it each time."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    stamps: tuple[tuple[int, int], ...]
    board: int
    ends: int  #: real time from which its sandbox is no more
    space: str
    timing: Timing
    row: Row
    count: Callable[[], None]


class Noted:
    """What happened in a space since it was last written: the newest, for no more would stay, and how many in all."""

    __slots__ = ("newest", "number", "slot")

    def __init__(self, space: str, most: int) -> None:
        self.newest: deque[tuple[Kept, int]] = deque(maxlen=most)
        self.number = 0
        self.slot = slot(space)

    def add(self, kept: Kept, now: int) -> None:
        """One more."""
        self.newest.append((kept, now))
        self.number += 1

    def follow(self, earlier: Noted) -> None:
        """Put what happened earlier before it."""
        newest = (*earlier.newest, *self.newest)
        self.newest.clear()
        self.newest.extend(newest)
        self.number += earlier.number


class Again:
    """The replies of one worker that may be given again."""

    def __init__(
        self, journal: Journal, counts: Counts, stamps: Stamps, board: Board, pending: Pending, writers: Writers
    ) -> None:
        self.journal = replace(journal, before=self._before)
        self._counts, self._cells, self._board, self._stamps = counts, stamps.cells, board, stamps
        self._pending, self._writers = pending, writers
        self._kept: dict[Key, Kept] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[str, Noted] = {}
        self._number = 0
        self._since = self._last = 0.0

    def give(self, scope: Scope, proto: Proto) -> bool:
        """Answer a call with the reply that its like had, if that still holds."""
        if scope.method != "GET":
            return False
        kept = self._kept.get(key_of(scope))
        if kept is None:
            return False
        now, cells = system_now(), self._cells
        if kept.board != self._board.number or now >= kept.ends or any(cells[place] != stamp for place, stamp in kept.stamps):
            return False
        self._note(kept, now)
        proto.response_bytes(kept.status, kept.headers, kept.body)
        return True

    def moment(self) -> tuple[int, int]:
        """What ``keep`` must know of the time before a reply was made."""
        return monotonic_ns(), self._board.number

    def keep(self, key: Key, exchange: Exchange, sandbox: Sandbox | None, before: tuple[int, int]) -> None:
        """Keep a reply that lasts, if nothing changed while it was made."""
        reply, (since, board) = exchange.reply, before
        headers = exchange.request.headers
        if not reply.lasting or "authorization" in headers or headers.get("user-agent") == PROBE:
            return
        names = (exchange.space, sandbox.name) if sandbox else (NOBODY,)
        stamps = self._stamps.seen(names, since)
        if stamps is None or board != self._board.number or len(self.journal.versions) > 1:
            return
        size = len(reply.body) + len(key[1]) + sum(len(name) + len(value) for name, value in key[2])
        ends = 2**62 if sandbox is None or sandbox.expires is None else sandbox.expires
        timing = sandbox.timing if sandbox else Timing()
        written = row(exchange, [], self.journal.most_body)
        count = self._counts.again(exchange)
        kept = Kept(reply.status, headers_of(reply), reply.body, stamps, board, ends, exchange.space, timing, written, count)
        with self._lock:
            if len(self._kept) >= _MOST or self._bytes + size > _MOST_BYTES:
                self._kept.clear()
                self._bytes = 0
            self._bytes += size
            self._kept[key] = kept

    def _note(self, kept: Kept, now: int) -> None:
        kept.count()
        self._last = monotonic()
        with self._lock:
            waiting = self._waiting.get(kept.space)
            if waiting is None:
                if not self._waiting:
                    self._since = self._last
                waiting = self._waiting[kept.space] = Noted(kept.space, self.journal.store.most)
            waiting.add(kept, now)
            self._pending.note(waiting.slot)
            self._number += 1

    @property
    def noted(self) -> bool:
        """Whether something is not in the journal yet."""
        return bool(self._waiting)

    @property
    def due(self) -> bool:
        """Whether it is time to write it."""
        now = monotonic()
        return self._waiting != {} and (
            self._number >= _TOGETHER or self._pending.asked or now - self._last > _REST or now - self._since > _LONGEST
        )

    def write(self, space: str | None = None, *, wait: bool = True) -> None:
        """Bring what happened in a space, or everywhere, into the journal; WouldWait where nobody may wait and must."""
        if not (self._pending.lacks(slot(space)) if space is not None else self._waiting):
            return
        if (not wait and self._number > _FEW) or not self._writing.acquire(blocking=wait):
            raise WouldWait
        try:
            self._write(None if space is None else slot(space), wait)
        finally:
            self._writing.release()

    def _write(self, place: int | None, wait: bool) -> None:
        """All spaces of a slot, or every one."""
        with self._lock:
            taken = {name: one for name, one in self._waiting.items() if place in (None, one.slot)}
            noted = self._pending.noted({one.slot for one in taken.values()})
            for name, one in taken.items():
                del self._waiting[name]
                self._number -= one.number
        try:
            for name, one in list(taken.items()):
                happened = [Happened(kept.row, now, kept.timing.now(now)) for kept, now in one.newest]
                self.journal.write_again(name, happened, one.number - len(happened), wait)
                del taken[name]
        except WouldWait:
            with self._lock:
                for name, one in taken.items():
                    self._waiting.setdefault(name, Noted(name, self.journal.store.most)).follow(one)
                    self._number += one.number
            raise
        self._pending.written(noted)

    def _before(self, space: str, wait: bool) -> None:
        """What comes after in a space is written after."""
        self.write(space, wait=wait)
        self._writers.catch_up(space, wait=wait)


def key_of(scope: Scope) -> Key:
    """Everything that a GET was."""
    return scope.path, scope.query_string, tuple(scope.headers.items())


def new_again(house: House, counts: Counts) -> Again:
    """For one worker of a house."""
    stamps = stamps_beside(house.overlay)
    stamps.move()  # whoever ended in the middle of a change may not have said so
    return Again(house.journal(), counts, stamps, house.board(), Pending(house.counts), Writers(house.counts))
