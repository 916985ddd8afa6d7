"""The shelf: which product a line means, what lies where, and moving it.

Rule: what lies at a place is a whole number and never below zero.
"""

from __future__ import annotations

from mockspi.exchange import Json
from mockspi.refusals import ProductNotFound
from mockspi.store.base import Criterion, Readable, Records


def product(records: Readable, line: Json) -> Json | None:
    """The product that a line names by id or gtin."""
    if wanted := line.get("productId"):
        return records.get("products", wanted)
    found = records.find("products", Criterion("gtin", (line.get("gtin", ""),)), limit=1)
    return found.records[0] if found.total else None


def known_product(records: Readable, line: Json) -> Json:
    """The same, or the refusal that says it is unknown."""
    if (found := product(records, line)) is None:
        raise ProductNotFound(productId=line.get("productId") or line.get("gtin"))
    return found


def on_hand(records: Readable, product_id: str, place: str) -> int | None:
    """What lies there, reserved or not; None where the product is not sold at all."""
    stock = records.get("stock", f"{product_id}|{place}")
    return int(stock["onHand"]) if stock else None


def move(records: Records, product_id: str, place: str, units: int) -> None:
    """Put units on the shelf, or take them off."""
    there = on_hand(records, product_id, place) or 0
    records.put("stock", {"productId": product_id, "locationId": place, "onHand": there + units})
