"""What a call did to a sandbox's retail world: the orders that it wrote and the stock that it moved."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mockspi.exchange import Json
from mockspi.store.base import Criterion, Page, Records


@dataclass(frozen=True, slots=True)
class Moved:
    """Units that came to a place (positive) or went (negative)."""

    product: str
    place: str
    units: int


@dataclass(frozen=True, slots=True)
class Written:
    """An order as it is now, and as it was; None where it is new."""

    order: Json
    before: Json | None


@dataclass(frozen=True, slots=True)
class Happened:
    """All of it, in its order."""

    orders: dict[str, Written] = field(default_factory=dict)  #: by orderId
    stock: list[Moved] = field(default_factory=list)

    def add(self, other: Happened) -> None:
        """What happened after it."""
        self.orders.update(other.orders)
        self.stock.extend(other.stock)


class Watched:
    """Records that note what is written through them."""

    def __init__(self, records: Records, happened: Happened) -> None:
        self._records, self._happened = records, happened

    def get(self, collection: str, key: str) -> Json | None:
        """One record by key."""
        return self._records.get(collection, key)

    def find(self, collection: str, *criteria: Criterion, offset: int = 0, limit: int | None = None) -> Page:
        """The records that meet every criterion."""
        return self._records.find(collection, *criteria, offset=offset, limit=limit)

    def tally(self, collection: str, term: str, wanted: Sequence[Any], *criteria: Criterion) -> list[int]:
        """For each of some values of a term, how many records have it and meet the criteria."""
        return self._records.tally(collection, term, wanted, *criteria)

    def each(self, collection: str) -> Generator[Json]:
        """The records in the collection's order, one by one."""
        return self._records.each(collection)

    def put(self, collection: str, record: Json) -> None:
        """Write a record, and note what that changes."""
        if collection == "orders":
            known = self._happened.orders.get(record["orderId"])
            before = known.before if known else self._records.get(collection, record["orderId"])
            self._happened.orders[record["orderId"]] = Written(copy.deepcopy(record), before)
        elif collection == "stock":
            before = self._records.get(collection, f"{record['productId']}|{record['locationId']}")
            units = record["onHand"] - (before["onHand"] if before else 0)
            self._happened.stock.append(Moved(record["productId"], record["locationId"], units))
        self._records.put(collection, record)

    def delete(self, collection: str, key: str) -> None:
        """Remove a record."""
        self._records.delete(collection, key)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the change: what is undone did not happen."""
        orders, stock = dict(self._happened.orders), list(self._happened.stock)
        try:
            with self._records.part():
                yield
        except BaseException:
            self._happened.orders.clear()
            self._happened.orders.update(orders)
            self._happened.stock[:] = stock
            raise

    def next_number(self) -> int:
        """1, 2, 3, ... for each sandbox."""
        return self._records.next_number()
