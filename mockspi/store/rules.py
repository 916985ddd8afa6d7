"""Rules of sandboxes: those posted, the scenarios that are on, and what was counted; shared by every process.

What was read is kept until a stamp says that it changed, and made into rules once: a sandbox without any costs microseconds.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic_ns

from mockspi.errors import TooManyRules
from mockspi.exchange import Json
from mockspi.rules.book import Book, posted
from mockspi.rules.matching import Rule
from mockspi.store.stamps import Standing, stamps_beside
from mockspi.store.turns import Turns

MOST_RULES, MOST_BYTES = 1_000, 16_777_216
_KEPT = 4_096
_TABLES = """
CREATE TABLE IF NOT EXISTS rules (sandbox TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revisions (one INTEGER PRIMARY KEY, revision INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS hits (
    sandbox TEXT NOT NULL, rule TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (sandbox, rule)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS windows (
    sandbox TEXT NOT NULL, rule TEXT NOT NULL, since INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (sandbox, rule)) WITHOUT ROWID;
"""


class RuleStore:
    """The rules of every sandbox of one server; ``real`` is the time from which a rule's time-to-live counts."""

    def __init__(self, path: Path, real: Callable[[], int]) -> None:
        self._turns = Turns(path, durable=True)
        self._stamps = stamps_beside(path)
        self._real = real
        self._revisions = Standing[int](self._stamps, _KEPT)
        self._ready: dict[str, tuple[int, Book, tuple[Rule, ...]]] = {}

    def prepare(self) -> None:
        """Make the file, before several processes ask for it at once."""
        with self._turns.turn() as connection:
            connection.executescript(_TABLES)
        self._turns.close()

    def active(self, sandbox: str, book: Book) -> tuple[Rule, ...]:
        """The rules of a sandbox, then those of its scenarios in a book."""
        revision = self._revision(sandbox)
        if not revision:
            return ()
        kept = self._ready.get(sandbox)
        if kept is None or kept[0] != revision or kept[1] is not book:
            if len(self._ready) >= _KEPT:
                self._ready.clear()
            kept = self._ready[sandbox] = (revision, book, _made(self.kept(sandbox), book))
        return kept[2]

    def kept(self, sandbox: str) -> Json:
        """What a sandbox has on: ``rules`` with when they came, and ``scenarios``."""
        return _read(self._turns.connection(), sandbox)

    def add(self, sandbox: str, rules: Sequence[Json]) -> None:
        """Put rules behind those that are there."""
        with self._writing(sandbox) as connection:
            kept = _read(connection, sandbox)
            kept["rules"] += [{"rule": rule, "since": self._real()} for rule in rules]
            _put(connection, sandbox, kept)

    def replace(self, sandbox: str, rules: Sequence[Json]) -> None:
        """Put rules in the place of those that are there; counting begins anew."""
        with self._writing(sandbox) as connection:
            kept = _read(connection, sandbox)
            kept["rules"] = [{"rule": rule, "since": self._real()} for rule in rules]
            _forget_counts(connection, sandbox, "")
            _put(connection, sandbox, kept)

    def use(self, sandbox: str, scenarios: Sequence[str]) -> None:
        """Put scenarios on behind those that are on; one that is on begins anew where it stands."""
        with self._writing(sandbox) as connection:
            kept = _read(connection, sandbox)
            since = {one["name"]: one["since"] for one in kept["scenarios"]} | dict.fromkeys(scenarios, self._real())
            kept["scenarios"] = [{"name": name, "since": moment} for name, moment in since.items()]
            for name in scenarios:
                _forget_counts(connection, sandbox, name)
            _put(connection, sandbox, kept)

    def clear(self, sandbox: str, scenarios: Sequence[str] | None = None) -> None:
        """Take scenarios off, all of them where none is named."""
        with self._writing(sandbox) as connection:
            kept = _read(connection, sandbox)
            gone = [one["name"] for one in kept["scenarios"] if scenarios is None or one["name"] in scenarios]
            kept["scenarios"] = [one for one in kept["scenarios"] if one["name"] not in gone]
            for name in gone:
                _forget_counts(connection, sandbox, name)
            _put(connection, sandbox, kept)

    def forget(self, sandbox: str) -> None:
        """Drop everything that a sandbox has on, and its counts."""
        with self._writing(sandbox) as connection:
            connection.execute("DELETE FROM rules WHERE sandbox = ?", (sandbox,))
            connection.execute("DELETE FROM hits WHERE sandbox = ?", (sandbox,))
            connection.execute("DELETE FROM windows WHERE sandbox = ?", (sandbox,))

    def sandboxes(self) -> list[str]:
        """Those of which something is known."""
        kept = "SELECT sandbox FROM rules UNION SELECT sandbox FROM hits UNION SELECT sandbox FROM windows"
        return [name for (name,) in self._turns.connection().execute(kept)]

    def hit(self, sandbox: str, rule: str) -> int:
        """1, 2, 3, ... for each rule, whichever process asks."""
        with self._turns.turn() as connection:
            row = connection.execute(
                "INSERT INTO hits VALUES (?, ?, 1) ON CONFLICT (sandbox, rule) DO UPDATE SET number = number + 1 "
                "RETURNING number",
                (sandbox, rule),
            )
            return int(row.fetchall()[0][0])

    def take(self, sandbox: str, rule: str, window: int, now: int) -> tuple[int, int]:
        """Count a call into the window that is open, or open one: how many those are, and since when."""
        with self._turns.turn() as connection:
            row = connection.execute(
                "INSERT INTO windows VALUES (:sandbox, :rule, :now, 1) ON CONFLICT (sandbox, rule) DO UPDATE SET "
                "number = CASE WHEN :now BETWEEN since AND since + :window - 1 THEN number + 1 ELSE 1 END, "
                "since = CASE WHEN :now BETWEEN since AND since + :window - 1 THEN since ELSE :now END RETURNING number, since",
                {"sandbox": sandbox, "rule": rule, "now": now, "window": window},
            )
            number, since = row.fetchall()[0]
        return int(number), int(since)

    def _revision(self, sandbox: str) -> int:
        if (found := self._revisions.get(sandbox)) is None:
            since = monotonic_ns()
            row = self._turns.connection().execute("SELECT revision FROM rules WHERE sandbox = ?", (sandbox,)).fetchone()
            found = self._revisions.keep(sandbox, (_stamp(sandbox),), since, row[0] if row else 0)
        return found

    @contextmanager
    def _writing(self, sandbox: str) -> Iterator[sqlite3.Connection]:
        with self._turns.change() as connection:
            yield connection
        self._stamps.move(sandbox, _stamp(sandbox))


def _stamp(sandbox: str) -> str:
    """The name of its rules alone, which stay when its records change."""
    return f"rules {sandbox}"


def _made(kept: Json, book: Book) -> tuple[Rule, ...]:
    rules = posted(kept["rules"], book.known)
    return rules + tuple(rule for one in kept["scenarios"] for rule in book.rules(one["name"], one["since"]))


def _read(connection: sqlite3.Connection, sandbox: str) -> Json:
    row = connection.execute("SELECT body FROM rules WHERE sandbox = ?", (sandbox,)).fetchone()
    kept: Json = json.loads(row[0]) if row else {"rules": [], "scenarios": []}
    return kept


def _put(connection: sqlite3.Connection, sandbox: str, kept: Json) -> None:
    body = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    if len(kept["rules"]) > MOST_RULES or len(body) > MOST_BYTES:
        raise TooManyRules(rules=MOST_RULES, bytes=MOST_BYTES)
    revision = connection.execute(
        "INSERT INTO revisions VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET revision = revision + 1 RETURNING revision"
    ).fetchall()[0][0]
    connection.execute(
        "INSERT INTO rules VALUES (?, ?, ?) ON CONFLICT (sandbox) DO UPDATE SET "
        "revision = excluded.revision, body = excluded.body",
        (sandbox, revision, body),
    )


def _forget_counts(connection: sqlite3.Connection, sandbox: str, group: str) -> None:
    """The counts of the rules that were posted (no group), or of a scenario's."""
    begins = (sandbox, len(group) + 1, f"{group}/")
    connection.execute("DELETE FROM hits WHERE sandbox = ? AND substr(rule, 1, ?) = ?", begins)
    connection.execute("DELETE FROM windows WHERE sandbox = ? AND substr(rule, 1, ?) = ?", begins)
