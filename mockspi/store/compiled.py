"""A fixture set compiled into a read-only SQLite file, once per content; a second start only opens it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.store.aside import Aside, declare, keys, put, table_of
from mockspi.store.base import Collection, Term
from mockspi.store.batches import Batch
from mockspi.store.records import dump

Ordered = Callable[[Iterable[tuple[Collection, Term]]], Iterator[Path | None]]

_KEPT_SETS, _KEPT_NOTES = 16, 64
_RANKED = 0.3  #: how much of what follows the last record is done when ranks are known

_TABLES = """
PRAGMA page_size = 8192;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA threads = 1;
CREATE TABLE records (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE ranks (rank INTEGER PRIMARY KEY, id INTEGER NOT NULL, sort TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE keys (collection TEXT NOT NULL, key TEXT NOT NULL, rank INTEGER NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (collection, key)) WITHOUT ROWID;
CREATE TABLE collections (name TEXT PRIMARY KEY, first INTEGER NOT NULL, past INTEGER NOT NULL, led INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE texts (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
_MANY = 100_000  #: records whose terms are put in order by helpers


class Shared(UsageError):
    """Two records have the same key, or the same of what only one may have."""


def compile_set(
    target: Path,
    aside: Aside,
    batches: Iterable[Batch],
    texts: Mapping[str, Json],
    progress: Callable[[float], None] = lambda share: None,
    ordered: Ordered | None = None,
) -> None:
    """Write a base file: the records, and by name what else is served from the set.

    It appears when it is whole; before that nobody opens it again, so nothing is synced or journaled. ``progress`` is told
    what share of the work is done that follows the last record. What puts terms in order elsewhere is ``ordered``.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
            connection.executescript(_TABLES)
            connection.execute("BEGIN")
            for kind in aside.collections.values():
                for term in kind.terms:
                    declare(connection, kind, term)
            connection.executemany("INSERT INTO texts VALUES (?, ?)", [(name, dump(text)) for name, text in texts.items()])
            filled = _fill(connection, aside, batches)
            connection.execute("COMMIT")
            kinds = [aside.collections[name] for name in sorted(filled)]
            with aside.attached(connection):
                ranks = _rank(connection, kinds, filled)
                progress(_RANKED)
                _order(connection, kinds, ranks, ordered, progress)
                for kind in kinds:
                    row = kind.name, *ranks[kind.name], _is_led(connection, kind, ranks[kind.name][1])
                    connection.execute("INSERT INTO collections VALUES (?, ?, ?, ?)", row)
        Path(beside).replace(target)
    except sqlite3.IntegrityError as error:
        raise Shared(f"two records of the fixture set are the same: {error}") from error
    except sqlite3.Error as error:
        raise UsageError(f"the compiled fixture set {target} cannot be written: {error}") from error
    finally:
        Path(beside).unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, aside: Aside, batches: Iterable[Batch]) -> Counter[str]:
    """Write the records; how many each collection has."""
    filled, blank = Counter[str](), set[tuple[str, str]]()
    for one in batches:
        for term in one.blank:  # nobody can look for it, and yet it may be there but once
            if (one.collection, term) in blank:
                raise Shared(f"two records of the fixture set have a {term} of which nothing is left when compared")
            blank.add((one.collection, term))
        aside(one)
        connection.executemany("INSERT INTO records VALUES (?, CAST(? AS TEXT))", zip(itertools.count(one.first), one.bodies))
        filled[one.collection] += len(one.bodies)
    return filled


def _rank(connection: sqlite3.Connection, kinds: Sequence[Collection], filled: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Give the records their ranks: by collection, the first, and what follows the last."""
    run, first, ranks = connection.execute, 1, {}
    run("BEGIN")
    for kind in kinds:
        run(f"INSERT INTO ranks (id, sort, key) SELECT id, sort, key FROM ({keys(kind)}) ORDER BY sort, key")
        ranks[kind.name] = first, (first := first + filled[kind.name])
    run("INSERT INTO aside.ranked SELECT id, rank FROM ranks ORDER BY id")
    run("COMMIT")
    return ranks


def _order(
    connection: sqlite3.Connection,
    kinds: Sequence[Collection],
    ranks: Mapping[str, tuple[int, int]],
    ordered: Ordered | None,
    progress: Callable[[float], None],
) -> None:
    """Fill the keys and the tables of the terms; those of many records, where that can be, are only copied here.

    What takes longest comes first, and is not what all wait for in the end.
    """
    filled = {name: past - first for name, (first, past) in ranks.items()}
    whole, done = sum(_work(term) * filled[kind.name] for kind in kinds for term in kind.apart) or 1, 0
    elsewhere = [kind for kind in kinds if ordered and filled[kind.name] >= _MANY]
    terms = sorted(((kind, term) for kind in elsewhere for term in kind.apart), key=lambda one: -_work(one[1]))
    results = ordered(terms) if ordered else iter(())
    connection.execute("BEGIN")
    for kind in kinds:
        told = "INSERT INTO keys SELECT ?, key, rank, id FROM ranks WHERE rank >= ? AND rank < ? ORDER BY key"
        connection.execute(told, (kind.name, *ranks[kind.name]))
        for term in () if kind in elsewhere else kind.apart:
            put(connection, kind, term)
            progress(_RANKED + (1 - _RANKED) * (done := done + _work(term) * filled[kind.name]) / whole)
    connection.execute("COMMIT")
    for (kind, term), path in zip(terms, results, strict=True):
        if path is None:
            raise Shared(f"two records of the fixture set have the same {term.name}")
        table = table_of(kind, term)
        connection.execute("ATTACH DATABASE ? AS done", (str(path),))
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM done.{table}")  # both are alike: bytes are copied
        connection.execute("DETACH DATABASE done")
        path.unlink()
        progress(_RANKED + (1 - _RANKED) * (done := done + _work(term) * filled[kind.name]) / whole)


def _work(term: Term) -> int:
    """How long a term takes beside others: of what is in lists there are several."""
    return 3 if any("[]" in path for path in term.paths) else 1


def _is_led(connection: sqlite3.Connection, kind: Collection, past: int) -> bool:
    """Whether the records that have the leading term are the last, in the order of its values."""
    if not kind.leading:
        return False
    ranks = connection.execute(f"SELECT rank FROM {table_of(kind, kind.term(kind.leading))} ORDER BY value DESC, rank DESC")
    return all(rank == past - before for before, (rank,) in enumerate(ranks, 1))


def count(base: Path) -> int:
    """How many records a compiled set has."""
    with _opened(base) as connection:
        return int(connection.execute("SELECT count(*) FROM keys").fetchone()[0])


def lacking(base: Path, wanted: Mapping[str, Iterable[str]]) -> bool:
    """Whether a compiled set lacks any record of those that are wanted: collection, then keys."""
    with _opened(base) as connection:
        look = "SELECT 1 FROM keys WHERE collection = ? AND key = ?"
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
