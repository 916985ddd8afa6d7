"""What one sandbox sees, over one connection: its own records, else those of the fixture set."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Collection as Names
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any

from mockspi.exchange import Json, decode
from mockspi.store.base import Collection, Criterion, Page
from mockspi.store.lately import Lately
from mockspi.store.searching import conditions, counted, page, run, tallied, whole

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)  # dumps would make one each time
_DECODER = json.JSONDecoder()
_OWN_EACH = "SELECT sort, key, body FROM main.records WHERE sandbox = ? AND collection = ? AND body IS NOT NULL ORDER BY 1, 2"
_BASE_EACH = (
    "SELECT k.sort, k.key, b.body FROM base.collections c CROSS JOIN base.ranks k ON k.rank >= c.first AND k.rank < c.past "
    "CROSS JOIN base.records b ON b.id = k.id WHERE c.name = ? AND NOT EXISTS "
    "(SELECT 1 FROM main.records o WHERE o.sandbox = ? AND o.collection = c.name AND o.key = k.key) ORDER BY k.rank"
)
_IN_BASE = "SELECT b.body FROM base.keys k CROSS JOIN base.records b ON b.id = k.id WHERE k.collection = ? AND k.key = ?"
#: The collections in which a sandbox has written, each found by one look into the index.
_OWN = (
    "WITH RECURSIVE own (name) AS (SELECT min(collection) FROM main.records WHERE sandbox = ?1 UNION ALL SELECT (SELECT "
    "min(collection) FROM main.records WHERE sandbox = ?1 AND collection > own.name) FROM own WHERE own.name IS NOT NULL) "
    "SELECT name FROM own WHERE name IS NOT NULL"
)
_NEW = (
    "INSERT INTO main.records (sandbox, collection, key, sort, body) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (sandbox, collection, key) DO NOTHING RETURNING id"
)
_CHANGED = "UPDATE main.records SET sort = ?4, body = ?5 WHERE sandbox = ?1 AND collection = ?2 AND key = ?3 RETURNING id"
_FEW = 64  #: more records are not kept as one answer
_ALL = 2**40  #: more than there ever are


class SqliteRecords:
    """One sandbox's view over one connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        sandbox: str,
        collections: Mapping[str, Collection],
        another: Callable[[], sqlite3.Connection],
        lately: Lately | None = None,
        led: Names[str] = (),
    ) -> None:
        """``lately`` is what was read of the base before; only for who sees one state of the records."""
        self.connection = connection
        self.sandbox = sandbox
        self._collections = collections
        self._another = another
        self._lately = lately
        self._led = led  # the collections whose leading terms lead in the fixture set

    @cached_property
    def _own(self) -> set[str]:
        """The collections in which this sandbox has written."""
        return {name for (name,) in self.connection.execute(_OWN, (self.sandbox,))}

    def get(self, collection: str, key: str) -> Json | None:
        """One record by key: the sandbox's own, else the base's."""
        asked = (collection, key)
        if (lately := self._of_base(asked)) is not None:
            if known := lately.get(asked):
                return known[1][0] if known[0] else None
            bodies = [body for (body,) in self.connection.execute(_IN_BASE, asked)]
            records = lately.keep(asked, len(bodies), bodies)
            return next(iter(map(load, bodies) if records is None else records), None)
        rows = self.connection.execute(
            f"SELECT body FROM main.records WHERE sandbox = ? AND collection = ? AND key = ? UNION ALL {_IN_BASE}",
            (self.sandbox, collection, key, collection, key),
        )
        row = next(rows, None)
        rows.close()
        return load(row[0]) if row and row[0] is not None else None

    def find(self, collection: str, *criteria: Criterion, offset: int = 0, limit: int | None = None) -> Page:
        """The records that meet every criterion, in the collection's order."""
        asked = (collection, criteria, offset, limit)
        lately = self._of_base(asked)
        if lately is not None and (known := lately.get(asked)):
            return Page(*known)
        total, bodies = self._found(collection, criteria, offset, limit)
        records = lately.keep(asked, total, bodies) if lately is not None and len(bodies) <= _FEW else None
        return Page(total, list(map(load, bodies)) if records is None else records)

    def _of_base(self, asked: tuple[Any, ...]) -> Lately | None:
        """What was read of the base before, where this was asked before and the sandbox has nothing of the kind."""
        lately = self._lately
        return lately if lately is not None and lately.again(asked) and asked[0] not in self._own else None

    def _found(self, collection: str, criteria: tuple[Criterion, ...], offset: int, limit: int | None) -> tuple[int, list[str]]:
        """How many there are in all, and the bodies of some."""
        kind = self._collections[collection]
        tests, bound = conditions(kind, criteria)
        execute, values = self.connection.execute, {"sandbox": self.sandbox, "collection": collection, **bound}
        if runs := run(collection, tests, kind.leading if collection in self._led else ""):
            values["first"], values["past"] = execute(runs, values).fetchone() or (0, 0)
        asked = collection, tests, bool(runs)
        if limit is None and not offset:
            bodies = [body for (body,) in execute(whole(*asked), values)]
            return len(bodies), bodies
        rows = (
            execute(page(*asked), {**values, "limit": _ALL if limit is None else limit, "offset": offset}).fetchall()
            if limit != 0
            else []
        )
        if not rows and (offset or limit == 0):  # what is there was not asked for
            return int(execute(counted(*asked), values).fetchone()[0]), []
        total = rows[0][1] if rows else 0
        return int(total), [body for body, _ in rows]

    def tally(self, collection: str, term: str, wanted: Sequence[Any], *criteria: Criterion) -> list[int]:
        """For each of some values of a term, how many records have it and meet the criteria."""
        asked = (collection, term, tuple(wanted), criteria)
        lately = self._of_base(asked)
        if lately is not None and (known := lately.get(asked)):
            counts: list[Any] = list(known[1])
            return counts
        kind = self._collections[collection]
        first, bound = conditions(kind, (Criterion(term, tuple(wanted)),))
        others, more = conditions(kind, criteria, len(bound))
        values = {"sandbox": self.sandbox, "collection": collection, **bound, **more}
        found = dict(self.connection.execute(tallied(collection, first + others), values)) if wanted else {}
        counts = [int(found.get(kind.term(term).fold(one), 0)) for one in wanted]
        if lately is not None:
            lately.keep(asked, 0, map(str, counts))
        return counts

    def each(self, collection: str) -> Generator[Json]:
        """The records in the collection's order, read one by one: all of one state, that of the first that is asked for."""
        with closing(self._another()) as connection:
            connection.execute("BEGIN")
            own = connection.execute(_OWN_EACH, (self.sandbox, collection))
            base = connection.execute(_BASE_EACH, (collection, self.sandbox))
            yield from (load(body) for _, _, body in heapq.merge(own, base))

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
        if "_own" in self.__dict__:
            self._own.add(kind.name)
        values = (self.sandbox, kind.name, key, kind.order(record) if record else "", dump(record) if record else None)
        row = run(_NEW, values).fetchone()
        if row is None:
            row = run(_CHANGED, values).fetchone()
            run("DELETE FROM main.terms WHERE id = ?", row)
        if record:
            self.connection.executemany(
                "INSERT INTO main.terms (sandbox, collection, term, value, id) VALUES (?, ?, ?, ?, ?)",
                [(self.sandbox, kind.name, term.name, value, *row) for term in kind.terms for value in term.of(record)],
            )


def dump(record: Json) -> str:
    """A record as it is stored."""
    return _ENCODER.encode(record)


def load(body: str) -> Json:
    """A record that was stored so."""
    try:
        record: Json = decode(body.encode())
    except ValueError:
        record = _DECODER.raw_decode(body)[0]
    return record
