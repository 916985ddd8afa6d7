"""Shipping methods and the dates at which things can be delivered or fetched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mockspi.clock import DAY
from mockspi.errors import AddressNotServiceable, NoDatesAvailable
from mockspi.exchange import Json
from mockspi.retail.loyalty import net_of
from mockspi.retail.money import amount
from mockspi.retail.places import ONLINE, country, is_shipped
from mockspi.store.base import Records

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_PICKUP = "SM-PICKUP"


def methods(records: Records, asked: Json, now: int) -> Json:
    """The methods that serve an address, cheapest first; the customer's own address where none is sent."""
    place = asked.get("shippingAddress") or _home(records, asked.get("customerId", ""))
    worth = net_of(asked["productList"])
    today = now - now % DAY
    found = []
    for method in records.find("shipping_methods").records:
        if not serves(method, place):
            continue
        free = "freeOver" in method and worth >= amount(method["freeOver"])
        found.append(
            {
                **{name: method[name] for name in ("shippingMethodId", "name", "carrier", "currency")},
                "price": 0 if free else method["price"],
                "minDate": today + method["minDays"] * DAY,
                "maxDate": today + method["maxDays"] * DAY,
            }
        )
    if not found:
        raise AddressNotServiceable
    return {"shippingMethods": sorted(found, key=lambda method: (method["price"], method["shippingMethodId"]))}


def serves(method: Json, place: Json) -> bool:
    """Whether a method brings things to an address."""
    return not method["pickup"] and country(place) in method["countries"]


def _home(records: Records, customer_id: str) -> Json:
    customer = records.get("customers", customer_id) or {}
    addresses = customer.get("addressList", [])
    default = [address for address in addresses if address.get("isDefault")]
    return dict(next(iter(default or addresses), customer.get("profile", {}).get("address", {})))


def dates(records: Records, cart: Json, now: int) -> Json:
    """The open slots for a cart, per day; lines that go different ways get their own days, with their item ids."""
    ways: dict[tuple[str, str], list[Json]] = {}
    for line in cart["productList"]:
        ways.setdefault(_way(line, cart), []).append(line)
    found = []
    for (place, method), lines in ways.items():
        pattern = records.get("delivery_slots", f"{place}|{method}")
        ids = [line["orderItemId"] for line in lines if "orderItemId" in line]
        shop = records.get("stores", place) or {}
        for day in _days(pattern, shop.get("timeZone", "UTC"), now) if pattern else ():
            found.append({**day, **({"orderItemIds": ids} if len(ways) > 1 and ids else {})})
    if not found:
        raise NoDatesAvailable
    return {"dates": sorted(found, key=lambda day: day["date"])}


def _way(line: Json, cart: Json) -> tuple[str, str]:
    if is_shipped(line):
        return ONLINE, line.get("shippingMethodId") or cart.get("shippingMethodId") or "SM-STANDARD"
    store = line.get("fulfillmentLocation") or line.get("storeId") or cart.get("storeId") or ONLINE
    return str(store), line.get("shippingMethodId") or _PICKUP


def _days(pattern: Json, zone_name: str, now: int) -> Iterator[Json]:
    zone = _zone(zone_name)
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    late = here.time() >= time.fromisoformat(pattern["cutOff"])
    first = here.date() + timedelta(days=pattern["leadDays"] + late)
    for offset in range(pattern["horizonDays"]):
        day = first + timedelta(days=offset)
        weekly = [slot for slot in pattern["weekly"] if slot["day"] == DAYS[day.weekday()] and slot["capacity"]]
        slots = [slot for one in weekly if (slot := _slot(pattern, one, day, zone))["startTime"] > now]
        if slots and day.isoformat() not in pattern.get("blackoutDates", []):
            yield {"date": _moment(day, "00:00", zone), "slots": slots}


def closed(records: Records, before: int, after: int) -> list[tuple[str, int]]:
    """The slots that could be chosen at one moment and no longer can at a later one, each with when that ended."""
    found = []
    for pattern in records.find("delivery_slots").records if after > before else ():
        zone = _zone((records.get("stores", pattern["storeId"]) or {}).get("timeZone", "UTC"))
        for day in _days(pattern, zone.key, before):
            for slot in day["slots"]:
                ordered = date.fromisoformat(slot["slotId"].rpartition("T")[0][-10:]) - timedelta(days=pattern["leadDays"])
                end = min(slot["startTime"], _moment(ordered, pattern["cutOff"], zone))
                if before < end <= after:
                    found.append((slot["slotId"], end))
    return found


def _slot(pattern: Json, slot: Json, day: date, zone: ZoneInfo) -> Json:
    return {
        "slotId": f"{pattern['storeId']}:{pattern['shippingMethodId']}:{day.isoformat()}T{slot['startTime']}",
        "startTime": _moment(day, slot["startTime"], zone),
        "endTime": _moment(day, slot["endTime"], zone),
        "remaining": slot["capacity"],
    }


def _moment(day: date, clock: str, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time.fromisoformat(clock), zone).timestamp() * 1000)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
