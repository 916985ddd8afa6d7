"""Which sandboxes there are: one small database beside the records, shared by every worker and the admin port.

A sandbox is found by the hash of its key, never by a scan; what was found is kept until a stamp says that it changed, so
that asking again costs no system call and a change is seen at once.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import monotonic_ns

from mockspi.clock import random_id
from mockspi.errors import SandboxExists, TooManySandboxes, UsageError
from mockspi.exchange import Json
from mockspi.sandbox import Sandbox
from mockspi.store.stamps import Standing, stamps_beside
from mockspi.store.turns import transaction, unusable

_VERSION = 2
_WAIT_SECONDS = 30.0
_REMEMBERED = 4096
NOBODY = ""  #: whose stamp tells that a key may open what it did not open before
_TABLES = """
CREATE TABLE sandboxes (name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, expires INTEGER, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX sandboxes_expires ON sandboxes (expires) WHERE expires IS NOT NULL;
CREATE TABLE fixed (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tally (number INTEGER NOT NULL);
INSERT INTO tally VALUES (0);
CREATE TRIGGER one_more AFTER INSERT ON sandboxes BEGIN UPDATE tally SET number = number + 1; END;
CREATE TRIGGER one_less AFTER DELETE ON sandboxes BEGIN UPDATE tally SET number = number - 1; END;
"""
_KEPT = "CREATE TABLE IF NOT EXISTS kept (snapshot TEXT PRIMARY KEY, connectors TEXT NOT NULL) WITHOUT ROWID"
_ALIVE = "SELECT number - (SELECT count(*) FROM sandboxes WHERE expires <= ?) FROM tally"  #: asked without counting all


class SandboxStore:
    """The sandboxes: those given at start (name to key), and those that were made since, at most ``most``.

    An unknown key that starts with ``auto`` (unless that is empty) makes its own. ``connectors`` are those of a sandbox that
    has none of its own.
    """

    def __init__(
        self,
        path: Path,
        fixed: Mapping[str, str],
        now: Callable[[], int],
        most: int,
        auto: str = "",
        connectors: Sequence[Json] = (),
    ) -> None:
        self._path = path
        self._fixed = dict(fixed)
        self._fixed_by_hash = {hashed(key): name for name, key in fixed.items()}
        self._now = now
        self._most = most
        self._auto = auto
        self._served = tuple(connectors)
        self._local = threading.local()
        self._queue = threading.Lock()
        self._stamps = stamps_beside(path)
        self._opened = Standing[Sandbox](self._stamps, _REMEMBERED)

    def opened_by(self, key: str) -> Sandbox | None:
        """The sandbox that a key opens; the time it takes tells nothing about other keys."""
        found = self._alive(self._of_hash(hashed(key)))
        return self._opened_on_its_own(key) if found is None and self._auto and key.startswith(self._auto) else found

    def named(self, name: str) -> Sandbox | None:
        """The sandbox with a name, else with a key."""
        if name in self._fixed:
            return self._read_fixed(self._connection(), name)
        return self._alive(self._read("name", name) or self._of_hash(hashed(name)))

    def of_space(self, space: str) -> Sandbox | None:
        """The sandbox that the store knows by this name; None where it is gone."""
        found = self.named(space.partition("~")[0])
        return found if found and found.space == space else None

    def all(self) -> list[Sandbox]:
        """Every sandbox that has not expired: those given at start, then the others as they were made."""
        connection = self._connection()
        given = [self._read_fixed(connection, name) for name in self._fixed]
        rows = connection.execute("SELECT name, body FROM sandboxes").fetchall()
        made = [self._alive(Sandbox.restored(name, json.loads(body), self._served)) for name, body in rows]
        return given + sorted((one for one in made if one), key=lambda one: (one.created, one.name))

    def listening(self) -> list[Sandbox]:
        """The sandboxes with webhook connectors of their own, and the first that was given at start where the server has some."""
        connection = self._connection()
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        cached: tuple[int, list[Sandbox]] | None = getattr(self._local, "listening", None)
        if cached is None or cached[0] != version:
            rows = connection.execute("SELECT name, body FROM sandboxes WHERE instr(body, '\"Webhook\"')").fetchall()
            made = [Sandbox.restored(name, json.loads(body), self._served) for name, body in rows]
            given = [self._read_fixed(connection, name) for name in self._fixed]
            own = [one for number, one in enumerate(given) if one.own is not None or (number == 0 and self._served)]
            cached = self._local.listening = (version, own + [one for one in made if one.own])
        return [one for one in cached[1] if self._alive(one)]

    def prepare(self) -> None:
        """Make the file, with a seed for each sandbox that is given at start; leaves nothing open."""
        with self._writing() as connection:
            connection.execute(_KEPT)
            known = {name for (name,) in connection.execute("SELECT name FROM fixed")}
            made = [(name, json.dumps(Sandbox(name, "", seed=random_id()).stored())) for name in self._fixed if name not in known]
            connection.executemany("INSERT INTO fixed VALUES (?, ?)", made)
        self.close()  # processes that are forked must not have it: the last one to close it would take the log away

    def close(self) -> None:
        """Let go of this thread's connection."""
        if (opened := getattr(self._local, "connection", None)) is not None:
            opened.close()
            del self._local.connection

    def count(self) -> int:
        """How many were made and have not expired."""
        return int(self._connection().execute(_ALIVE, (self._now(),)).fetchone()[0])

    def create(self, sandbox: Sandbox) -> list[Sandbox]:
        """Add a sandbox, unless there are as many as there may be, or its name or key is taken.

        Those of the same name or key whose time is over give way; they are named, so that what they wrote can go too.
        """
        with self._writing(sandbox.name, NOBODY) as connection:
            gone = _removed(connection, "(name = ? OR hash = ?) AND expires <= ?", sandbox.name, hashed(sandbox.key), self._now())
            if self._taken(connection, sandbox):
                raise SandboxExists(sandbox=sandbox.name)
            if connection.execute(_ALIVE, (self._now(),)).fetchone()[0] >= self._most:
                raise TooManySandboxes(most=self._most)
            values = (sandbox.name, hashed(sandbox.key), sandbox.expires, json.dumps(sandbox.stored()))
            connection.execute("INSERT INTO sandboxes VALUES (?, ?, ?, ?)", values)
        return gone

    def change(self, sandbox: Sandbox, to: Callable[[Sandbox], Sandbox]) -> tuple[Sandbox, Sandbox] | None:
        """What a sandbox was and has become, in one step: no other change gets lost; None where it is gone."""
        with self._writing(sandbox.name) as connection:
            fixed = sandbox.name in self._fixed
            found = self._read_fixed(connection, sandbox.name) if fixed else self._read("name", sandbox.name)
            if found is None or found.serial != sandbox.serial:
                return None
            changed = to(found)
            body = json.dumps(changed.stored())
            if fixed:
                connection.execute("INSERT OR REPLACE INTO fixed VALUES (?, ?)", (sandbox.name, body))
            else:
                connection.execute("UPDATE sandboxes SET body = ? WHERE name = ?", (body, sandbox.name))
            return found, changed

    def delete(self, sandbox: Sandbox) -> bool:
        """Forget a sandbox; whether it was still there."""
        with self._writing(sandbox.name) as connection:
            found = self._read("name", sandbox.name)
            if found is None or found.serial != sandbox.serial:
                return False
            connection.execute("DELETE FROM sandboxes WHERE name = ?", (sandbox.name,))
            return True

    def keep(self, snapshot: str, connectors: list[Json] | None) -> None:
        """Keep the connectors of a sandbox's own with its snapshot; None where it has none."""
        with self._writing() as connection:
            connection.execute("DELETE FROM kept WHERE snapshot = ?", (snapshot,))
            if connectors is not None:
                connection.execute("INSERT INTO kept VALUES (?, ?)", (snapshot, json.dumps(connectors)))

    def kept(self, snapshot: str) -> list[Json] | None:
        """The connectors that were kept with a snapshot; None where there were none."""
        row = self._connection().execute("SELECT connectors FROM kept WHERE snapshot = ?", (snapshot,)).fetchone()
        found: list[Json] | None = json.loads(row[0]) if row else None
        return found

    def expire(self) -> list[Sandbox]:
        """Forget those whose time is over, and name them, so that what they wrote can go too."""
        now = self._now()
        if not self._connection().execute("SELECT 1 FROM sandboxes WHERE expires <= ? LIMIT 1", (now,)).fetchone():
            return []
        with self._writing(NOBODY) as connection:
            return _removed(connection, "expires <= ?", now)

    def _alive(self, sandbox: Sandbox | None) -> Sandbox | None:
        over = sandbox is not None and sandbox.expires is not None and sandbox.expires <= self._now()
        return None if over else sandbox

    def _of_hash(self, wanted: str) -> Sandbox | None:
        if (found := self._opened.get(wanted)) is None:
            since, name = monotonic_ns(), self._fixed_by_hash.get(wanted)
            found = self._read_fixed(self._connection(), name) if name else self._read("hash", wanted)
            if found is not None:
                self._opened.keep(wanted, (NOBODY, _stamp(found.name)), since, found)
        return found

    def _read_fixed(self, connection: sqlite3.Connection, name: str) -> Sandbox:
        row = connection.execute("SELECT body FROM fixed WHERE name = ?", (name,)).fetchone()
        kept = Sandbox.restored(name, json.loads(row[0]), self._served) if row else Sandbox(name, "", served=self._served)
        return replace(kept, key=self._fixed[name], expires=None, serial="", fixed=True)

    def _read(self, column: str, value: str) -> Sandbox | None:
        query = f"SELECT name, body FROM sandboxes WHERE {column} = ?"  # noqa: S608  # ours
        row = self._connection().execute(query, (value,)).fetchone()
        return Sandbox.restored(row[0], json.loads(row[1]), self._served) if row else None

    def _taken(self, connection: sqlite3.Connection, sandbox: Sandbox) -> bool:
        hash_ = hashed(sandbox.key)
        if sandbox.name in self._fixed or hash_ in self._fixed_by_hash:
            return True
        row = connection.execute("SELECT 1 FROM sandboxes WHERE name = ? OR hash = ?", (sandbox.name, hash_)).fetchone()
        return row is not None

    def _opened_on_its_own(self, key: str) -> Sandbox | None:
        """A new sandbox for a key that nobody knew; its name is the key where that can be a name."""
        real, names = self._now(), [f"auto-{hashed(key)[:16]}"]
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", key):
            names.insert(0, key)
        for name in names:
            with suppress(SandboxExists):  # another worker was first, or somebody's sandbox has this name
                self.create(Sandbox(name, key, real, seed=random_id(), serial=new_serial(real)))
            if found := self._alive(self._of_hash(hashed(key))):
                return found
        return None

    def _connection(self) -> sqlite3.Connection:
        if (opened := getattr(self._local, "connection", None)) is None:
            opened = self._local.connection = connect(self._path)
        return opened

    @contextmanager
    def _writing(self, *names: str) -> Iterator[sqlite3.Connection]:
        """One transaction: threads queue for it here, processes in SQLite."""
        connection = self._connection()
        with self._queue, transaction(connection):
            yield connection
        self._stamps.move(*names, *map(_stamp, names))
        self._local.listening = None  # data_version does not tell a connection of its own writes


def _stamp(name: str) -> str:
    """The name of the sandbox alone, which stays what it is when its records change."""
    return f"sandbox {name}"


def new_serial(real: int) -> str:
    """What tells a sandbox from all others; begins with when it was made."""
    return f"{real}.{random_id()}"


def hashed(key: str) -> str:
    """What is compared instead of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def connect(path: Path) -> sqlite3.Connection:
    """A connection; the tables are made on first use."""
    try:
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            _prepare(connection, path)
    except sqlite3.Error as error:
        raise unusable(f"the state in {path.parent}", path, error) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]  # read again: another process may have been first
    if version == 0:
        for statement in filter(str.strip, _TABLES.split(";\n")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")
    if version not in (0, _VERSION):
        raise UsageError(
            f"the state in {path.parent} was written by another version of mockspi (layout {version}, this one reads "
            f"{_VERSION}); name another folder with --state, or delete this one"
        )


def _removed(connection: sqlite3.Connection, where: str, *values: str | int) -> list[Sandbox]:
    rows = connection.execute(f"DELETE FROM sandboxes WHERE {where} RETURNING name, body", values).fetchall()  # noqa: S608  # ours
    return [Sandbox.restored(name, json.loads(body)) for name, body in rows]
