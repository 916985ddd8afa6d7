"""Shipping methods: where they go, what they carry, what they cost, and when things arrive.

Rules: an order's lines go by no method that does not serve their address or carry their weight; days are working days of the
place that things leave from.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from mockspi.exchange import Json
from mockspi.refusals import AddressNotServiceable
from mockspi.retail.calendars import local, moment_of, zone_of
from mockspi.retail.loyalty import net_of
from mockspi.retail.money import ZERO, amount, number
from mockspi.retail.places import ONLINE, country, is_handed_over, is_shipped, location
from mockspi.retail.slots import calendar_at
from mockspi.retail.stock import product
from mockspi.schema import Problem
from mockspi.store.base import Readable
from mockspi.store.terms import compact


def methods(records: Readable, asked: Json, now: int) -> Json:
    """The methods that serve an address and carry the weight, cheapest first; the customer's own address where none is sent."""
    place = asked.get("shippingAddress") or _home(records, asked.get("customerId", ""))
    lines = [line for line in asked["productList"] if not is_handed_over(line)]
    weight, worth = weight_of(records, lines), net_of(lines)
    leaving = {location(line, asked) if is_shipped(line) else ONLINE for line in lines} or {ONLINE}
    found = []
    for method in records.find("shipping_methods").records:
        days = [_days(records, method, there, now) for there in leaving]
        if serves(method, place) and carries(method, weight) and all(days):
            own = method["currency"] == asked.get("currency", method["currency"])
            free = own and "freeOver" in method and worth >= amount(method["freeOver"])
            found.append(
                {
                    **{name: method[name] for name in ("shippingMethodId", "name", "carrier", "currency")},
                    "price": 0 if free else number(_price(method, weight)),
                    "minDate": max(day[0] for day in days if day),
                    "maxDate": max(day[1] for day in days if day),
                }
            )
    if not found:
        raise AddressNotServiceable
    return {"shippingMethods": sorted(found, key=lambda method: (method["price"], method["shippingMethodId"]))}


def serves(method: Json, place: Json) -> bool:
    """Whether a method brings things to an address."""
    return (
        not method["pickup"]
        and country(place) in method["countries"]
        and ("states" not in method or place.get("state", "").upper() in method["states"])
        and ("postalPrefixes" not in method or _begins(place.get("postalCode", ""), method["postalPrefixes"]))
    )


def carries(method: Json, weight: Decimal) -> bool:
    """Whether things so heavy go by a method."""
    return "maxWeight" not in method or weight <= amount(method["maxWeight"])


def weight_of(records: Readable, lines: Iterable[Json]) -> Decimal:
    """The kilograms of lines; what the catalogue does not tell weighs nothing."""
    return sum((amount((product(records, line) or {}).get("weight")) * line["quantity"] for line in lines), ZERO)


def unserved(records: Readable, order: Json, first: int = 0) -> Iterator[Problem]:
    """The lines from ``first`` on whose shipping method is unknown, does not serve their address or carry their weight."""
    parcels = defaultdict[str, list[Json]](list)
    for index, line in enumerate(order["orderProductList"][first:], first):
        if (named := line.get("shippingMethodId")) is None:
            continue
        method = records.get("shipping_methods", named)
        place = line.get("shippingAddress") or order.get("shippingAddress")
        at = f"/orderProductList/{index}/shippingMethodId"
        if method is None:
            yield Problem(at, f"no shipping_methods record has the key {named!r}")
        elif place and is_shipped(line):
            parcel = parcels[json.dumps([named, place, line.get("returnOrderId")], sort_keys=True)]
            parcel.append(line)
            if not serves(method, place):
                yield Problem(at, f"{named} does not go to {_told(place)}")
            elif not carries(method, weight := weight_of(records, parcel)):
                yield Problem(at, f"{named} carries {method['maxWeight']} kg, and this is {weight.normalize():f} kg")


def _told(place: Json) -> str:
    named = (country(place), place.get("state"), place.get("postalCode"))
    return " ".join(filter(None, named)) or "an address without a country"


def _begins(code: str, prefixes: Iterable[str]) -> bool:
    return any(compact(code).startswith(compact(prefix)) for prefix in prefixes)


def _price(method: Json, weight: Decimal) -> Decimal:
    """The price, or that of the highest band whose bound the weight exceeds."""
    bands = [(amount(band["over"]), amount(band["price"])) for band in method.get("weightBands", [])]
    return max((band for band in bands if weight > band[0]), default=(ZERO, amount(method["price"])))[1]


def _days(records: Readable, method: Json, place: str, now: int) -> tuple[int, int] | None:
    """The first and the last day on which things that leave from a place arrive; None where they never do."""
    chosen = calendar_at(records, place, method["shippingMethodId"], shipped=True)
    if chosen is None:
        zone = zone_of(records, place)
        today = local(now, zone).date()
        first, last = (moment_of(today + timedelta(days=method[name]), "00:00", zone) for name in ("minDays", "maxDays"))
        return first, last
    soonest, latest = (chosen.working_day(now, method[name]) for name in ("minDays", "maxDays"))
    return None if soonest is None or latest is None else (soonest, latest)


def _home(records: Readable, customer_id: str) -> Json:
    customer = records.get("customers", customer_id) or {}
    addresses = customer.get("addressList", [])
    default = [address for address in addresses if address.get("isDefault")]
    return dict(next(iter(default or addresses), customer.get("profile", {}).get("address", {})))
