"""A fixture set compiled into a read-only SQLite file, once per content; a second start only opens it."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mockspi.exchange import Json
from mockspi.store.base import Collection
from mockspi.store.sqlite import dump

if sys.platform != "win32":  # which does not remove an open file anyway
    import fcntl

_KEPT_SETS = 16

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = MEMORY;
CREATE TABLE records (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, sort TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE terms (collection TEXT NOT NULL, term TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (collection, term, value, id)) WITHOUT ROWID;
CREATE TEMP TABLE loose (collection TEXT, term TEXT, value TEXT, id INTEGER);
"""
_INDEXES = """
CREATE UNIQUE INDEX records_key ON records (collection, key);
CREATE INDEX records_sort ON records (collection, sort, key);
INSERT INTO terms SELECT collection, term, value, id FROM loose ORDER BY collection, term, value, id;
"""


def compile_set(target: Path, collections: Mapping[str, Collection], records: Iterable[tuple[str, Json]]) -> None:
    """Write a base file; it appears under its name only when it is whole, whoever else builds the same one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        connection = sqlite3.connect(name, isolation_level=None)
        try:
            connection.executescript(_TABLES)
            connection.execute("BEGIN")
            _fill(connection, collections, records)
            connection.execute("COMMIT")
            connection.executescript(_INDEXES)
        finally:
            connection.close()
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, collections: Mapping[str, Collection], records: Iterable[tuple[str, Json]]) -> None:
    for number, (name, record) in enumerate(records, start=1):
        kind = collections[name]
        connection.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
            (number, name, kind.key_of(record), kind.order(record), dump(record)),
        )
        connection.executemany("INSERT INTO loose VALUES (?, ?, ?, ?)", _terms(kind, record, number))


def _terms(kind: Collection, record: Json, number: int) -> Iterator[tuple[str, str, str, int]]:
    for term in kind.terms:
        for value in term.of(record):
            yield kind.name, term.name, value, number


def hold(base: Path) -> None:
    """Keep a base from being tidied away while this process lives: threads open it when they are first used."""
    handle = os.open(base, os.O_RDONLY)  # closed by the process's end
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_SH)


def tidy(folder: Path) -> None:
    """Keep the compiled sets that were used last, and those that somebody holds."""
    sets = sorted(folder.glob("*.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in sets[_KEPT_SETS:]:
        with suppress(OSError), old.open("rb") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            old.unlink(missing_ok=True)
