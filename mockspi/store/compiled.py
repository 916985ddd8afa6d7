"""A fixture set compiled into a read-only SQLite file, once per content; a second start only opens it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.store.base import Collection, Term
from mockspi.store.batches import Batch
from mockspi.store.records import dump

_KEPT_SETS, _KEPT_NOTES = 16, 64

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -65536;
CREATE TABLE records (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, sort TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE ranks (rank INTEGER PRIMARY KEY, id INTEGER NOT NULL);
CREATE TABLE terms (collection TEXT NOT NULL, term TEXT NOT NULL, value TEXT NOT NULL, rank INTEGER NOT NULL,
    PRIMARY KEY (collection, term, value, rank)) WITHOUT ROWID;
CREATE TABLE texts (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
_INDEXES = (
    "CREATE UNIQUE INDEX records_key ON records (collection, key)",
    "CREATE INDEX records_sort ON records (collection, sort, key)",
    "INSERT INTO ranks (id) SELECT id FROM records ORDER BY collection, sort, key",
    "CREATE TEMP TABLE ranked AS SELECT id, rank FROM ranks ORDER BY id",  # their rows are numbered as the records are
)
_TWICE = "SELECT 1 FROM terms WHERE collection = ? AND term = ? GROUP BY value HAVING count(*) > 1"


class Shared(UsageError):
    """Two records have the same key, or the same of what only one may have."""


def compile_set(
    target: Path,
    collections: Mapping[str, Collection],
    batches: Iterable[Batch],
    texts: Mapping[str, Json],
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Write a base file: the records, and by name what else is served from the set.

    It appears when it is whole; before that nobody opens it again, so nothing is synced or journaled. ``progress`` is told
    what share of the work is done that follows the last record.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
            connection.executescript(_TABLES)
            connection.execute("BEGIN")
            filled = _fill(connection, collections, batches)
            for statement in _INDEXES:
                connection.execute(statement)
            terms = [(collections[name], term) for name in sorted(filled) for term in collections[name].terms]
            whole, done = sum(filled[kind.name] for kind, _ in terms), 0
            for kind, term in sorted(terms, key=lambda one: (one[0].name, one[1].name)):
                _order(connection, kind, term)
                done += filled[kind.name]
                progress(done / whole)
            connection.executemany("INSERT INTO texts VALUES (?, ?)", [(name, dump(text)) for name, text in texts.items()])
            connection.execute("COMMIT")
        Path(beside).replace(target)
    except sqlite3.IntegrityError as error:
        raise Shared(f"two records of the fixture set are the same: {error}") from error
    except sqlite3.Error as error:
        raise UsageError(f"the compiled fixture set {target} cannot be written: {error}") from error
    finally:
        Path(beside).unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, collections: Mapping[str, Collection], batches: Iterable[Batch]) -> dict[str, int]:
    """Write the records, and for each collection loose rows with a column for each of its terms; how many records each has."""
    filled, blank = dict[str, int](), set[tuple[str, str]]()
    whole = 0
    for name, rows, loose, blanks in batches:
        columns = list(map(_column, collections[name].terms))
        if name not in filled:
            connection.execute(f"CREATE TEMP TABLE loose_{name} ({', '.join(['id INTEGER', *columns])})")
        for one in blanks:  # nobody can look for it, and yet it may be there but once
            if (name, one) in blank:
                raise Shared(f"two records of the fixture set have a {one} of which nothing is left when compared")
            blank.add((name, one))
        connection.executemany("INSERT INTO records (collection, key, sort, body) VALUES (?, ?, ?, CAST(? AS TEXT))", rows)
        connection.executemany(f"INSERT INTO loose_{name} VALUES (? + {whole + 1}{', ?' * len(columns)})", loose)
        filled[name] = filled.get(name, 0) + len(rows)
        whole += len(rows)
    return filled


def _order(connection: sqlite3.Connection, kind: Collection, term: Term) -> None:
    """Put the loose values of a term into their order, which is that of the table, so that it only grows at its end."""
    value, these = _column(term), (kind.name, term.name)
    connection.execute(
        f"INSERT INTO terms SELECT ?, ?, {value}, ranked.rank FROM loose_{kind.name} loose CROSS JOIN ranked "
        f"ON ranked.rowid = loose.id WHERE {value} IS NOT NULL ORDER BY {value}, rank",
        these,
    )
    if term.name in kind.unique and connection.execute(_TWICE, these).fetchone():
        raise Shared(f"two records of the fixture set have the same {term.name}")


def _column(term: Term) -> str:
    return f"of_{term.name}"


def count(base: Path) -> int:
    """How many records a compiled set has."""
    with _opened(base) as connection:
        return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])


def lacking(base: Path, wanted: Mapping[str, Iterable[str]]) -> bool:
    """Whether a compiled set lacks any record of those that are wanted: collection, then keys."""
    with _opened(base) as connection:
        look = "SELECT 1 FROM records WHERE collection = ? AND key = ?"
        return any(connection.execute(look, (name, key)).fetchone() is None for name, keys in wanted.items() for key in keys)


def texts_of(base: Path) -> dict[str, Json]:
    """What a compiled set holds beside its records."""
    with _opened(base) as connection:
        return {name: json.loads(body) for name, body in connection.execute("SELECT name, body FROM texts")}


@contextmanager
def _opened(base: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(base))}?mode=ro&immutable=1", uri=True)) as connection:
            yield connection
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


def staged(target: Path) -> Path:
    """Where this process makes a compiled set before anybody may open it."""
    return target.with_name(f".{target.name}.{os.getpid()}.staged")


def tidy(folder: Path) -> None:
    """Keep the compiled sets that were used last, and what was noted last; what killed processes left half made goes."""
    for path in folder.glob(".*.staged*"):
        with suppress(ValueError, PermissionError):
            try:
                os.kill(int(path.name.partition(".staged")[0].rpartition(".")[2]), 0)
            except ProcessLookupError:
                path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # another process tidies too
        for names, kept in (("*.sqlite", _KEPT_SETS), ("*.json", _KEPT_NOTES)):
            found = sorted(folder.glob(names), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in found[kept:]:
                old.unlink(missing_ok=True)
