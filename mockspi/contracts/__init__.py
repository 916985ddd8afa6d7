"""The table: every contract, in the order of the vendor's own tables. What reads it never re-lists it."""

from __future__ import annotations

from mockspi.contract import Contract
from mockspi.contracts.spi import addresses, checkout, customers, inventory, loyalty, orders, taxes

_ROOMS = (customers, addresses, inventory, loyalty, orders, checkout, taxes)

SPIS: tuple[Contract, ...] = tuple(contract for room in _ROOMS for contract in room.CONTRACTS)

#: What each group of contracts is about.
GROUPS = {room.GROUP: " ".join((room.__doc__ or "").split()) for room in _ROOMS}


def named(name: str) -> list[Contract]:
    """The contracts with an id, an endpoint name (all its operations), or another name the vendor uses."""
    return [one for one in SPIS if name in (one.id, one.name, *one.also)]
