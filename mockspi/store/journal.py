"""Where exchanges are kept: a database of its own, so that its writes do not disturb the records.

Numbers are given by the database, one sequence for each sandbox, whichever process writes. Each row carries the bytes
of its sandbox up to and including itself, so that trimming needs to look only at the oldest rows. Nobody holds the
file for long: what is emptied is hidden at once and dropped in small steps.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

from mockspi.errors import StoreFull, UsageError
from mockspi.exchange import Json
from mockspi.store import staged
from mockspi.store.happened import Happened, insert
from mockspi.store.rows import Filter, Level, Row
from mockspi.store.turns import Turns, is_busy, open_file, whole

Unwritten = sqlite3.Error  #: what is raised where a row cannot be kept

_VERSION = 2
_TRIM_EVERY = 32  #: rows between two looks at the bounds
_LARGE = 16_384  #: a row of this size is a reason to look at once
_STEP, _STEP_BYTES, _PAUSE_SECONDS = 256, 1_048_576, 0.002
_MOST_CHANGES, _MOST_CHANGED_BYTES = 1_000, 16_777_216
_TABLES = """
CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY, sandbox TEXT NOT NULL, number INTEGER NOT NULL, total INTEGER NOT NULL,
    contract TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, findings TEXT NOT NULL, time INTEGER NOT NULL,
    clock INTEGER NOT NULL, milliseconds REAL NOT NULL, facts TEXT NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL);
CREATE UNIQUE INDEX exchanges_number ON exchanges (sandbox, number, total);
CREATE TABLE journals (
    sandbox TEXT PRIMARY KEY, last INTEGER NOT NULL, total INTEGER NOT NULL, dropped INTEGER NOT NULL DEFAULT 0,
    version TEXT NOT NULL DEFAULT '', floor INTEGER NOT NULL DEFAULT 0, whole INTEGER NOT NULL DEFAULT 1);
CREATE TABLE changes (id INTEGER PRIMARY KEY, sandbox TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX changes_sandbox ON changes (sandbox);
CREATE TRIGGER numbered AFTER INSERT ON exchanges BEGIN
    INSERT INTO journals (sandbox, last, total) VALUES (NEW.sandbox, NEW.number, NEW.total)
    ON CONFLICT (sandbox) DO UPDATE SET last = excluded.last, total = excluded.total;
END
"""


_NAMES = [one.name for one in fields(Row)]
_COLUMNS = ", ".join(_NAMES)
_kept = attrgetter(*_NAMES[:-1])  # all but the number
_INSERT = (
    "INSERT INTO exchanges (sandbox, number, total, contract, path, status, findings, time, clock, milliseconds, facts, "
    "request, reply) VALUES (?1, coalesce((SELECT last FROM journals WHERE sandbox = ?1), 0) + 1, "
    "coalesce((SELECT total FROM journals WHERE sandbox = ?1), 0) + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) "
    "RETURNING number"
)


_SHOWN = "sandbox = :sandbox AND number > coalesce((SELECT floor FROM journals WHERE sandbox = :sandbox), 0)"
_OLDEST = "SELECT number, total FROM exchanges WHERE sandbox = ? AND number <= ? ORDER BY number LIMIT ?"
_DROP = "DELETE FROM exchanges WHERE sandbox = ? AND number <= ? RETURNING number"
_EVERY = 2**62  #: a number that no entry reaches


class JournalStore:
    """The journals of all sandboxes, each bounded by a number of rows and of bytes."""

    def __init__(self, path: Path, most: int, most_bytes: int, catch_up: Callable[[str | None], None] = lambda _: None) -> None:
        """``catch_up`` waits until what others answered is here too, or staged."""
        self._path = path
        self._await = catch_up
        self.most = most
        self._most_bytes = most_bytes
        self._turns = Turns(path, durable=False)

    def add(self, sandbox: str, row: Row, *, wait: bool = True) -> int:
        """Keep a row; its number. It can be read by everybody when this returns.

        Who must not ``wait`` gets WouldWait where somebody else holds the file: then nothing is kept.
        """
        size = row.size
        values = (sandbox, size, *_kept(row))
        with self._turns.turn(wait=wait) as connection:
            number = int(connection.execute(_INSERT, values).fetchall()[0][0])
            if number % _TRIM_EVERY == 0 or size >= _LARGE:
                self._trim(connection, sandbox)
        return number

    def add_again(self, sandbox: str, happened: Sequence[Happened], skipped: int, *, wait: bool = True) -> None:
        """Keep exchanges like those before, in their order; before them some are ``skipped``, as if dropped at once."""
        with self._turns.turn(wait=wait) as connection:
            with whole(connection):
                insert(connection, sandbox, happened, skipped)
            self._trim_after(connection, sandbox, len(happened))

    def stage(self, groups: Sequence[staged.Group], *, wait: bool = True) -> None:
        """Keep exchanges of several sandboxes until others' are put in order with them."""
        with self._turns.change(wait=wait) as connection:
            staged.put(connection, groups)

    def merge(self, sandbox: str | None, until: int, *, wait: bool = True) -> None:
        """Bring what was staged (of a sandbox, or of all) and happened until then into the journals, in its order."""
        if staged.waits(self._turns.connection(wait=wait), sandbox, until):
            with self._turns.turn(wait=wait) as connection:
                with whole(connection):
                    merged = staged.merge(connection, sandbox, until, self.most)
                for name, many in merged.items():
                    self._trim_after(connection, name, many)

    def version(self, sandbox: str, version: str, *, wait: bool = True) -> str:
        """The api_version that a sandbox began with: this one, unless there was another before."""
        row = self._turns.connection().execute("SELECT version FROM journals WHERE sandbox = ?", (sandbox,)).fetchone()
        if row and row[0]:
            return str(row[0])
        with self._turns.turn(wait=wait) as connection:
            rows = connection.execute(
                "INSERT INTO journals (sandbox, last, total, version) VALUES (?1, 0, 0, ?2) ON CONFLICT (sandbox) DO UPDATE "
                "SET version = CASE version WHEN '' THEN ?2 ELSE version END RETURNING version",
                (sandbox, version),
            )
            return str(rows.fetchall()[0][0])

    def note(self, sandbox: str, change: Json) -> None:
        """Keep what changed a sandbox beside its calls, behind the entries that there are."""
        self._catch_up(sandbox)
        body = json.dumps(change, ensure_ascii=False, separators=(",", ":"))
        with self._turns.change() as connection:
            connection.execute("INSERT INTO journals (sandbox, last, total) VALUES (?, 0, 0) ON CONFLICT DO NOTHING", (sandbox,))
            connection.execute(
                "INSERT INTO changes (sandbox, number, body) SELECT ?1, last, ?2 FROM journals WHERE sandbox = ?1",
                (sandbox, body),
            )
            rows = connection.execute(
                "SELECT id, sum(length(body)) OVER (ORDER BY id DESC) FROM changes WHERE sandbox = ? ORDER BY id DESC", (sandbox,)
            ).fetchall()
            over = [id_ for place, (id_, size) in enumerate(rows) if place >= _MOST_CHANGES or size > _MOST_CHANGED_BYTES]
            if over:
                connection.execute("DELETE FROM changes WHERE sandbox = ? AND id <= ?", (sandbox, over[0]))
                connection.execute("UPDATE journals SET whole = 0 WHERE sandbox = ?", (sandbox,))

    def changes(self, sandbox: str) -> list[tuple[int, Json]]:
        """What changed a sandbox beside its calls: the number of the entry that it came after, and what it was."""
        self._catch_up(sandbox)
        rows = self._turns.connection().execute("SELECT number, body FROM changes WHERE sandbox = ? ORDER BY id", (sandbox,))
        return [(number, json.loads(body)) for number, body in rows]

    def level(self, sandbox: str) -> Level:
        """How far the journal of a sandbox has come."""
        self._catch_up(sandbox)
        query = "SELECT last, dropped, whole FROM journals WHERE sandbox = ?"
        row = self._turns.connection().execute(query, (sandbox,)).fetchone()
        return Level(row[0], row[1], bool(row[2])) if row else Level()

    def dropped(self) -> int:
        """How many entries of all sandboxes had to go."""
        self._catch_up(None)
        return int(self._turns.connection().execute("SELECT coalesce(sum(dropped), 0) FROM journals").fetchone()[0])

    def count(self, sandbox: str, wanted: Filter) -> int:
        """How many rows are meant."""
        self._catch_up(sandbox)
        where, values = _where(sandbox, wanted)
        return int(self._turns.connection().execute(f"SELECT count(*) FROM exchanges WHERE {where}", values).fetchone()[0])

    def rows(self, sandbox: str, wanted: Filter, offset: int, limit: int) -> list[Row]:
        """Some of the rows, oldest first."""
        self._catch_up(sandbox)
        where, values = _where(sandbox, wanted)
        query = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY number LIMIT :limit OFFSET :offset"
        return [Row(*row) for row in self._turns.connection().execute(query, {**values, "limit": limit, "offset": offset})]

    def newest(self, sandbox: str, wanted: Filter, limit: int) -> list[Row]:
        """The last of the rows, oldest first."""
        self._catch_up(sandbox)
        where, values = _where(sandbox, wanted)
        query = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY number DESC LIMIT :limit"
        return [Row(*row) for row in self._turns.connection().execute(query, {**values, "limit": limit})][::-1]

    def clear(self, sandbox: str, *, whole: bool = False) -> int:
        """Drop the rows of a sandbox; how many there were. Numbers go on, so that who follows does not miss any.

        ``whole`` says that nothing else is left of the calls either.
        """
        self._catch_up(sandbox)
        with self._turns.change() as connection:
            count = connection.execute(f"SELECT count(*) FROM exchanges WHERE {_SHOWN}", {"sandbox": sandbox}).fetchone()[0]
            connection.execute(
                "UPDATE journals SET floor = last, dropped = 0, version = '', whole = (?2 OR (whole AND last = floor)) "
                "WHERE sandbox = ?1",
                (sandbox, whole),
            )
            connection.execute("DELETE FROM changes WHERE sandbox = ?", (sandbox,))
            upto = connection.execute("SELECT floor FROM journals WHERE sandbox = ?", (sandbox,)).fetchone()
        self._sweep(sandbox, upto[0] if upto else 0)
        return int(count)

    def forget(self, sandbox: str) -> None:
        """Drop all that is known of a sandbox."""
        self._catch_up(sandbox)
        self._sweep(sandbox, None)
        with self._turns.change() as connection:
            for table in ("changes", "staging", "journals"):
                connection.execute(f"DELETE FROM {table} WHERE sandbox = ?", (sandbox,))

    def sandboxes(self) -> list[str]:
        """Those of which something is known."""
        self._catch_up(None)
        return [name for (name,) in self._turns.connection().execute("SELECT sandbox FROM journals")]

    def prepare(self) -> None:
        """Make the file; one that another version of mockspi wrote, or that a power cut left broken, starts anew."""
        try:
            usable = self._usable()
        except sqlite3.DatabaseError as error:
            if is_busy(error):
                raise UsageError(f"another program holds the journal {self._path}; end it, or name another --state") from error
            usable = False
        if not usable:
            for end in ("", "-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)
            self._usable()

    def _usable(self) -> bool:
        connection = open_file(self._path, durable=False)
        try:
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _TABLES.split(";\nCREATE"):
                    connection.execute(statement if statement.lstrip().startswith("CREATE") else f"CREATE{statement}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            if version in (0, _VERSION):
                connection.execute(staged.TABLE)
                staged.merge(connection, None, _EVERY, self.most)  # the clock that they know may begin anew
            connection.execute("COMMIT")
        finally:
            connection.close()
        return version in (0, _VERSION)

    def _catch_up(self, sandbox: str | None) -> None:
        """What was answered before this, by whomever, can be read after it."""
        now = time.monotonic_ns()
        self._await(sandbox)
        self.merge(sandbox, now)

    def _trim_after(self, connection: sqlite3.Connection, sandbox: str, many: int) -> None:
        """Drop at least as many of the oldest rows as were written."""
        for _ in range(many // _STEP + 1):
            self._trim(connection, sandbox)

    def _trim(self, connection: sqlite3.Connection, sandbox: str) -> None:
        """Drop the oldest rows beyond the bounds: one step. Where the file is held or the disk full, the next look will do."""
        with suppress(sqlite3.OperationalError, StoreFull):
            row = connection.execute("SELECT last, total, floor FROM journals WHERE sandbox = ?", (sandbox,)).fetchone()
            last, total, floor = row
            found = connection.execute(_OLDEST, (sandbox, last, _STEP)).fetchall()
            over = [number for number, sofar in found if number <= last - self.most or sofar <= total - self._most_bytes]
            if not over:
                return
            with whole(connection):
                gone = connection.execute(_DROP, (sandbox, over[-1])).fetchall()
                counted = sum(number > floor for (number,) in gone)
                connection.execute("UPDATE journals SET dropped = dropped + ? WHERE sandbox = ?", (counted, sandbox))

    def _sweep(self, sandbox: str, upto: int | None) -> None:
        """Drop rows that nobody sees any more, in small steps, between which others have their turn."""
        bound = _EVERY if upto is None else upto
        while True:
            with self._turns.turn() as connection:
                found = connection.execute(_OLDEST, (sandbox, bound, _STEP)).fetchall()
                step = [number for number, sofar in found if sofar - found[0][1] <= _STEP_BYTES]
                if not step:
                    return
                connection.execute(_DROP, (sandbox, step[-1])).fetchall()
            if len(step) == len(found) < _STEP:
                return
            time.sleep(_PAUSE_SECONDS)


def _where(sandbox: str, wanted: Filter) -> tuple[str, Json]:
    """A filter as SQL, and what it binds."""
    parts = [_SHOWN, "number > :since", "number <= :until", "time >= :earliest"]
    bound: Json = {"sandbox": sandbox, "since": wanted.since, "until": wanted.until, "earliest": wanted.earliest}
    if wanted.contracts is not None:
        names = {f"contract{place}": name for place, name in enumerate(sorted(wanted.contracts))}
        parts.append(f"contract IN ({', '.join(f':{name}' for name in names)})")
        bound |= names
    for name in ("path", "status"):
        if (value := getattr(wanted, name)) is not None:
            parts.append(f"{name} = :{name}")
            bound[name] = value
    if wanted.findings:
        parts.append("findings <> '[]'")
    return " AND ".join(parts), bound
