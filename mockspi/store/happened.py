"""Exchanges that are alike, brought into the journal together."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from mockspi.store.rows import Row

_ROW_BEFORE, _ROW_AFTER = attrgetter("contract", "path", "status", "findings"), attrgetter("facts", "request", "reply")
_LEVEL = "SELECT last, total FROM journals WHERE sandbox = ?"
_SKIP = (
    "INSERT INTO journals (sandbox, last, total, dropped) VALUES (?1, ?2, 0, ?2) ON CONFLICT (sandbox) DO UPDATE "
    "SET last = last + ?2, dropped = dropped + ?2"
)
_INSERT = (
    "INSERT INTO exchanges (sandbox, number, total, contract, path, status, findings, time, clock, milliseconds, facts, "
    "request, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Happened:
    """One exchange like one that was written before: when it was answered, by the real clock, by the sandbox's, and by the
    machine's monotonic one, in nanoseconds.
    """

    row: Row
    time: int
    clock: int
    at: int


def insert(connection: sqlite3.Connection, sandbox: str, happened: Sequence[Happened], skipped: int) -> None:
    """Write them, behind some that were dropped before they were written."""
    if skipped:
        skip(connection, sandbox, skipped)
    number, total = connection.execute(_LEVEL, (sandbox,)).fetchone() or (0, 0)
    values = []
    for one in happened:
        row, number = one.row, number + 1
        total += row.size
        values.append((sandbox, number, total, *_ROW_BEFORE(row), one.time, one.clock, row.milliseconds, *_ROW_AFTER(row)))
    connection.executemany(_INSERT, values)


def skip(connection: sqlite3.Connection, sandbox: str, many: int) -> None:
    """Count exchanges that happened and are not kept."""
    connection.execute(_SKIP, (sandbox, many))
