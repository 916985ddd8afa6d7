"""Replies given again: the same question, while nothing changed, gets the same bytes without being asked of anybody.

A reply is kept under everything that its request was (method, path, query, every header, the body where that counts) and
holds while the stamps of its sandbox, the board and its sandbox's end allow. What happened is counted at once and goes to the
journal in groups, as what is answered otherwise does while calls come in quick succession.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic_ns

from mockspi.building import House
from mockspi.clock import system_now
from mockspi.editions import Board
from mockspi.exchange import Exchange
from mockspi.journal import PROBE, Journal, row
from mockspi.masking import masked_body
from mockspi.metrics import Counts
from mockspi.sandbox import Sandbox, Timing
from mockspi.server.doors import headers_of
from mockspi.server.noting import Noting
from mockspi.server.protocol import Scope
from mockspi.store.control import NOBODY
from mockspi.store.lately import Before
from mockspi.store.pending import Pending, Writers
from mockspi.store.rows import Row
from mockspi.store.stamps import Stamps, stamps_beside

_METHODS = ("GET", "POST")
_PACKED = {"content-encoding", "transfer-encoding"}
_MOST, _MOST_BYTES = 4096, 33_554_432

Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


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
        """The same for a body that was sent, if any was."""
        if not body:
            return self.row
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


class Again(Noting):
    """The replies of one worker that may be given again; ``alone`` says that no other answers."""

    def __init__(
        self, journal: Journal, counts: Counts, stamps: Stamps, board: Board, pending: Pending, writers: Writers, alone: bool
    ) -> None:
        super().__init__(journal, pending, writers, alone)
        self.counts, self._cells, self._board, self._stamps = counts, stamps.cells, board, stamps
        self._kept: dict[Key | tuple[Key, bytes], Kept] = {}
        self._bytes = 0
        self._asked_before = Before()

    def find(self, key: Key) -> Kept | None:
        """The reply that the like of a call had; ``of_body`` says which it had with a body, ``given`` whether it still holds."""
        return self._kept.get(key)

    def of_body(self, like: Kept, key: Key, body: bytes) -> Kept | None:
        """The same for a body that was sent."""
        known = like.exchange
        return like if known.reply.regardless or known.request.body == body else self._kept.get((key, body))

    def given(self, kept: Kept, body: bytes) -> bool:
        """Whether a reply may be given again, to a call with this body; that it is is noted."""
        now, cells = system_now(), self._cells
        if kept.board != self._board.number or now >= kept.ends or self.full:
            return False
        for place, stamp in kept.stamps:
            if cells[place] != stamp:
                return False
        kept.count()
        body = body if kept.exchange.reply.regardless else b""
        self.note(kept, now, body, len(body))
        return True

    def moment(self) -> tuple[int, int]:
        """What ``keep`` must know of the time before a reply was made."""
        return monotonic_ns(), self._board.number

    def keep(self, key: Key, exchange: Exchange, sandbox: Sandbox | None, before: tuple[int, int]) -> None:
        """Keep a reply that lasts, once it is made for the second time, if nothing changed meanwhile."""
        reply, (since, board), request = exchange.reply, before, exchange.request
        headers = request.headers
        if not reply.lasting or "authorization" in headers or headers.get("user-agent") == PROBE:
            return
        if request.method == "POST":
            if headers.get("content-length") != str(len(request.body)) or headers.keys() & _PACKED:
                return
            if reply.regardless:
                exchange = replace(exchange, request=replace(request, body=b""))
        if not self._asked_before((key, exchange.request.body)):
            return
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


def key_of(scope: Scope) -> Key | None:
    """Everything that a call was but its body; nothing for one whose reply is never kept."""
    if scope.method not in _METHODS:
        return None
    return scope.method, scope.path, scope.query_string, tuple(scope.headers.items())


def new_again(house: House, counts: Counts) -> Again:
    """For one worker of a house."""
    stamps = stamps_beside(house.overlay)
    stamps.move()  # whoever ended in the middle of a change may not have said so
    alone = house.settings.workers == 1
    return Again(house.journal(), counts, stamps, house.board(), Pending(house.counts), Writers(house.counts), alone)
