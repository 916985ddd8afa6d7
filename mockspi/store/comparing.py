"""Two compiled sets held against each other, and against what sandboxes have written; the database does the work."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

_COUNTS = """
WITH rows AS (
    SELECT n.collection, o.id IS NULL AS added, 0 AS removed, coalesce(
            (SELECT body FROM old.records WHERE id = o.id) <> (SELECT body FROM new.records WHERE id = n.id), 0) AS changed
        FROM new.keys n LEFT JOIN old.keys o ON o.collection = n.collection AND o.key = n.key
    UNION ALL SELECT o.collection, 0, 1, 0 FROM old.keys o
        WHERE NOT EXISTS (SELECT 1 FROM new.keys n WHERE n.collection = o.collection AND n.key = o.key)
    UNION ALL SELECT 'texts', 0, 0, o.body IS NOT n.body FROM new.texts n LEFT JOIN old.texts o ON o.name = n.name)
SELECT collection, sum(added), sum(removed), sum(changed) FROM rows
    GROUP BY collection HAVING sum(added) + sum(removed) + sum(changed) > 0 ORDER BY collection
"""


class Count(NamedTuple):
    """How many records of a collection there are in the new set only, in the old one only, and differently in both."""

    collection: str
    added: int
    removed: int
    changed: int


class Overlap(NamedTuple):
    """A record that a sandbox has written and that differs between two sets."""

    space: str
    collection: str
    key: str


def counts(old: Path, new: Path) -> list[Count]:
    """What differs, by collection; what is no record is counted under ``texts``."""
    with _both(old, new) as connection:
        return [Count(*row) for row in connection.execute(_COUNTS)]


def overlaps(overlay: Path, old: Path, new: Path, spaces: Collection[str], most: int) -> list[Overlap]:
    """Records that sandboxes have written otherwise than the new set has them, and that differ between the sets."""
    with _both(old, new) as connection:
        connection.execute("ATTACH DATABASE ? AS overlay", (f"file:{quote(str(overlay))}?mode=rw",))
        connection.execute("CREATE TEMP TABLE spaces (name TEXT PRIMARY KEY) WITHOUT ROWID")
        connection.executemany("INSERT INTO spaces VALUES (?)", [(name,) for name in spaces])
        rows = connection.execute(
            "SELECT w.sandbox, w.collection, w.key FROM overlay.records w JOIN spaces s ON s.name = w.sandbox "
            "LEFT JOIN old.keys ok ON ok.collection = w.collection AND ok.key = w.key LEFT JOIN old.records o ON o.id = ok.id "
            "LEFT JOIN new.keys nk ON nk.collection = w.collection AND nk.key = w.key LEFT JOIN new.records n ON n.id = nk.id "
            "WHERE o.body IS NOT n.body AND w.body IS NOT n.body ORDER BY 1, 2, 3 LIMIT ?",
            (most,),
        )
        return [Overlap(*row) for row in rows]


@contextmanager
def _both(old: Path, new: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", uri=True, isolation_level=None)) as connection:
        for name, path in (("old", old), ("new", new)):
            connection.execute(f"ATTACH DATABASE ? AS {name}", (f"file:{quote(str(path))}?mode=ro&immutable=1",))
        yield connection
