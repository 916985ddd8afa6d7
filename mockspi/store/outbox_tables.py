"""The outbox as it is on disk; what works with it is imported when there is something to send."""

from __future__ import annotations

from pathlib import Path

from mockspi.errors import UsageError
from mockspi.store.stamps import Stamps, slot, stamps_beside
from mockspi.store.turns import Turns

_STAMP = "outbox"
_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, space TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL, store TEXT NOT NULL,
    at INTEGER NOT NULL, ordered TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, id TEXT NOT NULL, event INTEGER NOT NULL,
    endpoint TEXT NOT NULL, url TEXT NOT NULL, lane TEXT NOT NULL, behind INTEGER NOT NULL,
    target TEXT NOT NULL, secrets TEXT, trouble TEXT NOT NULL,
    repost TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'waiting', reason TEXT NOT NULL DEFAULT '',
    due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, status INTEGER, done INTEGER, owner TEXT, leased INTEGER,
    UNIQUE (space, id));
CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries (space, due, number) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_lanes ON deliveries (space, lane, number) WHERE lane <> '';
CREATE INDEX IF NOT EXISTS deliveries_held ON deliveries (owner) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_done ON deliveries (space, done) WHERE done IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_reposts ON deliveries (space, repost) WHERE repost <> '';
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, method TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL, size INTEGER NOT NULL, answered INTEGER NOT NULL DEFAULT 0, status INTEGER,
    reply_headers TEXT NOT NULL DEFAULT '[]', reply BLOB, reply_size INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    milliseconds INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery);
CREATE TABLE IF NOT EXISTS disabled (
    space TEXT NOT NULL, url TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (space, url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (space TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
_WAITING = "SELECT 1 FROM deliveries WHERE state = 'waiting' LIMIT 1"


def opened(path: Path) -> Turns:
    """Who writes to it when."""
    return Turns(path, durable=True, synced=True)


def wake(stamps: Stamps) -> None:
    """Have who sends look into the outbox; done before a commit, so that nothing waits unseen if its writer is killed."""
    stamps.move(_STAMP)


def is_used(stamps: Stamps) -> bool:
    """Whether something is to be sent, was since the server started, or is just being put in."""
    return stamps.cells[slot(_STAMP)] != 0


def prepare(path: Path) -> None:
    """Make the file, which only its owner may read, before several processes ask for it at once; leaves nothing open.

    UsageError where that cannot be.
    """
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        why = f"{error.strerror}; it must be yours alone, so name another folder with --state"
        raise UsageError(f"the file {path} cannot be used: {why}") from error
    turns = opened(path)
    with turns.turn() as connection:
        connection.executescript(_TABLES)
        waiting = connection.execute(_WAITING).fetchone()
    turns.close()
    stamps = stamps_beside(path)
    stamps.cells[slot(_STAMP)] = 0
    if waiting:
        wake(stamps)
