"""What is to be put in order waits in a file beside the compiled set that is being made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

from mockspi.store.base import Collection, Term
from mockspi.store.batches import Batch

_WAITS, _IS_DONE = "aside", ".sorted"
_PRAGMAS = ("page_size = 16384", "journal_mode = OFF", "synchronous = OFF")
_TERM = "CREATE TABLE {} (value TEXT NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY ({})) WITHOUT ROWID"
_BY_KEY = "CREATE VIEW {} AS SELECT key AS value, rank FROM keys WHERE collection = '{}'"
_KEYS = (
    "SELECT a.id + j.key AS id, substr(j.value, instr(j.value, char(10)) + 1) AS sort, "
    "substr(j.value, 1, instr(j.value, char(10)) - 1) AS key FROM aside.{0} a CROSS JOIN json_each(a.pairs) j "
    "UNION ALL SELECT id, sort, key FROM aside.{0}_pairs"
)
_VALUES = (
    "SELECT a.id + iif(j.key < a.many, j.key, CAST(j.value AS INTEGER)) AS id, "
    "iif(j.key < a.many, j.value, substr(j.value, instr(j.value, ' ') + 1)) AS value "
    "FROM aside.{0} a CROSS JOIN json_each(a.of_{1}) j WHERE j.value IS NOT NULL "
    "UNION ALL SELECT id, value FROM aside.{0}_{1}"
)


class Aside:
    """The keys, orders and terms of the batches for one target: a table for each collection, and one for each of its terms."""

    def __init__(self, target: Path, collections: Mapping[str, Collection]) -> None:
        self.collections = collections
        self._target = target
        self._connection: sqlite3.Connection | None = None
        self._known: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        start = self._beside("").name
        for path in self._target.parent.iterdir():
            if path.name.startswith(start) and path.name.endswith((_WAITS, _IS_DONE)):
                path.unlink(missing_ok=True)

    def __call__(self, batch: Batch) -> None:
        """Keep what of a batch waits."""
        if self._connection is None:
            self._connection = _connected(self._beside(_WAITS))
            self._connection.execute("BEGIN")
        run, name = self._connection.execute, batch.collection
        if name not in self._known:
            self._known.add(name)
            terms = [term.name for term in self.collections[name].apart]
            run(f"CREATE TABLE {name} (id INTEGER, many INTEGER, pairs TEXT{''.join(f', of_{term} TEXT' for term in terms)})")
            run(f"CREATE TABLE {name}_pairs (id INTEGER, key TEXT, sort TEXT)")
            for term in terms:
                run(f"CREATE TABLE {name}_{term} (id INTEGER, value TEXT)")
        run(f"INSERT INTO {name} VALUES (?, ?{', ?' * len(batch.lists)})", (batch.first, len(batch.bodies), *batch.lists))
        self._connection.executemany(f"INSERT INTO {name}_pairs VALUES (?, ?, ?)", batch.keys)
        for term, rows in batch.values.items():
            self._connection.executemany(f"INSERT INTO {name}_{term} VALUES (?, ?)", rows)

    @contextmanager
    def attached(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Have all of it there. Nobody brings more.

        ``ranked`` leads from the records' numbers to their ranks, as soon as somebody has filled it.
        """
        if self._connection is not None:
            self._connection.execute("COMMIT")
            self._connection.close()
            self._connection = None
        connection.execute("ATTACH DATABASE ? AS aside", (str(self._beside(_WAITS)),))
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA aside.{pragma}")
        connection.execute("CREATE TABLE IF NOT EXISTS aside.ranked (id INTEGER PRIMARY KEY, rank INTEGER NOT NULL)")
        yield
        connection.execute("DETACH DATABASE aside")

    def ordered(self, name: str, term: Term) -> Path | None:
        """A file with a term's table, made in this process; none where two records have what only one may have."""
        path = self._beside(f"{name}_{term.name}{_IS_DONE}")
        try:
            with closing(_connected(path)) as connection, self.attached(connection):
                declare(connection, self.collections[name], term)
                put(connection, self.collections[name], term)
        except sqlite3.IntegrityError:
            return None
        return path

    def _beside(self, end: str) -> Path:
        return self._target.with_name(f".{self._target.name}.{end}")


def table_of(kind: Collection, term: Term) -> str:
    """The name of a term's table."""
    return f"{kind.name}_{term.name}"


def declare(connection: sqlite3.Connection, kind: Collection, term: Term) -> None:
    """Make a term's table."""
    table = table_of(kind, term)
    if term in kind.apart:
        connection.execute(_TERM.format(table, "value" if term.name in kind.unique else "value, rank"))
    else:
        connection.execute(_BY_KEY.format(table, kind.name))


def keys(kind: Collection) -> str:
    """What tells the number, the order and the key of each record of a collection."""
    return _KEYS.format(kind.name)


def put(connection: sqlite3.Connection, kind: Collection, term: Term) -> None:
    """Fill a term's table in its order, so that it only grows at its end."""
    waiting = _VALUES.format(kind.name, term.name)
    connection.execute(
        f"INSERT INTO main.{table_of(kind, term)} SELECT value, rank FROM ({waiting}) waiting CROSS JOIN aside.ranked "
        "ON ranked.id = waiting.id ORDER BY value, rank"
    )


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection
