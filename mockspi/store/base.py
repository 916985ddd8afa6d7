"""The verbs of a store, and how a collection is declared; no database here.

A record is one JSON document in a collection. A sandbox sees the fixture set's records with its own on top:
what it writes hides the base, what it deletes leaves a tombstone, nobody else sees either.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, Protocol

from mockspi.exchange import Json
from mockspi.store.terms import exact

Reader = Callable[[Any], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a collection can be searched by: values found at dotted paths (``[]`` walks a list), folded.

    ``when`` leaves out records that nobody searches any more.
    The empty path is the record itself: its fold must leave texts, which searches bring, as they are.
    """

    name: str
    paths: tuple[str, ...]
    fold: Callable[[Any], str] = exact
    when: Callable[[Json], bool] | None = None
    _read: Reader = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_read", _joined(*map(reader, self.paths)))

    def of(self, record: Json) -> Iterable[str]:
        """The folded values of a record, each once."""
        if self.when is not None and not self.when(record):
            return ()
        values, fold = self._read(record), self.fold
        if len(values) < 2:
            return (text,) if values and (text := fold(values[0])) else ()
        return {text for one in values if (text := fold(one))}

    def column(self, records: Sequence[Json]) -> tuple[list[str | None], list[tuple[int, str]]]:
        """The same of many: the first value of each record, if it has one, and what else they have: whose, and the value."""
        read, fold, when = self._read, self.fold, self.when
        found = [read(one) for one in records] if when is None else [read(one) if when(one) else () for one in records]
        firsts = [fold(values[0]) or None if values else None for values in found]
        further = []
        for index, values in enumerate(found):
            if len(values) > 1:
                firsts[index], *others = dict.fromkeys(text for one in values if (text := fold(one))) or (None,)
                further += [(index, one) for one in others]
        return firsts, further

    def is_blank(self, record: Json) -> bool:
        """Whether a record has a value of which folding leaves nothing."""
        return any(not self.fold(one) for one in self._read(record))


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind of record: its name, the dotted paths that make its key, what it can be searched by, its order."""

    name: str
    key: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    order: Callable[[Json], str] = field(default=lambda record: "")
    unique: tuple[str, ...] = ()  #: terms that no two records may share
    leading: str = ""  #: the term whose value the order begins with

    def key_of(self, record: Json) -> str:
        """The record's key; several parts are joined with ``|``."""
        found = [str(values[0]) if (values := reader(path)(record)) else "" for path in self.key]
        return found[0] if len(found) == 1 else "|".join(found)

    def term(self, name: str) -> Term:
        """The term with this name."""
        for term in self.terms:
            if term.name == name:
                return term
        raise KeyError(name)


def walk(value: Any, path: str) -> Sequence[Any]:
    """The values at a dotted path; a missing member gives nothing."""
    return reader(path)(value)


@cache
def reader(path: str) -> Reader:
    """What walks a path: made once, for it is used on every record."""
    if not path:
        return lambda value: (value,)
    steps = [(part.removesuffix("[]"), part.endswith("[]")) for part in path.split(".")]
    match steps:
        case [(name, False)]:
            return _member(name)
        case [(name, False), (inner, False)]:
            return _inner(name, inner)
        case [(name, False), (middle, False), (inner, False)]:
            return _within(name, _inner(middle, inner))
        case [(name, True), (inner, False)]:
            return _each(name, inner)
    return lambda value: _walked([value], steps)


def _joined(first: Reader, *others: Reader) -> Reader:
    """What reads all of them."""
    if not others:
        return first
    second = _joined(*others)

    def read(value: Any) -> Sequence[Any]:
        return (*first(value), *second(value))

    return read


def _member(name: str) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        return () if type(value) is not dict or (found := value.get(name)) is None else (found,)

    return read


def _inner(name: str, inner: str) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        if type(value) is not dict or type(outer := value.get(name)) is not dict or (found := outer.get(inner)) is None:
            return ()
        return (found,)

    return read


def _within(name: str, inner: Reader) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        return inner(value.get(name)) if type(value) is dict else ()

    return read


def _each(name: str, inner: str) -> Reader:
    def read(value: Any) -> Sequence[Any]:
        if type(value) is not dict or not (outer := value.get(name)):
            return ()
        members = outer if type(outer) is list else [outer]
        return [found for one in members if type(one) is dict and (found := one.get(inner)) is not None]

    return read


def _walked(found: list[Any], steps: Iterable[tuple[str, bool]]) -> list[Any]:
    for name, many in steps:
        members = [inner for one in found if type(one) is dict and (inner := one.get(name)) is not None]
        found = [item for member in members for item in (member if type(member) is list else [member])] if many else members
    return found


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
