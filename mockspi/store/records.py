"""What one sandbox sees, over one connection: its own records, else those of the fixture set."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache

from mockspi.exchange import Json
from mockspi.store.base import Collection, Criterion, Page

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)  # dumps would make one each time
_DECODER = json.JSONDecoder()
_EACH = (
    "SELECT sort, key, body FROM main.records WHERE sandbox = ? AND collection = ? AND body IS NOT NULL UNION ALL "
    "SELECT sort, key, body FROM base.records b WHERE collection = ? AND NOT EXISTS "
    "(SELECT 1 FROM main.records o WHERE o.sandbox = ? AND o.collection = b.collection AND o.key = b.key) ORDER BY 1, 2"
)
_EQUAL = "value IN "
_BODY = (
    "CASE layer WHEN 0 THEN (SELECT body FROM main.records WHERE id = p.id) "
    "ELSE (SELECT body FROM base.records WHERE id = p.id) END"
)


class SqliteRecords:
    """One sandbox's view over one connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        sandbox: str,
        collections: Mapping[str, Collection],
        another: Callable[[], sqlite3.Connection],
    ) -> None:
        self.connection = connection
        self.sandbox = sandbox
        self._collections = collections
        self._another = another

    def get(self, collection: str, key: str) -> Json | None:
        """One record by key: the sandbox's own, else the base's."""
        rows = self.connection.execute(
            "SELECT body FROM main.records WHERE sandbox = ? AND collection = ? AND key = ? UNION ALL "
            "SELECT body FROM base.records WHERE collection = ? AND key = ?",
            (self.sandbox, collection, key, collection, key),
        )
        row = next(rows, None)
        rows.close()
        return load(row[0]) if row and row[0] is not None else None

    def find(self, collection: str, *criteria: Criterion, offset: int = 0, limit: int | None = None) -> Page:
        """The records that meet every criterion, in the collection's order."""
        kind = self._collections[collection]
        asked = [(criterion.term, *condition(kind, criterion)) for criterion in sorted(criteria, key=_vagueness)]
        tests = tuple(test for _, test, _ in asked)
        named = [(collection, term, *bound) for term, _, bound in asked]
        ours = [value for one in named for value in (self.sandbox, *one)]
        base = [value for one in named for value in one]
        values = (self.sandbox, collection, *ours, collection, *base, self.sandbox)
        if limit is None and not offset:
            bodies = self.connection.execute(_whole(tests), values).fetchall()
            return Page(len(bodies), [load(body) for (body,) in bodies])
        hits = _hits(tests)
        if limit == 0:
            return Page(self._counted(hits, values), [])
        rows = self.connection.execute(_page_of(hits), (*values, -1 if limit is None else limit, offset)).fetchall()
        total = rows[0][1] if rows else self._counted(hits, values) if offset else 0
        return Page(total, [load(body) for body, _ in rows])

    def _counted(self, hits: str, values: Sequence[str]) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM ({hits})", values).fetchone()[0])

    def each(self, collection: str) -> Generator[Json]:
        """The records in the collection's order, read one by one: all of one state, that of the first that is asked for."""
        with closing(self._another()) as connection:
            bodies = connection.execute(_EACH, (self.sandbox, collection, collection, self.sandbox))
            yield from (load(body) for _, _, body in bodies)

    def put(self, collection: str, record: Json) -> None:
        """Write a record under its own key, new or not."""
        kind = self._collections[collection]
        self._write(kind, kind.key_of(record), record)

    def delete(self, collection: str, key: str) -> None:
        """Remove a record; a missing one is no error."""
        self._write(self._collections[collection], key, None)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the change: an exception undoes what was written in it, and no more."""
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK TO part")
            raise
        finally:
            self.connection.execute("RELEASE part")

    def next_number(self) -> int:
        """1, 2, 3, ... for each sandbox; part of the change that asks."""
        row = self.connection.execute(
            "INSERT INTO numbers VALUES (?, 1) ON CONFLICT (sandbox) DO UPDATE SET number = number + 1 RETURNING number",
            (self.sandbox,),
        ).fetchone()
        return int(row[0])

    def _write(self, kind: Collection, key: str, record: Json | None) -> None:
        run = self.connection.execute
        row = run(
            "INSERT INTO main.records (sandbox, collection, key, sort, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (sandbox, collection, key) DO UPDATE SET sort = excluded.sort, body = excluded.body RETURNING id",
            (self.sandbox, kind.name, key, kind.order(record) if record else "", dump(record) if record else None),
        ).fetchone()
        run("DELETE FROM main.terms WHERE id = ?", row)
        if record:
            self.connection.executemany(
                "INSERT INTO main.terms (sandbox, collection, term, value, id) VALUES (?, ?, ?, ?, ?)",
                [(self.sandbox, kind.name, term.name, value, *row) for term in kind.terms for value in term.of(record)],
            )


@lru_cache(256)
def _hits(tests: tuple[str, ...], told: str = "id") -> str:
    """The statement that finds what meets these tests on terms, in both layers, and tells one column of it.

    The first test finds; each value of the others is looked up for what was found, however many records have it.
    """
    within = "AND r.id IN (SELECT id FROM {}.terms WHERE {}collection = ? AND term = ? AND {})"
    beside = "AND EXISTS (SELECT 1 FROM {}.terms WHERE {}collection = ? AND term = ? AND {} AND id = r.id)"
    ours, base = (
        " ".join(
            (beside if place and test.startswith(_EQUAL) else within).format(layer, scope, test)
            for place, test in enumerate(tests)
        )
        for layer, scope in (("main", "sandbox = ? AND "), ("base", ""))
    )
    by = "+" if tests else ""  # + keeps SQLite from scanning the collection where the tests give ids
    return (
        f"SELECT 0 AS layer, r.{told}, r.sort, r.key FROM main.records r WHERE {by}r.sandbox = ? AND {by}r.collection = ? "
        f"AND r.body IS NOT NULL {ours} UNION ALL "
        f"SELECT 1, r.{told}, r.sort, r.key FROM base.records r WHERE {by}r.collection = ? {base} AND NOT EXISTS "
        f"(SELECT 1 FROM main.records o WHERE o.sandbox = ? AND o.collection = r.collection AND o.key = r.key)"
    )


@lru_cache(256)
def _whole(tests: tuple[str, ...]) -> str:
    """All of it, where nobody asks for a page."""
    return f"SELECT body FROM ({_hits(tests, 'body')}) ORDER BY sort, key"


@lru_cache(256)
def _page_of(hits: str) -> str:
    """One statement, which sees one state whatever is written meanwhile."""
    paged = f"SELECT layer, id, count(*) OVER () AS total FROM ({hits}) ORDER BY sort, key LIMIT ? OFFSET ?"
    return f"SELECT {_BODY}, total FROM ({paged}) p"


def _vagueness(criterion: Criterion) -> tuple[bool, bool]:
    """What is looked at last: beginnings, and before them bounds."""
    return criterion.starts, criterion.low is not None or criterion.high is not None


def condition(kind: Collection, criterion: Criterion) -> tuple[str, list[str]]:
    """A criterion as a test on ``value``, and the folded values that it binds."""
    fold = kind.term(criterion.term).fold
    wanted = [fold(value) for value in criterion.values]
    if criterion.starts:
        tests = ["(value >= ? AND value < ?)"] * len(wanted)
        return f"({' OR '.join(tests)})", [bound for start in wanted for bound in (start, start + "\U0010ffff")]
    if wanted:
        return f"{_EQUAL}({', '.join('?' * len(wanted))})", wanted
    bounds = [("value >= ?", criterion.low), ("value <= ?", criterion.high)]
    used = [(test, fold(bound)) for test, bound in bounds if bound is not None]
    return " AND ".join(test for test, _ in used) or "1", [bound for _, bound in used]


def dump(record: Json) -> str:
    """A record as it is stored."""
    return _ENCODER.encode(record)


def load(body: str) -> Json:
    """A record that was stored so."""
    record: Json = _DECODER.raw_decode(body)[0]
    return record
