"""Searches as statements, over both layers: what a sandbox wrote, and the fixture set below it.

A statement is made once for each kind of question and sees one state, whatever is written meanwhile. The records of a fixture
set have ranks, which are their collection's order, and its terms lead to those: the first of many are found, and all are
counted, without a look at any record that is not told.
"""

from __future__ import annotations

from functools import lru_cache

from mockspi.exchange import Json
from mockspi.store.base import Collection, Criterion

_LAST = "\U0010ffff"  #: the greatest letter
_EQUAL = "value IN "
_KINDS = 256  #: kinds of questions whose statements are kept
_HIDDEN = (
    "SELECT 1 FROM main.records o WHERE o.sandbox = :sandbox AND o.collection = {record}.collection AND o.key = {record}.key"
)
_UNHIDDEN = (
    "(NOT EXISTS (SELECT 1 FROM main.records WHERE sandbox = :sandbox AND collection = :collection) OR NOT EXISTS ("
    "SELECT 1 FROM base.ranks k CROSS JOIN base.records b ON b.id = k.id CROSS JOIN main.records o ON o.sandbox = :sandbox "
    "AND o.collection = b.collection AND o.key = b.key WHERE k.rank = t.rank))"
)
_BODY = (
    "CASE layer WHEN 0 THEN (SELECT body FROM main.records WHERE id = p.id) "
    "ELSE (SELECT body FROM base.records WHERE id = p.id) END"
)


@lru_cache(_KINDS)
def whole(tests: tuple[str, ...]) -> str:
    """The bodies of all that meet the tests."""
    base = (
        f"SELECT b.body, b.sort, b.key FROM ({_base(tests)}) f CROSS JOIN base.ranks k ON k.rank = f.rank "
        "CROSS JOIN base.records b ON b.id = k.id"
        if tests
        else f"SELECT b.body, b.sort, b.key FROM base.records b WHERE {_all()}"
    )
    return f"SELECT body FROM ({_own(tests, 'r.body')} UNION ALL {base}) ORDER BY sort, key"


@lru_cache(_KINDS)
def counted(tests: tuple[str, ...]) -> str:
    """How many there are."""
    base = _base(tests) if tests else f"SELECT 1 FROM base.records b WHERE {_all()}"
    return f"SELECT (SELECT count(*) FROM ({_own(tests, 'r.id')})) + (SELECT count(*) FROM ({base}))"


@lru_cache(_KINDS)
def page(tests: tuple[str, ...]) -> str:
    """The bodies of some, each with the number of all: from ``:offset`` on, at most ``:limit``."""
    first = (
        f"SELECT 1, b.id, b.sort, b.key FROM (SELECT rank FROM ({_base(tests)}) ORDER BY rank LIMIT :limit + :offset) f "
        "CROSS JOIN base.ranks k ON k.rank = f.rank CROSS JOIN base.records b ON b.id = k.id"
        if tests
        else f"SELECT * FROM (SELECT 1, b.id, b.sort, b.key FROM base.records b WHERE {_all()} "
        "ORDER BY b.sort, b.key LIMIT :limit + :offset)"
    )
    found = f"SELECT 0 AS layer, {_own(tests, 'r.id').removeprefix('SELECT ')} UNION ALL {first}"
    paged = f"SELECT layer, id FROM ({found}) ORDER BY sort, key LIMIT :limit OFFSET :offset"
    return f"SELECT {_BODY}, ({counted(tests)}) FROM ({paged}) p"


def _own(tests: tuple[str, ...], told: str) -> str:
    """What a sandbox wrote: one column, and the order."""
    where = "FROM main.terms WHERE sandbox = :sandbox AND collection = :collection AND"
    first = "".join(f"AND r.id IN (SELECT id {where} {one})" for one in tests[:1])
    by = "+" if tests else ""  # + keeps SQLite from scanning the collection where the tests give ids
    return (
        f"SELECT {told}, r.sort, r.key FROM main.records r WHERE {by}r.sandbox = :sandbox AND {by}r.collection = :collection "
        f"AND r.body IS NOT NULL {first} {_further(tests, 'id', where, 'r')}"
    )


def _base(tests: tuple[str, ...]) -> str:
    """The ranks of what is in the fixture set and not hidden."""
    further = _further(tests, "rank", "FROM base.terms WHERE collection = :collection AND", "t")
    return f"SELECT DISTINCT t.rank FROM base.terms t WHERE t.collection = :collection AND {tests[0]} {further} AND {_UNHIDDEN}"


def _further(tests: tuple[str, ...], column: str, where: str, found: str) -> str:
    """The tests after the first: whether a value is there is looked up for what was found, however many records have it."""
    return " ".join(
        f"AND EXISTS (SELECT 1 {where} {one} AND {column} = {found}.{column})"
        if _EQUAL in one
        else f"AND {found}.{column} IN (SELECT {column} {where} {one})"
        for one in tests[1:]
    )


def _all() -> str:
    return f"b.collection = :collection AND NOT EXISTS ({_HIDDEN.format(record='b')})"


def conditions(kind: Collection, criteria: tuple[Criterion, ...]) -> tuple[tuple[str, ...], Json]:
    """Criteria as tests on terms, the most telling first, and what they bind."""
    bound: Json = {}

    def named(value: str) -> str:
        bound[f"v{len(bound)}"] = value
        return f":v{len(bound) - 1}"

    def test(criterion: Criterion) -> str:
        fold = kind.term(criterion.term).fold
        wanted, term = list(map(fold, criterion.values)), f"term = {named(criterion.term)}"
        if criterion.starts:
            ranges = [f"(value >= {named(start)} AND value < {named(start + _LAST)})" for start in wanted]
            return f"{term} AND ({' OR '.join(ranges)})"
        if wanted:
            return f"{term} AND {_EQUAL}({', '.join(map(named, wanted))})"
        bounds = (("value >=", criterion.low), ("value <=", criterion.high))
        used = [f"{compared} {named(fold(value))}" for compared, value in bounds if value is not None]
        return " AND ".join([term, *used])

    return tuple(test(one) for one in sorted(criteria, key=_vagueness)), bound


def _vagueness(criterion: Criterion) -> tuple[bool, bool]:
    """What is looked at last: beginnings, and before them bounds."""
    return criterion.starts, criterion.low is not None or criterion.high is not None
