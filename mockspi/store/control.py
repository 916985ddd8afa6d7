"""Which sandboxes there are: one small database beside the records, shared by every worker and the admin port.

What a connection has read is kept until another one has written (SQLite's ``data_version``), so that asking costs
microseconds.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from mockspi.errors import TooManySandboxes
from mockspi.sandbox import Sandbox

_WAIT_SECONDS = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS sandboxes (name TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
"""


class SandboxStore:
    """The sandboxes: those given at start (name to key), and those that were made since."""

    def __init__(self, path: Path, fixed: Mapping[str, str], now: Callable[[], int]) -> None:
        self._path = path
        self._fixed = dict(fixed)
        self._now = now
        self._local = threading.local()

    def opened_by(self, key: str) -> Sandbox | None:
        """The sandbox that a key opens; found by the key's hash, so that the time it takes tells nothing about keys."""
        found = self._all().get(sha256(key.encode("utf-8", "surrogatepass")).digest())
        return None if found is None or (found.expires is not None and found.expires <= self._now()) else found

    def named(self, name: str) -> Sandbox | None:
        """The sandbox with a name or a key."""
        return next((one for one in self.all() if name in (one.name, one.key)), None)

    def all(self) -> list[Sandbox]:
        """Every sandbox that has not expired."""
        now = self._now()
        return [one for one in self._all().values() if one.expires is None or one.expires > now]

    def put(self, sandbox: Sandbox) -> None:
        """Keep a sandbox's settings."""
        with self._writing() as connection:
            _put(connection, sandbox)

    def create(self, sandbox: Sandbox, most: int) -> None:
        """Add a sandbox, unless there are as many as there may be."""
        with self._writing() as connection:
            stored = connection.execute("SELECT count(*) FROM sandboxes").fetchone()[0]
            if stored >= most:
                raise TooManySandboxes(most=most)
            _put(connection, sandbox)

    def delete(self, name: str) -> None:
        """Forget a sandbox."""
        with self._writing() as connection:
            connection.execute("DELETE FROM sandboxes WHERE name = ?", (name,))

    def expired(self) -> list[str]:
        """The names of sandboxes whose time is over."""
        now = self._now()
        return [one.name for one in self._all().values() if one.expires is not None and one.expires <= now]

    def _all(self) -> dict[bytes, Sandbox]:
        connection = self._connection()
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        cached: tuple[int, dict[bytes, Sandbox]] | None = getattr(self._local, "cached", None)
        if cached is None or cached[0] != version:
            cached = self._local.cached = (version, self._read(connection))
        return cached[1]

    def _read(self, connection: sqlite3.Connection) -> dict[bytes, Sandbox]:
        rows = connection.execute("SELECT name, key, body FROM sandboxes").fetchall()
        stored = {name: Sandbox.restored(name, key, json.loads(body)) for name, key, body in rows}
        found = {name: one for name, one in stored.items() if name not in self._fixed}
        for name, key in self._fixed.items():
            kept = stored[name].stored() if name in stored else Sandbox(name, key).stored()
            found[name] = fixed(Sandbox.restored(name, key, kept))
        return {sha256(one.key.encode()).digest(): one for one in found.values()}

    def _connection(self) -> sqlite3.Connection:
        if (opened := getattr(self._local, "connection", None)) is None:
            opened = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)
            opened.execute("PRAGMA journal_mode = WAL")
            opened.execute("PRAGMA synchronous = NORMAL")
            opened.executescript(_TABLES)
            self._local.connection = opened
        connection: sqlite3.Connection = opened
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        self._local.cached = None  # data_version does not tell a connection of its own writes


def fixed(sandbox: Sandbox) -> Sandbox:
    """The sandbox as one of those given at start: it stays."""
    return Sandbox(sandbox.name, sandbox.key, sandbox.created, None, sandbox.seed, sandbox.timing, sandbox.locale, fixed=True)


def _put(connection: sqlite3.Connection, sandbox: Sandbox) -> None:
    connection.execute(
        "INSERT INTO sandboxes (name, key, body) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET key = excluded.key, body = excluded.body",
        (sandbox.name, sandbox.key, json.dumps(sandbox.stored())),
    )
