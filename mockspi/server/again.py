"""Replies given again: the same question, while nothing changed, gets the same bytes without being asked of anybody.

A reply is kept under everything that its request was (method, path, query, every header, the body where that counts) and
holds while the stamps of its sandbox, the board and its sandbox's end allow. What happened is counted at once and goes to the
journal in groups, and so does, where one worker answers alone, what is answered otherwise while calls come in quick
succession; who reads the journal, or writes what comes after, brings it there first.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic, monotonic_ns

from mockspi.building import House
from mockspi.clock import system_now
from mockspi.editions import Board
from mockspi.errors import StoreBusy, WouldWait
from mockspi.exchange import Exchange
from mockspi.journal import PROBE, Journal, row
from mockspi.masking import masked_body
from mockspi.metrics import Counts
from mockspi.sandbox import Sandbox, Timing
from mockspi.server.doors import headers_of
from mockspi.server.protocol import Scope
from mockspi.store.control import NOBODY
from mockspi.store.happened import Happened
from mockspi.store.pending import Pending, Writers, slot
from mockspi.store.rows import Row
from mockspi.store.stamps import Stamps, stamps_beside

log = logging.getLogger("mockspi")

_METHODS = ("GET", "POST")
_PACKED = {"content-encoding", "transfer-encoding"}
_MOST, _MOST_BYTES = 4096, 33_554_432
_TOGETHER = 100_000  #: exchanges after which they are written whatever happens
_LONGEST = 10.0  #: seconds after which they are
_SOON = 0.1  #: the same where they are not all replies given again
_FEW = 200  #: more are not written where calls are answered
_REST = 0.03  #: seconds without a call after which they are
_QUICK = 0.01  #: seconds between calls: who comes later is not written with others
_HEAVY, _HEAVIEST = 4_194_304, 16_777_216  #: bytes of bodies that wait after which they are, and of which none waits more

Key = tuple[str, str, str, tuple[tuple[str, str], ...]]
Given = tuple["Kept | Exchange", int, bytes]  #: when, and the body that was sent where only that is not kept


@dataclass(frozen=True)
class Kept:
    """A reply that may be given again after ``delay`` seconds; what is written of it is made when that first happens."""

    exchange: Exchange  #: without the body that was sent where that may be another each time
    headers: list[tuple[str, str]]
    stamps: tuple[tuple[int, int], ...]
    board: int
    ends: int  #: real time from which its sandbox is no more
    timing: Timing
    again: Again

    @property
    def space(self) -> str:
        """Where its sandbox's own things are kept."""
        return self.exchange.space

    @cached_property
    def delay(self) -> float:
        """Seconds for which it is held back each time."""
        trouble = self.exchange.reply.trouble
        return trouble.delay / 1000 if trouble else 0.0

    @cached_property
    def row(self) -> Row:
        """What the journal keeps of it, but for the time."""
        return row(self.exchange, [], self.again.journal.most_body)

    def row_of(self, body: bytes) -> Row:
        """The same for a body that was sent."""
        sent = masked_body(body)
        if len(sent) > self.again.journal.most_body:
            request = replace(self.exchange.request, body=body)
            return row(replace(self.exchange, request=request), [], self.again.journal.most_body)
        return replace(self.row, request=sent)

    @property
    def sent(self) -> bool:
        """Whether a body comes with the call."""
        return self.exchange.request.method == "POST"

    @cached_property
    def count(self) -> Callable[[], None]:
        """What counts it for the metrics."""
        return self.again.counts.again(self.exchange)


class Noted:
    """What happened in a space since it was last written: the newest, for no more would stay, and how many in all."""

    __slots__ = ("newest", "number", "slot")

    def __init__(self, space: str, most: int) -> None:
        self.newest: deque[Given] = deque(maxlen=most)
        self.number = 0
        self.slot = slot(space)

    def add(self, one: Kept | Exchange, now: int, body: bytes) -> None:
        """One more."""
        self.newest.append((one, now, body))
        self.number += 1

    def follow(self, earlier: Noted) -> None:
        """Put what happened earlier before it."""
        newest = (*earlier.newest, *self.newest)
        self.newest.clear()
        self.newest.extend(newest)
        self.number += earlier.number


class Again:
    """The replies of one worker that may be given again; ``alone`` says that no other answers."""

    def __init__(
        self, journal: Journal, counts: Counts, stamps: Stamps, board: Board, pending: Pending, writers: Writers, alone: bool
    ) -> None:
        self.journal = replace(journal, before=self._before, later=self._later)
        self._alone = alone and len(journal.versions) == 1
        self.counts, self._cells, self._board, self._stamps = counts, stamps.cells, board, stamps
        self._pending, self._writers = pending, writers
        self._kept: dict[Key | tuple[Key, bytes], Kept] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[str, Noted] = {}
        self._number = self._weight = 0
        self._since = self._last = 0.0

    def find(self, scope: Scope) -> Kept | None:
        """The reply that the like of a call had; ``of_body`` says which it had with a body, ``given`` whether it still holds."""
        return self._kept.get(key_of(scope)) if scope.method in _METHODS else None

    def of_body(self, like: Kept, scope: Scope, body: bytes) -> Kept | None:
        """The same for a body that was sent."""
        known = like.exchange
        return like if known.reply.regardless or known.request.body == body else self._kept.get((key_of(scope), body))

    def given(self, kept: Kept, body: bytes) -> bool:
        """Whether a reply may be given again, to a call with this body; that it is is noted."""
        now, cells = system_now(), self._cells
        if kept.board != self._board.number or now >= kept.ends or self._weight > _HEAVIEST:
            return False
        for place, stamp in kept.stamps:
            if cells[place] != stamp:
                return False
        kept.count()
        self._last = monotonic()
        body = body if kept.exchange.reply.regardless else b""
        self._note(kept, now, body, len(body))
        return True

    def moment(self) -> tuple[int, int]:
        """What ``keep`` must know of the time before a reply was made."""
        return monotonic_ns(), self._board.number

    def keep(self, key: Key, exchange: Exchange, sandbox: Sandbox | None, before: tuple[int, int]) -> None:
        """Keep a reply that lasts, if nothing changed while it was made."""
        reply, (since, board), request = exchange.reply, before, exchange.request
        headers = request.headers
        if not reply.lasting or "authorization" in headers or headers.get("user-agent") == PROBE:
            return
        if request.method == "POST":
            if not self._alone or headers.get("content-length") != str(len(request.body)) or headers.keys() & _PACKED:
                return
            if reply.regardless:
                exchange = replace(exchange, request=replace(request, body=b""))
        names = (exchange.space, sandbox.name) if sandbox else (NOBODY,)
        stamps = self._stamps.seen(names, since)
        if stamps is None or board != self._board.number or len(self.journal.versions) > 1:
            return
        sent = exchange.request.body
        size = len(reply.body) + len(sent) + len(key[2]) + sum(len(name) + len(value) for name, value in key[3])
        ends = 2**62 if sandbox is None or sandbox.expires is None else sandbox.expires
        timing = sandbox.timing if sandbox else Timing()
        kept = Kept(exchange, headers_of(reply), stamps, board, ends, timing, self)
        with self._lock:
            if len(self._kept) >= _MOST or self._bytes + size > _MOST_BYTES:
                self._kept.clear()
                self._bytes = 0
            self._bytes += size
            self._kept[key] = kept
            if sent:
                self._kept[key, sent] = kept

    def _later(self, exchange: Exchange) -> bool:
        """Whether an exchange will be written with others."""
        now, last = monotonic(), self._last
        self._last = now
        if not self._alone or self._weight > _HEAVIEST:
            return False
        if not self._waiting and not self._writing.locked() and now - last > _QUICK:
            return False
        self._note(exchange, exchange.time, b"", 1 + len(exchange.request.body) + len(exchange.reply.body))
        return True

    def _note(self, one: Kept | Exchange, now: int, body: bytes, weight: int) -> None:
        with self._lock:
            waiting = self._waiting.get(one.space)
            if waiting is None:
                if not self._waiting:
                    self._since = self._last
                waiting = self._waiting[one.space] = Noted(one.space, self.journal.store.most)
            waiting.add(one, now, body)
            self._pending.note(waiting.slot)
            self._number += 1
            self._weight += weight

    @property
    def noted(self) -> bool:
        """Whether something is not in the journal yet."""
        return bool(self._waiting)

    @property
    def due(self) -> bool:
        """Whether it is time to write it."""
        now = monotonic()
        if not self._waiting:
            return False
        if self._number >= _TOGETHER or self._weight > _HEAVY or self._pending.asked:
            return True
        return now - self._last > _REST or now - self._since > (_SOON if self._weight else _LONGEST)

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
            if not self._waiting:
                self._weight = 0
        try:
            for name, one in list(taken.items()):
                happened = [self._happened(*each) for each in one.newest]
                self.journal.write_again(name, happened, one.number - len(happened), wait)
                del taken[name]
        except WouldWait:
            with self._lock:
                for name, one in taken.items():
                    self._waiting.setdefault(name, Noted(name, self.journal.store.most)).follow(one)
                    self._number += one.number
                self._weight = max(self._weight, 1)
            raise
        except Exception:
            log.exception("exchanges of %d sandboxes are missing in the journal", len(taken))
        self._pending.written(noted)  # also where they are lost: nobody is to wait for them

    def _happened(self, one: Kept | Exchange, now: int, body: bytes) -> Happened:
        if isinstance(one, Kept):
            return Happened(one.row_of(body) if body else one.row, now, one.timing.now(now))
        return Happened(row(one, [*one.findings], self.journal.most_body), now, one.clock)

    def _before(self, space: str, wait: bool) -> None:
        """What comes after in a space is written after."""
        self.write(space, wait=wait)
        with suppress(StoreBusy):  # then it is not
            self._writers.catch_up(space, wait=wait)


def key_of(scope: Scope) -> Key:
    """Everything that a call was but its body."""
    return scope.method, scope.path, scope.query_string, tuple(scope.headers.items())


def new_again(house: House, counts: Counts) -> Again:
    """For one worker of a house."""
    stamps = stamps_beside(house.overlay)
    stamps.move()  # whoever ended in the middle of a change may not have said so
    alone = house.settings.workers == 1
    return Again(house.journal(), counts, stamps, house.board(), Pending(house.counts), Writers(house.counts), alone)
