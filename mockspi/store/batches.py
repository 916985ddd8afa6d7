"""Records made ready to be kept, some at a time: what is written of them to a compiled set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mockspi.exchange import Json
from mockspi.store.base import Collection

Loose = tuple[int | str | None, ...]


class Batch(NamedTuple):
    """Some records of one collection, of plain values only, so that it is quickly sent from process to process."""

    collection: str
    first: int  #: the number of the first record; those of the others follow
    bodies: Sequence[str | bytes]  #: the records as JSON
    loose: list[Loose]  #: a record's number, key, order, and a value of each term, if it has one
    further: dict[str, list[tuple[int, str]]]  #: by term: the number of a record, and another value
    blank: list[str]  #: the unique terms that a record has, though nothing is left of them when folded


def batch(kind: Collection, records: Sequence[Json], bodies: Sequence[str | bytes], first: int) -> Batch:
    """Records, and how each is written."""
    columns = [term.column(records) for term in kind.terms]
    numbers, firsts = range(first, first + len(records)), [values for values, _ in columns]
    loose = zip(numbers, map(kind.key_of, records), map(kind.order, records), *firsts, strict=True)
    further = {
        term.name: [(first + index, value) for index, value in others]
        for term, (_, others) in zip(kind.terms, columns, strict=True)
        if others
    }
    blank = [
        term.name
        for term, values in zip(kind.terms, firsts, strict=True)
        if term.name in kind.unique
        for record, value in zip(records, values, strict=True)
        if value is None and term.is_blank(record)
    ]
    return Batch(kind.name, first, bodies, list(loose), further, blank)
