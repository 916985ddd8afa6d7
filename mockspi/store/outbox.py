"""The outbox: every event that is to be sent, until it is delivered or has failed, and every attempt.

What ``add`` accepted is on disk when it returns, and an attempt is before its bytes leave. Who sends holds a delivery
for a while (a lease); when its process ends, or the time runs out, another may send it. So nothing is lost, and
something may arrive twice. Messages of a sandbox with the same ``order`` go to an address one after another.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mockspi.clock import random_id, system_now
from mockspi.store.leases import is_gone, new_owner
from mockspi.store.letters import Letter, parted, store_of
from mockspi.store.outbox_log import EARLIER, PASSED, UNDER_WAY, WAITING, Delivery, NotAgain, OutboxLog, Wanted
from mockspi.store.outbox_tables import wake
from mockspi.store.stamps import stamps_beside

MOST = 10_000  #: deliveries of a sandbox that are kept; the oldest that are delivered make room, then those that failed
_ELIGIBLE = f"""
SELECT id FROM deliveries d WHERE space = :space AND state = 'waiting' AND due <= :until
    AND (owner IS NULL OR leased <= :real) AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
    AND NOT EXISTS ({EARLIER}) AND (NOT behind OR EXISTS ({PASSED}))
ORDER BY due, number LIMIT 1
"""  # noqa: S608  # ours
_ADD = (
    "INSERT INTO deliveries (space, id, event, endpoint, url, lane, behind, target, secrets, trouble, repost, due) "
    "VALUES (:space, :id, :event, :endpoint, :url, :lane, :behind, :target, :secrets, :trouble, :repost, :due)"
)
_STATES = "SELECT id, state FROM deliveries WHERE space = ? AND id IN (SELECT value FROM json_each(?))"
_GONE = "it is kept no more"
_OLDEST = "SELECT number FROM deliveries WHERE space = ? AND state <> 'waiting' ORDER BY state = 'failed', number LIMIT ?"


@dataclass(frozen=True, slots=True)
class Sent:
    """What an attempt puts on the wire, secrets masked; ``size`` is that of the whole body."""

    method: str
    headers: Sequence[Sequence[str]]
    body: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Came:
    """What came back, secrets masked."""

    status: int | None
    headers: Sequence[Sequence[str]]
    body: bytes
    size: int
    error: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt."""

    attempt: int
    came: Came
    delivered: bool
    reason: str


class OutboxStore(OutboxLog):
    """The outbox of every sandbox in one file; ``real`` is the time in which leases run out."""

    def __init__(self, path: Path, most: int = MOST, real: Callable[[], int] = system_now) -> None:
        super().__init__(path)
        self._most = most
        self._real = real
        self._stamps = stamps_beside(path)
        self.owner = new_owner()

    def close(self) -> None:
        """Let go of this thread's connections."""
        self._turns.close()

    def add(self, space: str, message: Letter, due: int, *, behind: bool = False, wait: bool = True) -> str:
        """Keep a message until it is delivered or has failed; its id, which is another where that one is taken.

        One that is to come ``behind`` waits for the next of its order.

        It is on disk when this returns. Who must not ``wait`` gets WouldWait where somebody holds the file.
        """
        with self._turns.change(wait=wait) as connection:
            wake(self._stamps)
            id_ = _added(connection, space, message, due, behind=behind)
            self._trim(connection, space)
        return id_

    def repost(self, space: str, again: Collection[tuple[str, Letter]], due: int) -> list[str]:
        """Keep messages, each of which repeats the finished delivery with an id: all of them or NotAgain; the new ids."""
        with self._turns.change() as connection:
            ids = json.dumps([id_ for id_, _ in again])
            there = dict(connection.execute(_STATES, (space, ids)).fetchall())
            if wrong := {id_: UNDER_WAY if id_ in there else _GONE for id_, _ in again if there.get(id_, WAITING) == WAITING}:
                raise NotAgain(wrong)
            wake(self._stamps)
            made = [_added(connection, space, message, due, repost=id_) for id_, message in again]
            self._trim(connection, space)
        return made

    # --- for who sends

    def claim(
        self, space: str, until: int, lease: int, *, ids: Collection[str] | None = None, owner: str = ""
    ) -> Delivery | None:
        """The next delivery that is due by ``until`` and that nobody holds: held by us for ``lease`` milliseconds.

        Nothing while somebody else holds the whole space, and of the same order only the first.
        """
        real, owner = self._real(), owner or self.owner
        asked = {"space": space, "until": until, "real": real, "ids": None if ids is None else json.dumps(list(ids))}
        if self._read().execute(_ELIGIBLE, asked).fetchone() is None:
            return None  # most looks find nothing, and write nothing
        with self._turns.change() as connection:
            row = None if _held(connection, space, owner, real) else connection.execute(_ELIGIBLE, asked).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE deliveries SET owner = ?, leased = ? WHERE space = ? AND id = ?", (owner, real + lease, space, row[0])
            )
        return self.search(Wanted(space=space, ids=(row[0],)))[0]

    def free(self) -> None:
        """Let go of what ended processes held."""
        held = "SELECT owner FROM deliveries WHERE owner IS NOT NULL UNION SELECT owner FROM holds"
        for (owner,) in self._read().execute(held).fetchall():
            if is_gone(owner):
                with self._turns.change() as connection:
                    connection.execute("UPDATE deliveries SET owner = NULL WHERE owner = ?", (owner,))
                    connection.execute("DELETE FROM holds WHERE owner = ?", (owner,))

    def hold(self, space: str, lease: int, owner: str) -> bool:
        """Keep others from sending what is in a space, for ``lease`` milliseconds; whether nobody else does."""
        real = self._real()
        with self._turns.change() as connection:
            if _held(connection, space, owner, real):
                return False
            connection.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", (space, owner, real + lease))
            return True

    def release(self, space: str, owner: str) -> None:
        """Let others send again."""
        with self._turns.change() as connection:
            connection.execute("DELETE FROM holds WHERE space = ? AND owner = ?", (space, owner))

    def begin(self, held: Delivery, at: int, sent: Sent) -> int:
        """Keep an attempt before its bytes leave; its id."""
        with self._turns.change() as connection:
            rows = connection.execute(
                "INSERT INTO attempts (delivery, number, at, method, headers, body, size) SELECT ?1, "
                "coalesce((SELECT max(number) FROM attempts WHERE delivery = ?1), 0) + 1, ?2, ?3, ?4, ?5, ?6 RETURNING id",
                (held.number, at, sent.method, json.dumps([list(pair) for pair in sent.headers]), sent.body, sent.size),
            ).fetchall()
            connection.execute("UPDATE deliveries SET attempts = attempts + 1 WHERE number = ?", (held.number,))
            _count(connection, "attempted")
        return int(rows[0][0])

    def attempted(self, result: Result) -> None:
        """Keep what came of an attempt after which another follows at once."""
        with self._turns.change() as connection:
            _keep(connection, result)

    def settle(self, held: Delivery, state: str, reason: str, *, due: int = 0, result: Result | None = None) -> bool:
        """How a delivery goes on that we hold: waits until ``due``, or is finished; False where we hold it no more.

        The ``result`` of its last attempt is kept in the same step. Secrets of a finished one are forgotten.
        """
        status = result.came.status if result else None
        with self._turns.change() as connection:
            if result:
                _keep(connection, result)
            done = None if state == WAITING else _next_done(connection, held.space)
            changed = connection.execute(
                "UPDATE deliveries SET state = :state, reason = :reason, status = :status, owner = NULL, "
                "due = CASE :state WHEN 'waiting' THEN :due ELSE due END, done = :done, "
                "secrets = CASE :state WHEN 'waiting' THEN secrets END "
                "WHERE number = :number AND owner = :owner AND state = 'waiting'",
                {"state": state, "reason": reason, "status": status, "due": due, "done": done, "number": held.number,
                 "owner": held.owner},
            ).rowcount  # fmt: skip
            if changed and state != WAITING:
                _count(connection, state)
                self._trim(connection, held.space)
        if changed and state != WAITING and held.secrets:
            self._read().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # nor may they stay in the log beside the file
        return changed == 1

    # --- targets that want nothing any more

    def disable(self, space: str, url: str, at: int, reason: str) -> None:
        """Send nothing to an address any more."""
        with self._turns.change() as connection:
            connection.execute("INSERT OR REPLACE INTO disabled VALUES (?, ?, ?, ?)", (space, url, at, reason))

    def enable(self, space: str, url: str | None = None) -> int:
        """Send to an address again, or to all of them; how many that are."""
        with self._turns.change() as connection:
            query = "DELETE FROM disabled WHERE space = ?1 AND (?2 IS NULL OR url = ?2)"
            return connection.execute(query, (space, url)).rowcount

    def forget(self, space: str) -> None:
        """Drop everything of a space, what waits too."""
        with self._turns.change() as connection:
            _drop(
                connection,
                [number for (number,) in connection.execute("SELECT number FROM deliveries WHERE space = ?", (space,))],
            )
            connection.execute("DELETE FROM disabled WHERE space = ?", (space,))
            connection.execute("DELETE FROM holds WHERE space = ?", (space,))

    def _trim(self, connection: sqlite3.Connection, space: str) -> None:
        count = connection.execute("SELECT count(*) FROM deliveries WHERE space = ?", (space,)).fetchone()[0]
        if count > self._most:
            gone = [number for (number,) in connection.execute(_OLDEST, (space, count - self._most))]
            _drop(connection, gone)
            _count(connection, "dropped", len(gone))


def _added(
    connection: sqlite3.Connection, space: str, message: Letter, due: int, *, behind: bool = False, repost: str = ""
) -> str:
    target, id_ = asdict(message.target), message.id
    taken = "SELECT 1 FROM deliveries WHERE space = ? AND id = ?"
    while connection.execute(taken, (space, id_)).fetchone():
        id_ = f"{message.id}-{random_id()}"
    event = connection.execute(
        "INSERT INTO events (space, event, body, store, at, ordered) VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
        (space, message.event, _json(message.body), store_of(message.body), message.at, message.order),
    ).fetchall()[0][0]
    shown, secrets = parted(target)
    lane = f"{message.order}\n{target['url']}" if message.order else ""
    values = {"space": space, "id": id_, "event": event, "endpoint": target["endpoint"], "url": target["url"], "lane": lane}
    kept = {"secrets": _json(secrets) if secrets else None, "trouble": _json(message.trouble), "target": _json(shown)}
    connection.execute(_ADD, {**values, **kept, "behind": int(behind and bool(lane)), "repost": repost, "due": due})
    return id_


def _keep(connection: sqlite3.Connection, result: Result) -> None:
    came = result.came
    connection.execute(
        "UPDATE attempts SET answered = 1, status = ?, reply_headers = ?, reply = ?, reply_size = ?, error = ?, "
        "milliseconds = ?, delivered = ?, reason = ? WHERE id = ?",
        (came.status, json.dumps([list(pair) for pair in came.headers]), came.body, came.size, came.error,
         came.milliseconds, int(result.delivered), result.reason, result.attempt),
    )  # fmt: skip


def _held(connection: sqlite3.Connection, space: str, owner: str, real: int) -> bool:
    row = connection.execute("SELECT owner, until FROM holds WHERE space = ?", (space,)).fetchone()
    return row is not None and row[0] != owner and row[1] > real


def _next_done(connection: sqlite3.Connection, space: str) -> int:
    row = connection.execute("SELECT coalesce(max(done), 0) + 1 FROM deliveries WHERE space = ? AND done IS NOT NULL", (space,))
    return int(row.fetchone()[0])


def _drop(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deliveries with their attempts, and events of which no delivery is left."""
    gone = (json.dumps(list(numbers)),)
    these = "(SELECT value FROM json_each(?))"
    events = connection.execute(f"SELECT DISTINCT event FROM deliveries WHERE number IN {these}", gone).fetchall()  # noqa: S608  # ours
    connection.execute(f"DELETE FROM attempts WHERE delivery IN {these}", gone)  # noqa: S608  # ours
    connection.execute(f"DELETE FROM deliveries WHERE number IN {these}", gone)  # noqa: S608  # ours
    left = "NOT EXISTS (SELECT 1 FROM deliveries WHERE event = events.number)"
    listed = (json.dumps([number for (number,) in events]),)
    connection.execute(f"DELETE FROM events WHERE number IN {these} AND {left}", listed)  # noqa: S608  # ours


def _count(connection: sqlite3.Connection, name: str, many: int = 1) -> None:
    connection.execute(
        "INSERT INTO totals VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET number = number + excluded.number", (name, many)
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
