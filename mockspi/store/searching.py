"""Searches as statements, over both layers: what a sandbox wrote, and the fixture set below it.

A statement is made once for each kind of question and sees one state, whatever is written meanwhile. The records of a fixture
set have ranks, which are their collection's order, and its terms lead to those: the first of many are found, and all are
counted, without a look at any record that is not told.

The records whose order begins with what is asked are a run of ranks, from ``:first`` to before ``:past``: nothing is counted then
but what the sandbox hides of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mockspi.exchange import Json
from mockspi.store.base import Collection, Criterion

_LAST = "\U0010ffff"  #: the greatest letter
_KINDS = 256  #: kinds of questions whose statements are kept
_FEW = 200  #: records of which it is looked up whether the sandbox hides them; else what it wrote is gone through
_OWN = "FROM main.terms WHERE sandbox = :sandbox AND collection = :collection AND term ="
_HIDDEN = "SELECT 1 FROM main.records o WHERE o.sandbox = :sandbox AND o.collection = :collection AND o.key = k.key"
_UNHIDDEN = (
    "(NOT EXISTS (SELECT 1 FROM main.records WHERE sandbox = :sandbox AND collection = :collection) OR NOT EXISTS ("
    "SELECT 1 FROM base.ranks k CROSS JOIN main.records o ON o.sandbox = :sandbox "
    "AND o.collection = :collection AND o.key = k.key WHERE k.rank = t.rank))"
)
_RUN = "FROM base.ranks k WHERE k.rank >= :first AND k.rank < :past"
_HIDDEN_OF_RUN = (
    f"CASE WHEN :past - :first < {_FEW} THEN (SELECT count(*) {_RUN} AND EXISTS ({_HIDDEN})) ELSE ("
    "SELECT count(*) FROM main.records o CROSS JOIN base.keys k ON k.collection = o.collection AND k.key = o.key "
    "WHERE o.sandbox = :sandbox AND o.collection = :collection AND k.rank >= :first AND k.rank < :past) END"
)
_BODY = (
    "CASE layer WHEN 0 THEN (SELECT body FROM main.records WHERE id = p.id) "
    "ELSE (SELECT body FROM base.records WHERE id = p.id) END"
)


class Test(NamedTuple):
    """A criterion as a condition on the values of a term."""

    term: str
    named: str  #: the parameter that holds the term's name
    meets: str
    values: int = 0  #: how many, where it is one of some
    start: tuple[str, str] | None = None  #: the parameters between which it holds, where it is one beginning

    @property
    def own(self) -> str:
        """Where a sandbox's own are."""
        return f"{_OWN} {self.named} AND {self.meets}"


@lru_cache(_KINDS)
def whole(collection: str, tests: tuple[Test, ...], runs: bool) -> str:
    """The bodies of all that meet the tests."""
    found = f"{_RUN} AND NOT EXISTS ({_HIDDEN})"
    if not runs:
        found = f"FROM ({_base(collection, tests)}) f CROSS JOIN base.ranks k ON k.rank = f.rank"
    base = f"SELECT (SELECT body FROM base.records WHERE id = k.id) AS body, k.sort, k.key {found}"
    return f"SELECT body FROM ({_own(tests, 'r.body')} UNION ALL {base}) ORDER BY sort, key"


@lru_cache(_KINDS)
def counted(collection: str, tests: tuple[Test, ...], runs: bool) -> str:
    """How many there are."""
    base = f":past - :first - ({_HIDDEN_OF_RUN})" if runs else f"(SELECT count(*) FROM ({_base(collection, tests)}))"
    return f"SELECT (SELECT count(*) FROM ({_own(tests, 'r.id')})) + {base}"


@lru_cache(_KINDS)
def page(collection: str, tests: tuple[Test, ...], runs: bool) -> str:
    """The bodies of some, each with the number of all: from ``:offset`` on, at most ``:limit``."""
    ranks = f"SELECT k.rank {_RUN} AND NOT EXISTS ({_HIDDEN})" if runs else _base(collection, tests)
    first = (
        f"SELECT 1, k.id, k.sort, k.key FROM (SELECT rank FROM ({ranks}) ORDER BY rank LIMIT :limit + :offset) f "
        "CROSS JOIN base.ranks k ON k.rank = f.rank"
    )
    found = f"SELECT 0 AS layer, {_own(tests, 'r.id').removeprefix('SELECT ')} UNION ALL {first}"
    paged = f"SELECT layer, id FROM ({found}) ORDER BY sort, key LIMIT :limit OFFSET :offset"
    return f"SELECT {_BODY}, ({counted(collection, tests, runs)}) FROM ({paged}) p"


@lru_cache(_KINDS)
def tallied(collection: str, tests: tuple[Test, ...]) -> str:
    """The values of the first test's term that meet it, and how many records have each and meet the other tests."""
    first, *others = tests
    own = f"SELECT t.value {_OWN.replace('terms', 'terms t')} {first.named} AND {first.meets} {_further(others, 'id', 't')}"
    return (
        f"SELECT value, count(*) FROM ({own} UNION ALL SELECT t.value FROM base.{collection}_{first.term} t "
        f"WHERE {first.meets} {_further(others, 'rank', 't', collection)} AND {_UNHIDDEN}) GROUP BY value"
    )


@lru_cache(_KINDS)
def run(collection: str, tests: tuple[Test, ...], leading: str) -> str | None:
    """What gives the bounds of the run of ranks that meets the tests, if there is one."""
    of_all = "SELECT first, past FROM base.collections WHERE name = :collection"
    if not tests:
        return of_all
    if len(tests) > 1 or tests[0].term != leading or not tests[0].start:
        return None
    least = f"SELECT rank FROM base.{collection}_{leading} WHERE value >= {{}} ORDER BY value, rank LIMIT 1"
    first, past = (f"coalesce(({least.format(bound)}), past)" for bound in tests[0].start)
    return of_all.replace("first, past", f"{first}, {past}")


def _own(tests: tuple[Test, ...], told: str) -> str:
    """What a sandbox wrote: one column, and the order."""
    first = "".join(f"AND r.id IN (SELECT id {one.own})" for one in tests[:1])
    by = "+" if tests else ""  # + keeps SQLite from scanning the collection where the tests give ids
    return (
        f"SELECT {told}, r.sort, r.key FROM main.records r WHERE {by}r.sandbox = :sandbox AND {by}r.collection = :collection "
        f"AND r.body IS NOT NULL {first} {_further(tests[1:], 'id', 'r')}"
    )


def _base(collection: str, tests: tuple[Test, ...]) -> str:
    """The ranks of what is in the fixture set and not hidden."""
    first, *others = tests
    each = "" if first.values == 1 else "DISTINCT "
    further = _further(others, "rank", "t", collection)
    return f"SELECT {each}t.rank FROM base.{collection}_{first.term} t WHERE {first.meets} {further} AND {_UNHIDDEN}"


def _further(tests: Iterable[Test], column: str, found: str, collection: str = "") -> str:
    """The tests after the first: whether a value is there is looked up for what was found, however many records have it."""
    parts = []
    for one in tests:
        where = f"FROM base.{collection}_{one.term} WHERE {one.meets}" if collection else one.own
        if one.values:
            parts.append(f"AND EXISTS (SELECT 1 {where} AND {column} = {found}.{column})")
        else:
            parts.append(f"AND {found}.{column} IN (SELECT {column} {where})")
    return " ".join(parts)


def conditions(kind: Collection, criteria: tuple[Criterion, ...], after: int = 0) -> tuple[tuple[Test, ...], Json]:
    """Criteria as tests on terms, the most telling first, and what they bind; ``after`` so many that are bound already."""
    bound: Json = {}

    def named(value: str) -> str:
        name = f"v{after + len(bound)}"
        bound[name] = value
        return f":{name}"

    def test(criterion: Criterion) -> Test:
        fold = kind.term(criterion.term).fold
        wanted, term = list(map(fold, criterion.values)), named(criterion.term)
        if criterion.starts:
            starts = [(named(start), named(start + _LAST)) for start in wanted]
            meets = " OR ".join(f"(value >= {low} AND value < {high})" for low, high in starts)
            return Test(criterion.term, term, f"({meets})", start=starts[0] if len(starts) == 1 else None)
        if wanted:
            meets = f"value IN ({', '.join(map(named, wanted))})"
            return Test(criterion.term, term, meets, len(wanted))
        bounds = (("value >=", criterion.low), ("value <=", criterion.high))
        used = [f"{compared} {named(fold(value))}" for compared, value in bounds if value is not None]
        return Test(criterion.term, term, " AND ".join(used) or "TRUE")

    return tuple(test(one) for one in sorted(criteria, key=_vagueness)), bound


def _vagueness(criterion: Criterion) -> tuple[bool, bool]:
    """What is looked at last: beginnings, and before them bounds."""
    return criterion.starts, criterion.low is not None or criterion.high is not None
