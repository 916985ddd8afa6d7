"""Where exchanges are kept: a database of its own, so that its writes do not disturb the records.

Numbers are given by the database, one sequence for each sandbox, whichever process writes. Each row carries the bytes
of its sandbox up to and including itself, so that trimming needs to look only at the oldest rows.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

from mockspi.errors import UsageError

Unwritten = sqlite3.Error  #: what is raised where a row cannot be kept

_VERSION = 1
_WAIT_SECONDS = 5.0
_TRIM_EVERY = 32  #: rows between two looks at the bounds
_LARGE = 16_384  #: a row of this size is a reason to look at once
_STEP = 256
_TABLES = """
CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY, sandbox TEXT NOT NULL, number INTEGER NOT NULL, total INTEGER NOT NULL,
    contract TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, findings TEXT NOT NULL, time INTEGER NOT NULL,
    clock INTEGER NOT NULL, milliseconds REAL NOT NULL, facts TEXT NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL);
CREATE UNIQUE INDEX exchanges_number ON exchanges (sandbox, number, total);
CREATE TABLE journals (
    sandbox TEXT PRIMARY KEY, last INTEGER NOT NULL, total INTEGER NOT NULL, dropped INTEGER NOT NULL DEFAULT 0,
    version TEXT NOT NULL DEFAULT '');
CREATE TRIGGER numbered AFTER INSERT ON exchanges BEGIN
    INSERT INTO journals (sandbox, last, total) VALUES (NEW.sandbox, NEW.number, NEW.total)
    ON CONFLICT (sandbox) DO UPDATE SET last = excluded.last, total = excluded.total;
END
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange as it is kept; ``facts`` and ``findings`` are JSON, ``request`` and ``reply`` the bodies."""

    contract: str
    path: str
    status: int
    findings: str
    time: int
    clock: int
    milliseconds: float
    facts: str
    request: bytes
    reply: bytes
    number: int = 0  #: given when it is written

    @property
    def size(self) -> int:
        """How many bytes it counts for."""
        return 200 + len(self.path) + len(self.findings) + len(self.facts) + len(self.request) + len(self.reply)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are meant; None is any. ``contracts`` are ids, the empty one among them for no contract."""

    since: int = 0
    contracts: frozenset[str] | None = None
    path: str | None = None
    status: int | None = None
    findings: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """How far a sandbox's journal has come, and how many of its entries had to go."""

    last: int = 0
    dropped: int = 0


_NAMES = [one.name for one in fields(Row)]
_COLUMNS = ", ".join(_NAMES)
_kept = attrgetter(*_NAMES[:-1])  # all but the number
_INSERT = (
    "INSERT INTO exchanges (sandbox, number, total, contract, path, status, findings, time, clock, milliseconds, facts, "
    "request, reply) VALUES (?1, coalesce((SELECT last FROM journals WHERE sandbox = ?1), 0) + 1, "
    "coalesce((SELECT total FROM journals WHERE sandbox = ?1), 0) + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) "
    "RETURNING number"
)


class JournalStore:
    """The journals of all sandboxes, each bounded by a number of rows and of bytes."""

    def __init__(self, path: Path, most: int, most_bytes: int) -> None:
        self._path = path
        self._most = most
        self._most_bytes = most_bytes
        self._local = threading.local()
        self._writing = threading.Lock()

    def add(self, sandbox: str, row: Row) -> int:
        """Keep a row; its number. It can be read by everybody when this returns."""
        connection, size = self._connection(), row.size
        values = (sandbox, size, *_kept(row))
        with self._writing:  # threads wait here, where they are woken at once; processes wait in SQLite
            number = int(connection.execute(_INSERT, values).fetchall()[0][0])
            if number % _TRIM_EVERY == 0 or size >= _LARGE:
                self._trim(connection, sandbox)
        return number

    def version(self, sandbox: str, version: str) -> str:
        """The api_version that a sandbox began with: this one, unless there was another before."""
        with self._writing:
            rows = self._connection().execute(
                "INSERT INTO journals (sandbox, last, total, version) VALUES (?1, 0, 0, ?2) ON CONFLICT (sandbox) DO UPDATE "
                "SET version = CASE version WHEN '' THEN ?2 ELSE version END RETURNING version",
                (sandbox, version),
            )
            return str(rows.fetchall()[0][0])

    def level(self, sandbox: str) -> Level:
        """How far the journal of a sandbox has come."""
        row = self._connection().execute("SELECT last, dropped FROM journals WHERE sandbox = ?", (sandbox,)).fetchone()
        return Level(*row) if row else Level()

    def dropped(self) -> int:
        """How many entries of all sandboxes had to go."""
        return int(self._connection().execute("SELECT coalesce(sum(dropped), 0) FROM journals").fetchone()[0])

    def count(self, sandbox: str, wanted: Filter) -> int:
        """How many rows are meant."""
        where, values = _where(sandbox, wanted)
        return int(self._connection().execute(f"SELECT count(*) FROM exchanges WHERE {where}", values).fetchone()[0])

    def rows(self, sandbox: str, wanted: Filter, offset: int, limit: int) -> list[Row]:
        """Some of the rows, oldest first."""
        where, values = _where(sandbox, wanted)
        query = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY number LIMIT ? OFFSET ?"
        return [Row(*row) for row in self._connection().execute(query, (*values, limit, offset))]

    def newest(self, sandbox: str, wanted: Filter, limit: int) -> list[Row]:
        """The last of the rows, oldest first."""
        where, values = _where(sandbox, wanted)
        query = f"SELECT {_COLUMNS} FROM exchanges WHERE {where} ORDER BY number DESC LIMIT ?"
        return [Row(*row) for row in self._connection().execute(query, (*values, limit))][::-1]

    def clear(self, sandbox: str) -> int:
        """Drop the rows of a sandbox; how many there were. Numbers go on, so that who follows does not miss any."""
        with self._change() as connection:
            connection.execute("UPDATE journals SET dropped = 0, version = '' WHERE sandbox = ?", (sandbox,))
            return connection.execute("DELETE FROM exchanges WHERE sandbox = ?", (sandbox,)).rowcount

    def forget(self, sandbox: str) -> None:
        """Drop all that is known of a sandbox."""
        with self._change() as connection:
            connection.execute("DELETE FROM exchanges WHERE sandbox = ?", (sandbox,))
            connection.execute("DELETE FROM journals WHERE sandbox = ?", (sandbox,))

    def sandboxes(self) -> list[str]:
        """Those of which something is known."""
        return [name for (name,) in self._connection().execute("SELECT sandbox FROM journals")]

    def prepare(self) -> None:
        """Make the file; one that another version of mockspi wrote, or that a power cut left broken, starts anew."""
        try:
            usable = self._usable()
        except sqlite3.DatabaseError:
            usable = False
        if not usable:
            for end in ("", "-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)
            self._usable()

    def _usable(self) -> bool:
        connection = open_file(self._path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _TABLES.split(";\nCREATE"):
                    connection.execute(statement if statement.lstrip().startswith("CREATE") else f"CREATE{statement}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.close()
        return version in (0, _VERSION)

    def _trim(self, connection: sqlite3.Connection, sandbox: str) -> None:
        """Drop the oldest rows beyond the bounds, a few at a time."""
        last, total = connection.execute("SELECT last, total FROM journals WHERE sandbox = ?", (sandbox,)).fetchone()
        while True:
            found = connection.execute(
                "SELECT number, total FROM exchanges WHERE sandbox = ? ORDER BY number LIMIT ?", (sandbox, _STEP)
            ).fetchall()
            over = [number for number, sofar in found if number <= last - self._most or sofar <= total - self._most_bytes]
            if over:
                connection.execute("BEGIN IMMEDIATE")
                gone = connection.execute("DELETE FROM exchanges WHERE sandbox = ? AND number <= ?", (sandbox, over[-1])).rowcount
                connection.execute("UPDATE journals SET dropped = dropped + ? WHERE sandbox = ?", (gone, sandbox))
                connection.execute("COMMIT")
            if len(over) < _STEP:
                return

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        if (opened := getattr(self._local, "connection", None)) is None:
            opened = self._local.connection = open_file(self._path)
        connection: sqlite3.Connection = opened
        return connection


def open_file(path: Path) -> sqlite3.Connection:
    """A connection to a journal file; readers and writers do not wait for one another."""
    try:
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        raise UsageError(f"the journal {path} cannot be used: {error}; name another folder with --state") from error
    connection.execute("PRAGMA synchronous = OFF")  # an entry may be lost with the machine's power, not with the process
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def _where(sandbox: str, wanted: Filter) -> tuple[str, list[str | int]]:
    """A filter as SQL, and what it binds."""
    parts = ["sandbox = ?", "number > ?"]
    bound: list[str | int] = [sandbox, wanted.since]
    if wanted.contracts is not None:
        parts.append(f"contract IN ({', '.join('?' * len(wanted.contracts))})")
        bound += sorted(wanted.contracts)
    for name in ("path", "status"):
        if (value := getattr(wanted, name)) is not None:
            parts.append(f"{name} = ?")
            bound.append(value)
    if wanted.findings:
        parts.append("findings <> '[]'")
    return " AND ".join(parts), bound
