"""Records made ready to be kept, some at a time: what is written of them to a compiled set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mockspi.exchange import listed
from mockspi.store.base import Collection
from mockspi.store.columns import Columns

_PART = "\n"
_NOT_IN_JSON = "\\u0000"  #: for the database, whose texts in JSON end there


class Batch(NamedTuple):
    """Some records of one collection, of plain values only, so that it is quickly sent from process to process."""

    collection: str
    first: int  #: the number of the first record; those of the others follow
    bodies: Sequence[str | bytes]  #: the records as JSON
    #: JSON lists: each record's key and order, a line between them; then by term what each has, or null, and after that
    #: what else any has, each behind the record's place and a blank. The database takes them apart: rows cost much more
    lists: Sequence[str | None]
    keys: Sequence[tuple[int, str, str]]  #: numbers, keys and orders that cannot be in JSON
    values: Mapping[str, Sequence[tuple[int, str]]]  #: by term: numbers and values that cannot be
    blank: list[str]  #: the unique terms that a record has, though nothing is left of them when folded


def batch(kind: Collection, records: Columns, bodies: Sequence[str | bytes], first: int) -> Batch:
    """Records, and how each is written."""
    lists: list[str | None] = []
    blank: list[str] = []
    loose, values = list(zip(kind.keys(records), kind.orders(records), strict=True)), {}
    pairs = listed([key + _PART + order for key, order in loose])
    alone = _NOT_IN_JSON in pairs or pairs.count("\\n") > len(loose)
    lists.append(None if alone else pairs)
    for term in kind.apart:
        firsts, further = term.column(records)
        missing = firsts.count(None)
        if missing and term.name in kind.unique:
            told = zip(records.records, firsts, strict=True)
            blank += [term.name for record, value in told if value is None and term.is_blank(record)]
        told_all = listed([*firsts, *(f"{index} {value}" for index, value in further)]) if missing < len(firsts) else ""
        if _NOT_IN_JSON in told_all:
            there = [(index, value) for index, value in enumerate(firsts) if value is not None]
            values[term.name] = [(first + index, value) for index, value in (*there, *further)]
            told_all = ""
        lists.append(told_all or None)
    keys = [(number, *one) for number, one in enumerate(loose, first)] if alone else ()
    return Batch(kind.name, first, bodies, lists, keys, values, blank)
