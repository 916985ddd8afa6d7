"""What is to be put in order waits beside a compiled set that is being made, in a file of each process that brings some."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mockspi.store.base import Collection, Term
from mockspi.store.batches import Batch, Loose

_WAITS, _IS_DONE = ".aside", ".sorted"
_PRAGMAS = ("page_size = 16384", "journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -65536")
_TERM = "CREATE TABLE {} (value TEXT NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY ({})) WITHOUT ROWID"


class Aside:
    """The loose rows of the batches for one target: a table for each collection, and one for each term of several values.

    ``ranked`` leads from the records' numbers to their ranks, as soon as those are known.
    """

    def __init__(self, target: Path, collections: Mapping[str, Collection]) -> None:
        self.collections = collections
        self._target = target
        self._file: _File | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        for path in (*self._paths(_WAITS), *self._paths(_IS_DONE)):
            path.unlink(missing_ok=True)

    def __call__(self, batch: Batch) -> Batch:
        """Keep a batch's loose rows; what is left of it."""
        if self._file is None or self._file.process != os.getpid():
            self._file = _File(self._beside(f"{os.getpid()}{_WAITS}"))
        name, file = batch.collection, self._file
        file.connection.execute("BEGIN")
        file.keep(name, ("id", "key", "sort", *(_column(term) for term in self.collections[name].terms)), batch.loose)
        for term, rows in batch.further.items():
            file.keep(f"{name}_{term}", ("id", "value"), rows)
        file.connection.execute("COMMIT")
        return batch._replace(loose=[], further={})

    @contextmanager
    def attached(self, connection: sqlite3.Connection) -> Iterator[dict[str, list[str]]]:
        """Have all of it there: by its name, where a table is. Nobody brings more."""
        self._close()
        tables: dict[str, list[str]] = {}
        for number, path in enumerate(self._paths(_WAITS)):
            connection.execute(f"ATTACH DATABASE ? AS aside{number}", (str(path),))
            for (table,) in connection.execute(f"SELECT name FROM aside{number}.sqlite_master"):
                tables.setdefault(table, []).append(f"aside{number}.{table}")
        if "ranked" not in tables:
            connection.execute("ATTACH DATABASE ? AS ranking", (str(self._beside(f"ranks{_WAITS}")),))
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA ranking.{pragma}")
            connection.execute("CREATE TABLE ranking.ranked (id INTEGER PRIMARY KEY, rank INTEGER NOT NULL)")
        yield tables

    def ordered(self, name: str, term: Term) -> Path | None:
        """A file with a term's table, made in this process; none where two records have what only one may have."""
        path = self._beside(f"{name}_{term.name}{_IS_DONE}")
        try:
            with closing(_connected(path)) as connection, self.attached(connection) as tables:
                declare(connection, self.collections[name], term)
                put(connection, self.collections[name], term, tables)
        except sqlite3.IntegrityError:
            return None
        return path

    def _beside(self, end: str) -> Path:
        return self._target.with_name(f".{self._target.name}.{end}")

    def _close(self) -> None:
        if self._file is not None:
            self._file.connection.close()
            self._file = None

    def _paths(self, end: str) -> list[Path]:
        start = self._beside("").name
        return sorted(path for path in self._target.parent.iterdir() if path.name.startswith(start) and path.name.endswith(end))


@dataclass
class _File:
    """The file of one process."""

    path: Path
    process: int = field(default_factory=os.getpid)
    tables: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection = _connected(self.path)

    def keep(self, table: str, columns: Sequence[str], rows: Sequence[Loose]) -> None:
        """Add rows to a table."""
        if table not in self.tables:
            self.connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            self.tables.add(table)
        self.connection.executemany(f"INSERT INTO {table} VALUES (?{', ?' * (len(columns) - 1)})", rows)


def table_of(kind: Collection, term: Term) -> str:
    """The name of a term's table."""
    return f"{kind.name}_{term.name}"


def declare(connection: sqlite3.Connection, kind: Collection, term: Term) -> None:
    """Make a term's table."""
    connection.execute(_TERM.format(table_of(kind, term), "value" if term.name in kind.unique else "value, rank"))


def put(connection: sqlite3.Connection, kind: Collection, term: Term, tables: Mapping[str, Sequence[str]]) -> None:
    """Fill a term's table in its order, so that it only grows at its end."""
    here = table_of(kind, term)
    firsts = [f"SELECT id, {_column(term)} AS value FROM {table}" for table in tables[kind.name]]
    further = [f"SELECT id, value FROM {table}" for table in tables.get(here, ())]
    connection.execute(
        f"INSERT INTO main.{here} SELECT value, rank FROM ({' UNION ALL '.join(firsts + further)}) loose CROSS JOIN ranked "
        "ON ranked.id = loose.id WHERE value IS NOT NULL ORDER BY value, rank"
    )


def _column(term: Term) -> str:
    return f"of_{term.name}"


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection
