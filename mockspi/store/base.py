"""The verbs of a store, and how a collection is declared; no database here.

A record is one JSON document in a collection. A sandbox sees the fixture set's records with its own on top:
what it writes hides the base, what it deletes leaves a tombstone, nobody else sees either.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from mockspi.exchange import Json
from mockspi.store.columns import Columns
from mockspi.store.paths import Reader, joined, reader
from mockspi.store.terms import Fold, each, exact


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a collection can be searched by: values found at dotted paths (``[]`` walks a list), folded.

    ``when`` leaves out records that nobody searches any more.
    The empty path is the record itself: its fold must leave texts, which searches bring, as they are.
    """

    name: str
    paths: tuple[str, ...]
    fold: Fold = exact
    when: Callable[[Json], bool] | None = None
    _read: Reader = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_read", joined(*map(reader, self.paths)))

    def of(self, record: Json) -> Iterable[str]:
        """The folded values of a record, each once."""
        if self.when is not None and not self.when(record):
            return ()
        values, fold = self._read(record), self.fold
        if len(values) < 2:
            return (text,) if values and (text := fold(values[0])) else ()
        return {text for one in values if (text := fold(one))}

    def column(self, columns: Columns) -> tuple[list[str | None], list[tuple[int, str]]]:
        """The same of many: the first value of each record, if it has one, and what else they have: whose, and the value."""
        if self.when is None:
            return self._column(columns)
        chosen = [index for index, one in enumerate(columns.records) if self.when(one)]
        some, further = self._column(Columns([columns.records[index] for index in chosen]))
        firsts: list[str | None] = [None] * len(columns.records)
        for index, value in zip(chosen, some, strict=True):
            firsts[index] = value
        return firsts, [(chosen[index], value) for index, value in further]

    def _column(self, columns: Columns) -> tuple[list[str | None], list[tuple[int, str]]]:
        firsts: list[str | None] = [None] * len(columns.records)
        further: dict[tuple[int, str], None] = {}
        for path in self.paths:
            owners, texts = columns.texts(path, each(self.fold))
            if path is self.paths[0] and type(owners) is range:
                firsts = [text or None for text in texts]
                continue
            for index, text in zip(owners, texts, strict=True) if any(texts) else ():
                if text and (known := firsts[index]) != text:
                    if known is None:
                        firsts[index] = text
                    else:
                        further[index, text] = None
        return firsts, list(further)

    def is_blank(self, record: Json) -> bool:
        """Whether a record has a value of which folding leaves nothing."""
        return any(not self.fold(one) for one in self._read(record))


@dataclass(frozen=True, slots=True)
class Order:
    """Records come by one value after the other, each folded."""

    parts: tuple[tuple[str, Fold], ...] = ()  #: paths

    def __call__(self, record: Json) -> str:
        """A record's place, as a text."""
        return "\x01".join(fold(found[0]) if (found := reader(path)(record)) else "" for path, fold in self.parts)

    def column(self, columns: Columns) -> list[str]:
        """The same of many."""
        found = [[text or "" for text in columns.folded(path, each(fold))] for path, fold in self.parts]
        return list(map("\x01".join, zip(*found, strict=True))) if found else [""] * len(columns.records)


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind of record: its name, the dotted paths that make its key, what it can be searched by, its order."""

    name: str
    key: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    order: Callable[[Json], str] = Order()
    unique: tuple[str, ...] = ()  #: terms that no two records may share
    leading: str = ""  #: the term whose value the order begins with

    def key_of(self, record: Json) -> str:
        """The record's key; several parts are joined with ``|``."""
        found = [str(values[0]) if (values := reader(path)(record)) else "" for path in self.key]
        return found[0] if len(found) == 1 else "|".join(found)

    def keys(self, columns: Columns) -> list[str]:
        """The keys of many."""
        found = [["" if one is None else str(one) for one in columns.at(path)] for path in self.key]
        return found[0] if len(found) == 1 else list(map("|".join, zip(*found, strict=True)))

    def orders(self, columns: Columns) -> list[str]:
        """The orders of many."""
        return self.order.column(columns) if isinstance(self.order, Order) else list(map(self.order, columns.records))

    @property
    def apart(self) -> tuple[Term, ...]:
        """The terms but one that is the key."""
        return tuple(one for one in self.terms if (one.paths, one.fold, one.when) != (self.key, exact, None))

    def term(self, name: str) -> Term:
        """The term with this name."""
        for term in self.terms:
            if term.name == name:
                return term
        raise KeyError(name)


class Criterion(NamedTuple):
    """A condition on one term: any of these values, values that start with one, or values within bounds."""

    term: str
    values: tuple[Any, ...] = ()
    starts: bool = False
    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the records that were found, and how many there are in all."""

    total: int
    records: Sequence[Json]


class Readable(Protocol):
    """Records that can be read."""

    def get(self, collection: str, key: str) -> Json | None:
        """One record by key."""

    def find(self, collection: str, *criteria: Criterion, offset: int = 0, limit: int | None = None) -> Page:
        """The records that meet every criterion, in the collection's order."""


class Records(Readable, Protocol):
    """One sandbox's view. Reads see its own writes at once; writes belong inside ``Store.write``."""

    def tally(self, collection: str, term: str, wanted: Sequence[Any], *criteria: Criterion) -> list[int]:
        """For each of some values of a term, how many records have it and meet the criteria."""

    def each(self, collection: str) -> Generator[Json]:
        """The records in the collection's order, read one by one: all of one state, that of the first that is asked for.

        It outlives the view, any thread may go on with it, and it must be closed. What the view wrote is not in it.
        """

    def put(self, collection: str, record: Json) -> None:
        """Write a record under its own key, new or not."""

    def delete(self, collection: str, key: str) -> None:
        """Remove a record; a missing one is no error."""

    def part(self) -> AbstractContextManager[None]:
        """A part of the change: an exception undoes what was written in it, and no more."""

    def next_number(self) -> int:
        """1, 2, 3, ... for each sandbox; part of the change that asks."""


class Remembered:
    """Records that are read once each: for a computation that must see one state, and does not write."""

    def __init__(self, records: Readable) -> None:
        self._records = records
        self._known: dict[Any, Any] = {}

    def get(self, collection: str, key: str) -> Json | None:
        """One record by key."""
        wanted = (collection, key)
        if wanted not in self._known:
            self._known[wanted] = self._records.get(collection, key)
        found: Json | None = self._known[wanted]
        return found

    def find(self, collection: str, *criteria: Criterion, offset: int = 0, limit: int | None = None) -> Page:
        """The records that meet every criterion, in the collection's order."""
        wanted = (collection, criteria, offset, limit)
        if wanted not in self._known:
            self._known[wanted] = self._records.find(collection, *criteria, offset=offset, limit=limit)
        found: Page = self._known[wanted]
        return found


class Store(Protocol):
    """Opens a sandbox's records for reading, or for one all-or-nothing change."""

    def read(self, sandbox: str) -> Records:
        """The records as they are now."""

    def view(self, sandbox: str) -> AbstractContextManager[Records]:
        """One state of the records, that of the first read, whatever is written meanwhile."""

    def write(self, sandbox: str) -> AbstractContextManager[Records]:
        """One transaction: no other writer until it ends; an exception undoes it."""

    def reset(self, sandbox: str | None = None) -> int:
        """Drop what a sandbox (or every one) has written; how many records that were."""

    def copy(self, source: str, target: str, *, keep_empty: bool = False) -> int:
        """Make what a sandbox sees the same as what another sees; ``keep_empty`` remembers that there was nothing."""

    def written(self, sandbox: str) -> tuple[int, list[tuple[str, str, Json | None]]]:
        """How many ids a sandbox gave, and what it wrote: collection, key and record (None where it was deleted)."""

    def fill(self, sandbox: str, number: int, records: Iterable[tuple[str, str, Json | None]]) -> None:
        """Write what ``written`` told, in one change."""

    def snapshots(self, start: str) -> list[str]:
        """The names that start so and under which something is kept, whether or not it holds records."""

    def sandboxes(self) -> dict[str, int]:
        """The sandboxes that have written something, and how many records each."""
