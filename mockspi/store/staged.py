"""Exchanges that one of several processes answered, kept until those of the others can be put in order with them.

Each process stages what it answered in groups; whoever reads, or has staged enough, merges them into the journals by the
moment of the machine's monotonic clock at which they were noted: a call that began after the answer to another comes after it.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from operator import attrgetter

from mockspi.store.happened import Happened, insert, skip
from mockspi.store.rows import Row

TABLE = """
CREATE TABLE IF NOT EXISTS staging (
    id INTEGER PRIMARY KEY, sandbox TEXT NOT NULL, first INTEGER NOT NULL, moments BLOB NOT NULL,
    contract TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, findings TEXT NOT NULL,
    milliseconds REAL NOT NULL, facts TEXT NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL)
"""
_PUT = (
    "INSERT INTO staging (sandbox, first, moments, contract, path, status, findings, milliseconds, facts, request, reply) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_row = attrgetter("contract", "path", "status", "findings", "milliseconds", "facts", "request", "reply")
_MEANT = "FROM staging WHERE first <= ?1 AND sandbox = coalesce(?2, sandbox)"
_ANY = f"SELECT 1 {_MEANT} LIMIT 1"
_ALL = f"SELECT id, sandbox, moments, contract, path, status, findings, 0, 0, milliseconds, facts, request, reply {_MEANT}"
_LEAVE = "UPDATE staging SET first = ?, moments = ? WHERE id = ?"
_DROP = "DELETE FROM staging WHERE id = ?"
_at = attrgetter("at")

Group = tuple[str, Sequence[Happened], int]  #: a sandbox, some of its exchanges, and how many were dropped before them


def put(connection: sqlite3.Connection, groups: Iterable[Group]) -> None:
    """Keep groups of exchanges; those that share a row are kept as one, with the moments of each."""
    for name, happened, skipped in groups:
        if skipped:
            skip(connection, name, skipped)
        alike: dict[int, tuple[Row, array[int]]] = {}
        for one in happened:
            alike.setdefault(id(one.row), (one.row, array("q")))[1].extend((one.at, one.time, one.clock))
        connection.executemany(_PUT, [(name, moments[0], moments.tobytes(), *_row(row)) for row, moments in alike.values()])


def waits(connection: sqlite3.Connection, sandbox: str | None, until: int) -> bool:
    """Whether something (of a sandbox, or of any) is here that happened until then."""
    return bool(connection.execute(_ANY, (until, sandbox)).fetchone())


def merge(connection: sqlite3.Connection, sandbox: str | None, until: int, most: int) -> dict[str, int]:
    """Bring what is here (of a sandbox, or of all) and happened until then into the journals, ``most`` for each; how many
    those are, by sandbox.
    """
    found: dict[str, list[Happened]] = {}
    left, gone = [], []
    for id_, name, moments, *told in connection.execute(_ALL, (until, sandbox)):
        row, later = Row(*told), array("q")
        times = array("q", moments)
        for at, time, clock in zip(times[::3], times[1::3], times[2::3], strict=True):
            if at <= until:
                found.setdefault(name, []).append(Happened(row, time, clock, at))
            else:
                later.extend((at, time, clock))
        if later:
            left.append((later[0], later.tobytes(), id_))
        else:
            gone.append((id_,))
    connection.executemany(_LEAVE, left)
    connection.executemany(_DROP, gone)
    for name, happened in found.items():
        happened.sort(key=_at)
        over = max(0, len(happened) - most)
        insert(connection, name, happened[over:], over)
    return {name: min(len(happened), most) for name, happened in found.items()}
