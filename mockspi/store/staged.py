"""Exchanges that one of several processes answered, kept until those of the others can be put in order with them.

Each process stages what it answered in groups; whoever reads, or has staged enough, merges them into the journals by the
moment of the machine's monotonic clock at which they were noted: a call that began after the answer to another comes after it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from mockspi.store.happened import COLUMNS, Happened, level, skip, told

TABLE = """
CREATE TABLE IF NOT EXISTS staged (
    id INTEGER PRIMARY KEY, sandbox TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
    contract TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, findings TEXT NOT NULL, time INTEGER NOT NULL,
    clock INTEGER NOT NULL, milliseconds REAL NOT NULL, facts TEXT NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL)
"""
_MEANT = "at <= ?1 AND sandbox = coalesce(?2, sandbox)"
_PUT = f"INSERT INTO staged (sandbox, at, size, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ANY = f"SELECT 1 FROM staged WHERE {_MEANT} LIMIT 1"
_ORDERED = f"SELECT sandbox, id, size FROM staged WHERE {_MEANT} ORDER BY at, id"
_MOVE = f"INSERT INTO exchanges (sandbox, number, total, {COLUMNS}) SELECT sandbox, ?, ?, {COLUMNS} FROM staged WHERE id = ?"
_DROP = f"DELETE FROM staged WHERE {_MEANT}"

Group = tuple[str, Sequence[Happened], int]  #: a sandbox, some of its exchanges, and how many were dropped before them


def put(connection: sqlite3.Connection, groups: Iterable[Group]) -> None:
    """Keep groups of exchanges."""
    for name, happened, skipped in groups:
        if skipped:
            skip(connection, name, skipped)
        connection.executemany(_PUT, [(name, one.at, one.row.size, *told(one)) for one in happened])


def waits(connection: sqlite3.Connection, sandbox: str | None, until: int) -> bool:
    """Whether something (of a sandbox, or of any) is here that happened until then."""
    return bool(connection.execute(_ANY, (until, sandbox)).fetchone())


def merge(connection: sqlite3.Connection, sandbox: str | None, until: int, most: int) -> dict[str, int]:
    """Bring what is here (of a sandbox, or of all) and happened until then into the journals, ``most`` for each; how many
    those are, by sandbox.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for name, *row in connection.execute(_ORDERED, (until, sandbox)):
        found.setdefault(name, []).append((row[0], row[1]))
    for name, rows in found.items():
        if len(rows) > most:
            skip(connection, name, len(rows) - most)
            del rows[:-most]
        number, total = level(connection, name)
        moved = []
        for id_, size in rows:
            number, total = number + 1, total + size
            moved.append((number, total, id_))
        connection.executemany(_MOVE, moved)
    connection.execute(_DROP, (until, sandbox))
    return {name: len(rows) for name, rows in found.items()}
