"""Where things are: countries of addresses, the place a line leaves from, distances between stores."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mockspi.exchange import Json
from mockspi.store.base import Readable

ONLINE = "ONLINE"
TAKEN, SHIPPED = "IN_STORE", "SHIP_TO_HOME"
_TRAVELLING = frozenset({SHIPPED, "SHIP_TO_HOME_CURRENT_STORE", "BOFIS"})
_HANDED_OVER = frozenset({TAKEN, "BOPIS", "ROPIS"})
_EARTH_KM = 6371.0


def country(address: Mapping[str, str]) -> str:
    """The country of an address, however it is spelt, in capitals."""
    return (address.get("countryCode") or address.get("country") or "").upper()


def is_complete(address: Mapping[str, str]) -> bool:
    """Whether something can be sent to an address."""
    return bool(address.get("addressLine1") and address.get("city") and country(address))


def way(line: Json) -> str:
    """How a line reaches the customer, as an omniFulfillmentType."""
    return line.get("omniFulfillmentType") or (SHIPPED if line.get("fulfillmentType") == "ONLINE" else TAKEN)


def is_shipped(line: Json) -> bool:
    """Whether a line travels to an address instead of being taken or fetched."""
    return way(line) in _TRAVELLING


def is_handed_over(line: Json) -> bool:
    """Whether a line says that it is taken or fetched in a store."""
    omni = line.get("omniFulfillmentType")
    return omni in _HANDED_OVER or (omni is None and line.get("fulfillmentType") == "IN_STORE")


def location(line: Json, cart: Json) -> str:
    """The place whose stock a line takes: the one it names, ONLINE when shipped to a home, else the store."""
    if named := line.get("fulfillmentLocation"):
        return str(named)
    store = line.get("storeId") or cart.get("storeId")
    return ONLINE if way(line) == SHIPPED or not store else str(store)


def kilometres(one: Json, other: Json) -> float:
    """The distance between two stores; unknown places are infinitely far."""
    try:
        lat1, lon1, lat2, lon2 = (math.radians(shop[axis]) for shop in (one, other) for axis in ("latitude", "longitude"))
    except KeyError:
        return math.inf
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(half))


def postal_place(records: Readable, line: Json, cart: Json) -> Json:
    """The address that decides a line's tax: its own, else the cart's, else the store's, else where it comes from.

    What is handed over in a store does not go to the address that the cart is shipped to.
    """
    handed = is_handed_over(line)
    own = line.get("destinationAddress") or line.get("shippingAddress")
    if found := own or cart.get("destinationAddress") or (not handed and cart.get("shippingAddress")):
        return dict(found)
    for store_id in (line.get("fulfillmentLocation") if handed else None, line.get("storeId"), cart.get("storeId")):
        if store_id and (store := records.get("stores", str(store_id))):
            return dict(store["address"])
    return dict(cart.get("originAddress") or {})
