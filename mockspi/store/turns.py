"""One SQLite file that threads and processes write to in turns, and that nobody needs to wait for who must not."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockspi.errors import StoreBusy, StoreFull, UsageError, WouldWait

_WAIT_SECONDS, _GLANCE_SECONDS = 30.0, 0.01
_ROOM = 65_536  #: bytes on the disk without which a file cannot be opened


class Turns:
    """The connections of one process to a file, one for each thread."""

    def __init__(self, path: Path, *, durable: bool, synced: bool = False) -> None:
        self._path = path
        self._durable = durable
        self._synced = synced  #: what was committed survives the machine's power too
        self._local = threading.local()
        self._queue = threading.Lock()
        self._held = False  #: whether somebody was found to hold the file

    @contextmanager
    def turn(self, *, wait: bool = True) -> Iterator[sqlite3.Connection]:
        """Threads queue here, where they are woken at once; processes wait in SQLite.

        Who must not ``wait`` gets WouldWait where somebody holds the file, and so does who comes next, without another
        look, until somebody who waited is through.
        """
        if not wait and (self._held or not self._queue.acquire(timeout=_GLANCE_SECONDS)):
            self._held = True
            raise WouldWait
        if wait:
            self._queue.acquire()
        try:
            yield self.connection(wait=wait)
            self._held = False
        except sqlite3.OperationalError as error:
            if is_full(error):
                raise StoreFull from error
            if not is_busy(error):
                raise
            self._held = not wait
            raise StoreBusy(headers=[("Retry-After", "1")]) if wait else WouldWait from error
        finally:
            self._queue.release()

    @contextmanager
    def change(self, *, wait: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with self.turn(wait=wait) as connection, whole(connection):
            yield connection

    def close(self) -> None:
        """Let go of this thread's connections: processes that are forked must not have them."""
        for opened in self._local.__dict__.values():
            opened.close()
        self._local.__dict__.clear()

    def connection(self, *, wait: bool = True) -> sqlite3.Connection:
        """This thread's connection; readers wait for nobody."""
        name = "patient" if wait else "hasty"
        if (opened := getattr(self._local, name, None)) is None:
            opened = open_file(self._path, self._durable, _WAIT_SECONDS if wait else _GLANCE_SECONDS)
            if self._synced:
                opened.execute("PRAGMA synchronous = FULL")
                opened.execute("PRAGMA secure_delete = ON")
            setattr(self._local, name, opened)
        connection: sqlite3.Connection = opened
        return connection


@contextmanager
def whole(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing, whoever holds the file."""
    connection.execute("BEGIN IMMEDIATE")
    with _ended(connection):
        yield


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing; StoreBusy where another process holds the file for too long, StoreFull where the disk is full."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_full(error):
            raise StoreFull from error
        raise StoreBusy(headers=[("Retry-After", "1")]) from error
    with _ended(connection):
        yield


@contextmanager
def _ended(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:  # what SQLite cannot write it may have undone already
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error) and is_full(error):
            raise StoreFull from error
        raise


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds the file."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_full(error: sqlite3.Error) -> bool:
    """Whether there is no room on the disk."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def unusable(what: str, path: Path, error: sqlite3.Error) -> StoreFull | UsageError:
    """What is raised where a file of the state cannot be opened; SQLite calls a full disk an I/O error then."""
    failed = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
    if is_full(error) or (failed and shutil.disk_usage(path.parent).free < _ROOM):
        return StoreFull()
    return UsageError(f"{what} cannot be used: {error}; name another folder with --state")


def open_file(path: Path, durable: bool, wait: float = _WAIT_SECONDS) -> sqlite3.Connection:
    """A connection to a file whose readers and writers do not wait for one another.

    Of one that is not ``durable`` the newest may be lost with the machine's power, not with the process.
    """
    try:
        connection = sqlite3.connect(path, timeout=wait, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        raise unusable(f"the file {path}", path, error) from error
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection
