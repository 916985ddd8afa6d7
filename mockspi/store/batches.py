"""Records made ready to be kept, some at a time: what is written of them to a compiled set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from mockspi.exchange import Json
from mockspi.store.base import Collection


class Batch(NamedTuple):
    """Some records of one collection, of plain values only, so that it is quickly sent from process to process."""

    collection: str
    rows: list[tuple[str, str, str, str | bytes]]  #: collection, key, order, and the record as JSON
    loose: list[tuple[int | str | None, ...]]  #: the number of a record among these, and a value of each term, if it has one
    blank: list[str]  #: the unique terms that a record has, though nothing is left of them when folded


def batch(kind: Collection, records: Sequence[Json], bodies: Iterable[str | bytes]) -> Batch:
    """Records, and how each is written."""
    name, key_of, order = kind.name, kind.key_of, kind.order
    rows = [(name, key_of(record), order(record), body) for record, body in zip(records, bodies, strict=True)]
    columns = [[term.of(record) for record in records] for term in kind.terms]
    loose = [(number, *values) for number, found in enumerate(zip(*columns, strict=True)) for values in zip_longest(*found)]
    blank = [
        term.name
        for term, column in zip(kind.terms, columns, strict=True)
        if term.name in kind.unique
        for record, found in zip(records, column, strict=True)
        if not found and term.is_blank(record)
    ]
    return Batch(name, rows, loose, blank)
