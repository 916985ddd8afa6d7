"""What was sent, read: the deliveries of sandboxes, their attempts, and what was counted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.store.outbox_tables import opened

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
STATES = (WAITING, DELIVERED, FAILED)
#: Of the same order the first goes; one that is to come ``behind`` its successor lets that one pass, and waits for it.
EARLIER = """
SELECT o.id FROM deliveries o
    WHERE o.space = d.space AND o.lane = d.lane AND o.lane <> '' AND o.state = 'waiting' AND o.number < d.number
    AND NOT (o.behind AND NOT EXISTS (SELECT 1 FROM deliveries b
        WHERE b.space = d.space AND b.lane = d.lane AND b.lane <> '' AND b.number > o.number AND b.number < d.number))
"""
PASSED = """
SELECT 1 FROM deliveries n
    WHERE n.space = d.space AND n.lane = d.lane AND n.lane <> '' AND n.number > d.number AND n.state <> 'waiting'
"""
_DELIVERY = f"""
SELECT d.number, d.space, d.id, d.endpoint, d.url, d.target, d.trouble, d.repost, d.state, d.reason, d.due, d.attempts, d.status,
    d.done, d.owner, d.secrets, e.event, e.body, e.store, e.at, e.ordered, (SELECT r.id FROM deliveries r
        WHERE r.space = d.space AND r.repost = d.id AND r.repost <> '' ORDER BY r.number DESC LIMIT 1),
    CASE d.state WHEN 'waiting' THEN ({EARLIER} ORDER BY o.number LIMIT 1) END,
    CASE WHEN d.state = 'waiting' AND d.behind THEN NOT EXISTS ({PASSED}) ELSE 0 END
FROM deliveries d JOIN events e ON e.number = d.event
"""  # noqa: S608  # ours
_TEXT = (
    "(instr(lower(e.body), lower(:text)) OR instr(lower(d.reason), lower(:text)) OR EXISTS (SELECT 1 FROM attempts a "
    "WHERE a.delivery = d.number AND instr(lower(CAST(a.reply AS TEXT)), lower(:text))))"
)
UNDER_WAY = "it is still under way; only what is delivered or has failed can be sent again"
_NUMBERS = ("attempted", "delivered", "failed", "dropped")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries; all that is named must hold. Times are the sandbox's."""

    space: str | None = None
    ids: tuple[str, ...] | None = None
    state: str = ""
    events: tuple[str, ...] | None = None  #: Event.id
    endpoint: str = ""  #: the connector's endpoint name, or a part of the address
    store: str = ""
    since: int | None = None
    until: int | None = None
    text: str = ""  #: a part of the body, the reason or a reply
    once: bool = False  #: not those that were sent again
    done_after: int = -1  #: finished, and after the delivery with this number of ``done``


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one target, as it is kept. ``target`` and ``trouble`` are JSON; secrets are apart.

    ``done`` counts the deliveries of a sandbox as they were finished.
    """

    number: int
    space: str
    id: str
    endpoint: str
    url: str
    target: str
    trouble: str
    repost: str
    state: str
    reason: str
    due: int
    attempts: int
    status: int | None
    done: int | None
    owner: str | None
    secrets: str | None
    event: str
    body: str
    store: str
    at: int
    ordered: str
    again: str | None  #: the id of its last repost
    after: str | None  #: the id of the first of its order, for which it waits
    behind: int  #: whether it waits for the next of its order


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as it is kept: what was sent, secrets masked, and what came back; not ``answered`` where nobody knows."""

    id: int
    delivery: int
    number: int
    at: int
    method: str
    headers: str
    body: bytes
    size: int
    answered: int
    status: int | None
    reply_headers: str
    reply: bytes | None
    reply_size: int
    error: str
    milliseconds: int
    delivered: int
    reason: str


class NotAgain(UsageError):
    """Webhooks that cannot be sent once more as things are; ``reasons`` by id."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = reasons
        ids: dict[str, list[str]] = {}
        for id_, reason in reasons.items():
            ids.setdefault(reason, []).append(id_)
        super().__init__("nothing is sent again; " + "; ".join(f"{', '.join(those)}: {why}" for why, those in ids.items()))


class OutboxLog:
    """The reading half of the outbox."""

    def __init__(self, path: Path) -> None:
        self._turns = opened(path)

    def search(self, wanted: Wanted, limit: int = -1, *, newest: bool = False) -> list[Delivery]:
        """The deliveries that are meant, oldest first; of more than ``limit`` the first, or the newest."""
        where, values = _where(wanted)
        order = "d.done" if wanted.done_after >= 0 else "d.number"
        query = f"{_DELIVERY} WHERE {where} ORDER BY {order} {'DESC' if newest else ''} LIMIT :limit"
        found = [Delivery(*row) for row in self._read().execute(query, {**values, "limit": limit})]
        return found[::-1] if newest else found

    def count(self, wanted: Wanted) -> int:
        """How many are meant."""
        where, values = _where(wanted)
        query = f"SELECT count(*) FROM deliveries d JOIN events e ON e.number = d.event WHERE {where}"  # noqa: S608  # ours
        return int(self._read().execute(query, values).fetchone()[0])

    def attempts(self, delivery: int) -> list[Attempt]:
        """The attempts of a delivery, in order."""
        rows = self._read().execute("SELECT * FROM attempts WHERE delivery = ? ORDER BY number", (delivery,))
        return [Attempt(*row) for row in rows]

    def named(self, beginning: str, space: str | None = None) -> list[Delivery]:
        """The delivery with an id; else those whose ids begin so."""
        if found := self.search(Wanted(space=space, ids=(beginning,))):
            return found
        query = f"{_DELIVERY} WHERE substr(d.id, 1, ?1) = ?2 AND (?3 IS NULL OR d.space = ?3) ORDER BY d.number LIMIT 10"
        return [Delivery(*row) for row in self._read().execute(query, (len(beginning), beginning, space))]

    def disabled(self, space: str | None = None) -> list[Json]:
        """The targets that want nothing any more: ``{space, url, at, reason}``."""
        rows = self._read().execute("SELECT * FROM disabled WHERE ?1 IS NULL OR space = ?1 ORDER BY space, url", (space,))
        return [dict(zip(("space", "url", "at", "reason"), row, strict=True)) for row in rows]

    def next_due(self) -> dict[str, int]:
        """Each space in which something waits, and when the first of it is due."""
        rows = self._read().execute("SELECT space, min(due) FROM deliveries WHERE state = 'waiting' GROUP BY space")
        return dict(rows.fetchall())

    def totals(self) -> dict[str, int]:
        """What was counted since the file was made: attempts, deliveries that ended so or so, those that made room."""
        return dict.fromkeys(_NUMBERS, 0) | dict(self._read().execute("SELECT name, number FROM totals").fetchall())

    def under_way(self, space: str, until: int) -> bool:
        """Whether somebody is sending what is due by then."""
        query = "SELECT 1 FROM deliveries WHERE space = ? AND state = 'waiting' AND due <= ? AND owner IS NOT NULL LIMIT 1"
        return self._read().execute(query, (space, until)).fetchone() is not None

    def waiting(self) -> int:
        """How many deliveries wait."""
        return int(self._read().execute("SELECT count(*) FROM deliveries WHERE state = 'waiting'").fetchone()[0])

    def spaces(self) -> list[str]:
        """Those of which something is kept."""
        kept = "SELECT space FROM deliveries UNION SELECT space FROM disabled UNION SELECT space FROM holds"
        return [space for (space,) in self._read().execute(kept)]

    def _read(self) -> sqlite3.Connection:
        return self._turns.connection()


def _where(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """What is meant as SQL, and what it binds."""
    parts, bound = ["1"], {}
    for name, test in (
        ("space", "d.space = :space"),
        ("state", "d.state = :state"),
        ("endpoint", "(d.endpoint = :endpoint OR instr(d.url, :endpoint))"),
        ("store", "e.store = :store"),
        ("since", "e.at >= :since"),
        ("until", "e.at <= :until"),
        ("text", _TEXT),
    ):
        if (value := getattr(wanted, name)) not in (None, "") or (name == "space" and value is not None):
            parts.append(test)
            bound[name] = value
    if wanted.once:
        parts.append("NOT EXISTS (SELECT 1 FROM deliveries r WHERE r.space = d.space AND r.repost = d.id AND r.repost <> '')")
    if wanted.done_after >= 0:
        parts.append("d.done > :done")
        bound["done"] = wanted.done_after
    for name, column, values in (("id", "d.id", wanted.ids), ("event", "e.event", wanted.events)):
        if values is not None:
            parts.append(f"{column} IN (SELECT value FROM json_each(:{name}))")  # noqa: S608  # ours
            bound[name] = json.dumps(values)
    return " AND ".join(parts), bound
