"""What happened in one worker, noted at once and brought into the journal in groups, in the order of all workers.

Where one worker answers alone its groups are written as they are. Where several do, each stages its own, and whoever reads the
journal, or has staged enough, puts them in order; who reads it, or writes what comes after, waits until what was noted before is
there.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from time import monotonic_ns
from typing import Protocol

from mockspi.errors import StoreBusy, WouldWait
from mockspi.exchange import Exchange
from mockspi.journal import Journal, row
from mockspi.sandbox import Timing
from mockspi.store.happened import Happened
from mockspi.store.pending import Pending, Writers, slot
from mockspi.store.rows import Row

log = logging.getLogger("mockspi")

_TOGETHER = 100_000  #: exchanges after which they are written whatever happens
_LONGEST = 10_000_000_000  #: nanoseconds after which they are
_SOON = 100_000_000  #: the same where they are not all replies given again
_FEW = 200  #: more are not written where calls are answered
_REST = 30_000_000  #: nanoseconds without a call after which they are
_QUICK = 10_000_000  #: nanoseconds between calls: who comes later is not written with others
_HEAVY, _HEAVIEST = 4_194_304, 16_777_216  #: bytes of bodies that wait after which they are, and of which none waits more


class Alike(Protocol):
    """What is the same of exchanges that are alike."""

    @property
    def space(self) -> str:
        """Where its sandbox's own things are kept."""

    @property
    def timing(self) -> Timing:
        """Its sandbox's clock."""

    def row_of(self, body: bytes) -> Row:
        """What the journal keeps of one with this body."""


Given = tuple[Alike | Exchange, int, bytes, int]  #: when, the body that was sent where only that is not kept, and when by the
#: machine's monotonic clock


class Noted:
    """What happened in a space since it was last written: the newest, for no more would stay, and how many in all."""

    __slots__ = ("newest", "number", "slot")

    def __init__(self, space: str, most: int) -> None:
        self.newest: deque[Given] = deque(maxlen=most)
        self.number = 0
        self.slot = slot(space)

    def add(self, *given: *Given) -> None:
        """One more."""
        self.newest.append(given)
        self.number += 1

    @property
    def skipped(self) -> int:
        """How many of them are not there any more."""
        return self.number - len(self.newest)

    def follow(self, earlier: Noted) -> None:
        """Put what happened earlier before it."""
        newest = (*earlier.newest, *self.newest)
        self.newest.clear()
        self.newest.extend(newest)
        self.number += earlier.number


class Noting:
    """What one worker has noted; ``alone`` says that no other answers."""

    def __init__(self, journal: Journal, pending: Pending, writers: Writers, alone: bool) -> None:
        self.journal = replace(journal, before=self._before, later=self._later)
        self._pending, self._writers, self._alone = pending, writers, alone
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[str, Noted] = {}
        self._number = self._weight = 0
        self._since = self._last = 0
        self._body = b""

    @property
    def full(self) -> bool:
        """Whether no more may wait."""
        return self._weight > _HEAVIEST

    def _later(self, exchange: Exchange) -> bool:
        """Whether an exchange will be written with others."""
        now, last = monotonic_ns(), self._last
        self._last = now
        if len(self.journal.versions) > 1 or self.full:
            return False
        rare = not self._waiting and not self._writing.locked() and now - last > _QUICK
        if rare and (self._alone or not self._writers.noted):
            return False
        self.note(exchange, exchange.time, b"", 1 + len(exchange.request.body) + len(exchange.reply.body))
        return True

    def note(self, one: Alike | Exchange, now: int, body: bytes, weight: int) -> None:
        """Keep in mind what happened at a real time, of which so many bytes are kept only for that; of the body that came
        before once more, none are.
        """
        if body:
            before, self._body = self._body, body
            if body == before:
                self._body = body = before
                weight = 0
        with self._lock:
            self._last = at = monotonic_ns()
            waiting = self._waiting.get(one.space)
            if waiting is None:
                if not self._waiting:
                    self._since = at
                    self._pending.since(at, noted=True)
                waiting = self._waiting[one.space] = Noted(one.space, self.journal.store.most)
            waiting.add(one, now, body, at)
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
        now = monotonic_ns()
        if not self._waiting:
            return False
        if self._number >= _TOGETHER or self._weight > _HEAVY or self._pending.asked:
            return True
        return now - self._last > _REST or now - self._since > (_SOON if self._weight else _LONGEST)

    def write(self, space: str | None = None, *, wait: bool = True) -> None:
        """Bring what happened in a space, or everywhere, into the journal; WouldWait where nobody may wait and must.

        Where others answer too it is staged; who asked for that puts it in order, and if nobody did, this does.
        """
        if not (self._pending.lacks(slot(space)) if space is not None else self._waiting):
            return
        if (not wait and self._number > _FEW) or not self._writing.acquire(blocking=wait):
            raise WouldWait
        try:
            asked = self._pending.hear()
            self._write(slot(space) if self._alone and space is not None else None, wait)
            if space is None and not (self._alone or asked):
                self.journal.merge(None, self._writers.settled(), wait)
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
            rows: dict[tuple[int, int], Row] = {}
            groups = (
                (name, [self._happened(rows, *each) for each in one.newest], one.skipped) for name, one in list(taken.items())
            )
            if not self._alone:
                self.journal.stage(list(groups), wait)
            else:
                for name, happened, skipped in groups:
                    self.journal.write_again(name, happened, skipped, wait)
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
        with self._lock:
            self._pending.since(self._since if self._waiting else 0)

    def _happened(self, rows: dict[tuple[int, int], Row], one: Alike | Exchange, now: int, body: bytes, at: int) -> Happened:
        """What is written of one; ``rows`` are those of the same group."""
        if isinstance(one, Exchange):
            return Happened(row(one, [*one.findings], self.journal.most_body), now, one.clock, at)
        if (same := rows.get(key := (id(one), id(body)))) is None:
            same = rows[key] = one.row_of(body)
        return Happened(same, now, one.timing.now(now), at)

    def _before(self, space: str, wait: bool) -> None:
        """What comes after in a space is written after."""
        now = monotonic_ns()
        self.write(space, wait=wait)
        with suppress(StoreBusy):  # then it is not
            self._writers.catch_up(space, wait=wait)
        if not self._alone:
            self.journal.merge(space, now, wait)
