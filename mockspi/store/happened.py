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
    "INSERT INTO journals (sandbox, last, total, dropped) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (sandbox) DO UPDATE "
    "SET last = ?2, dropped = dropped + ?4"
)
_INSERT = (
    "INSERT INTO exchanges (sandbox, number, total, contract, path, status, findings, time, clock, milliseconds, facts, "
    "request, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Happened:
    """One exchange like one that was written before: when it was answered, by the real clock and by the sandbox's."""

    row: Row
    time: int
    clock: int


def insert(connection: sqlite3.Connection, sandbox: str, happened: Sequence[Happened], skipped: int) -> int:
    """Write them in one transaction, behind some that were dropped before they were written; the number of the last."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        number, total = connection.execute(_LEVEL, (sandbox,)).fetchone() or (0, 0)
        if skipped:
            number += skipped
            connection.execute(_SKIP, (sandbox, number, total, skipped))
        values = []
        for one in happened:
            row, number = one.row, number + 1
            total += row.size
            values.append((sandbox, number, total, *_ROW_BEFORE(row), one.time, one.clock, row.milliseconds, *_ROW_AFTER(row)))
        connection.executemany(_INSERT, values)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return int(number)
