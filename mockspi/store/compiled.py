"""A fixture set compiled into a read-only SQLite file, once per content; a second start only opens it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.store.base import Collection
from mockspi.store.records import dump

_TOGETHER = 1_000  #: records that are written at once
_KEPT_SETS = 16

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = MEMORY;
CREATE TABLE records (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, sort TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE terms (collection TEXT NOT NULL, term TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (collection, term, value, id)) WITHOUT ROWID;
CREATE TABLE texts (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE loose (collection TEXT, term TEXT, value TEXT, id INTEGER);
"""
_INDEXES = """
CREATE UNIQUE INDEX records_key ON records (collection, key);
CREATE INDEX records_sort ON records (collection, sort, key);
INSERT INTO terms SELECT collection, term, value, id FROM loose ORDER BY collection, term, value, id;
"""


def compile_set(
    target: Path, collections: Mapping[str, Collection], records: Iterable[tuple[str, Json]], texts: Mapping[str, Json]
) -> None:
    """Write a base file: the records, and by name what else is served from the set. It appears when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        connection = sqlite3.connect(name, isolation_level=None)
        try:
            connection.executescript(_TABLES)
            connection.execute("BEGIN")
            _fill(connection, collections, records)
            connection.executemany("INSERT INTO texts VALUES (?, ?)", [(name, dump(text)) for name, text in texts.items()])
            connection.execute("COMMIT")
            connection.executescript(_INDEXES)
        finally:
            connection.close()
        Path(name).replace(target)
    except sqlite3.Error as error:
        raise UsageError(f"the compiled fixture set {target} cannot be written: {error}") from error
    finally:
        Path(name).unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, collections: Mapping[str, Collection], records: Iterable[tuple[str, Json]]) -> None:
    numbered = enumerate(records, start=1)
    while some := list(islice(numbered, _TOGETHER)):
        kept, loose = [], []
        for number, (name, record) in some:
            kind = collections[name]
            kept.append((number, name, kind.key_of(record), kind.order(record), dump(record)))
            loose += [(name, term.name, value, number) for term in kind.terms for value in term.of(record)]
        connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", kept)
        connection.executemany("INSERT INTO loose VALUES (?, ?, ?, ?)", loose)


def texts_of(base: Path) -> dict[str, Json]:
    """What a compiled set holds beside its records."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(base))}?mode=ro&immutable=1", uri=True)) as connection:
            return {name: json.loads(body) for name, body in connection.execute("SELECT name, body FROM texts")}
    except sqlite3.Error as error:
        raise UsageError(f"the compiled fixture set {base} cannot be opened: {error}; start again") from error


def settle(base: Path, folder: Path) -> Path:
    """The base in a server's own folder, as a link (a copy across file systems): emptying the cache harms no server."""
    own = folder / f"base-{base.name}"
    beside = folder / f".{own.name}.{os.getpid()}"
    try:
        os.link(base, beside)
    except OSError:
        shutil.copyfile(base, beside)
    beside.replace(own)
    beside.unlink(missing_ok=True)  # between two links to one file, replace does nothing
    return own


def tidy(folder: Path) -> None:
    """Keep the compiled sets that were used last."""
    with suppress(FileNotFoundError):  # another process tidies too
        found = sorted(folder.glob("*.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in found[_KEPT_SETS:]:
            old.unlink(missing_ok=True)
