"""The table: every contract, in the order of the vendor's own tables. What reads it never re-lists it."""

from __future__ import annotations

from mockspi.contract import Contract
from mockspi.contracts.receiving import RECEIVED
from mockspi.contracts.spi import addresses, checkout, customers, inventory, loyalty, orders, taxes

_ROOMS = (customers, addresses, inventory, loyalty, orders, checkout, taxes)

SPIS: tuple[Contract, ...] = tuple(contract for room in _ROOMS for contract in room.CONTRACTS)

#: Everything that is served: the SPIs, and the events that are received.
TABLE: tuple[Contract, ...] = (*SPIS, *RECEIVED)

#: The ids of them all; an event that may come with several methods has one.
IDS: tuple[str, ...] = tuple(dict.fromkeys(one.id for one in TABLE))

#: What each group of contracts is about.
GROUPS = {room.GROUP: " ".join((room.__doc__ or "").split()) for room in _ROOMS}


def named(name: str) -> list[Contract]:
    """The contracts with an id, an endpoint name (all its operations), or another name the vendor uses."""
    return [one for one in SPIS if name in (one.id, one.name, *one.also)]
