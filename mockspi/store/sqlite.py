"""SQLite behind the verbs: the fixture set as a read-only base, one overlay file for what sandboxes write.

The overlay is in WAL mode and is shared by every thread and process on the machine; each thread has its own
connection. A committed write survives a killed process.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.store.base import Collection
from mockspi.store.lately import Lately
from mockspi.store.records import SqliteRecords
from mockspi.store.stamps import stamps_beside
from mockspi.store.turns import transaction, unusable

_VERSION = 3
_WAIT_SECONDS = 30.0
_OVERLAY = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, sandbox TEXT NOT NULL, collection TEXT NOT NULL, key TEXT NOT NULL,
    sort TEXT NOT NULL, body TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS records_key ON records (sandbox, collection, key);
CREATE TABLE IF NOT EXISTS terms (
    sandbox TEXT NOT NULL, collection TEXT NOT NULL, term TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (sandbox, collection, term, value, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS terms_id ON terms (id);
CREATE TABLE IF NOT EXISTS numbers (sandbox TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""


class SqliteStore:
    """The store of one server: ``base`` is a compiled fixture set, ``overlay`` the file with the changes."""

    def __init__(
        self, base: Path, overlay: Path, collections: Mapping[str, Collection], queue: threading.Lock | None = None
    ) -> None:
        self._base = base
        self._overlay = overlay
        self._collections = collections
        self._local = threading.local()
        self._writing = queue or threading.Lock()  # stores over one overlay share it
        self._stamps = stamps_beside(overlay)
        self._lately = Lately()
        self._led: list[str] | None = None

    def read(self, sandbox: str) -> SqliteRecords:
        """The records as they are now."""
        return self._records(self._connection(), sandbox)

    @contextmanager
    def view(self, sandbox: str) -> Iterator[SqliteRecords]:
        """One state of the records, that of the first read, whatever is written meanwhile."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield self._records(connection, sandbox, self._lately)
        finally:
            connection.execute("COMMIT")

    @contextmanager
    def write(self, sandbox: str) -> Iterator[SqliteRecords]:
        """One transaction: threads queue for it here, processes in SQLite."""
        connection = self._connection()
        with self._writing, transaction(connection):
            yield self._records(connection, sandbox, self._lately)
        self._stamps.move(sandbox)

    def reset(self, sandbox: str | None = None) -> int:
        """Drop what a sandbox (or every one) has written; how many records that were."""
        return drop(self._overlay, sandbox)

    def copy(self, source: str, target: str, *, keep_empty: bool = False) -> int:
        """Make what a sandbox sees the same as what another sees; ``keep_empty`` remembers that there was nothing."""
        with self.write(target) as records:
            run = records.connection.execute
            for table in ("records", "terms", "numbers"):
                run(f"DELETE FROM {table} WHERE sandbox = ?", (target,))
            run("INSERT INTO numbers SELECT ?, number FROM numbers WHERE sandbox = ?", (target, source))
            columns = "collection, key, sort, body"
            copied = run(
                f"INSERT INTO records (sandbox, {columns}) SELECT ?, {columns} FROM records WHERE sandbox = ?", (target, source)
            )
            run(
                "INSERT INTO terms SELECT new.sandbox, t.collection, t.term, t.value, new.id FROM terms t "
                "JOIN records old ON old.id = t.id JOIN records new ON new.sandbox = ? AND new.collection = old.collection "
                "AND new.key = old.key WHERE t.sandbox = ?",
                (target, source),
            )
            if keep_empty:
                run("INSERT OR IGNORE INTO numbers VALUES (?, 0)", (target,))
        return copied.rowcount

    def written(self, sandbox: str) -> tuple[int, list[tuple[str, str, Json | None]]]:
        """How many ids a sandbox gave, and what it wrote: collection, key and record (None where it was deleted)."""
        run = self._connection().execute
        number = run("SELECT coalesce(max(number), 0) FROM numbers WHERE sandbox = ?", (sandbox,)).fetchone()[0]
        rows = run("SELECT collection, key, body FROM main.records WHERE sandbox = ? ORDER BY id", (sandbox,))
        return number, [(collection, key, json.loads(body) if body else None) for collection, key, body in rows]

    def fill(self, sandbox: str, number: int, records: Iterable[tuple[str, str, Json | None]]) -> None:
        """Write what ``written`` told, in one change."""
        with self.write(sandbox) as view:
            for collection, key, record in records:
                view.delete(collection, key) if record is None else view.put(collection, record)
            view.connection.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (sandbox, number))

    def snapshots(self, start: str) -> list[str]:
        """The names that start so and under which something is kept, whether or not it holds records."""
        between = "SELECT sandbox FROM numbers WHERE sandbox >= ? AND sandbox < ? ORDER BY 1"
        return [name for (name,) in self._connection().execute(between, (start, start + "\U0010ffff"))]

    def sandboxes(self) -> dict[str, int]:
        """The sandboxes that have written something, and how many records each."""
        return changed(self._overlay)

    def _records(self, connection: sqlite3.Connection, sandbox: str, lately: Lately | None = None) -> SqliteRecords:
        if self._led is None:
            self._led = [name for (name,) in connection.execute("SELECT name FROM base.collections WHERE led")]
        return SqliteRecords(connection, sandbox, self._collections, self._another, lately, self._led)

    def _another(self) -> sqlite3.Connection:
        return connect(self._base, self._overlay, shared=True)

    def _connection(self) -> sqlite3.Connection:
        if (open_one := getattr(self._local, "connection", None)) is None:
            open_one = self._local.connection = connect(self._base, self._overlay)
        return open_one


def connect(base: Path, overlay: Path, *, shared: bool = False) -> sqlite3.Connection:
    """A connection to the overlay with the base attached, made ready on first use; threads may share a ``shared`` one."""
    connection = _alone(overlay, shared=shared)
    try:
        connection.execute("ATTACH DATABASE ? AS base", (f"file:{quote(str(base))}?mode=ro&immutable=1",))
    except sqlite3.Error as error:
        raise UsageError(f"the compiled fixture set {base} cannot be opened: {error}; start again") from error
    return connection


def changed(overlay: Path) -> dict[str, int]:
    """The sandboxes that have written something, and how many records each."""
    with closing(_alone(overlay)) as connection:
        return dict(connection.execute("SELECT sandbox, count(*) FROM records GROUP BY sandbox ORDER BY 1"))


def drop(overlay: Path, sandbox: str | None = None) -> int:
    """Drop what a sandbox (or every one) has written; how many records that were. No fixture set is needed for it."""
    where, values = ("WHERE sandbox = ?", (sandbox,)) if sandbox is not None else ("", ())
    with closing(_alone(overlay)) as connection, transaction(connection):
        dropped = connection.execute(f"DELETE FROM records {where}", values).rowcount
        connection.execute(f"DELETE FROM terms {where}", values)
        connection.execute(f"DELETE FROM numbers {where}", values)
    stamps_beside(overlay).move(*([sandbox] if sandbox is not None else []))
    return dropped


def _alone(overlay: Path, *, shared: bool = False) -> sqlite3.Connection:
    """A connection to the overlay without a base."""
    try:
        connection = sqlite3.connect(overlay, timeout=_WAIT_SECONDS, isolation_level=None, uri=True, check_same_thread=not shared)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        prepare(connection, overlay)
    except sqlite3.Error as error:
        raise unusable(f"the state in {overlay.parent}", overlay, error) from error
    return connection


def prepare(connection: sqlite3.Connection, overlay: Path) -> None:
    """Make the tables, unless another version of mockspi made others."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, _OVERLAY.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
    elif version != _VERSION:
        raise UsageError(
            f"the state in {overlay.parent} was written by another version of mockspi (layout {version}, "
            f"this one reads {_VERSION}); name another folder with --state, or delete this one"
        )
