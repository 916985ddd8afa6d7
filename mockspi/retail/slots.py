"""Dates: the hours of a day at which things can be delivered or fetched, and the places that bookings take in them.

Rules: a slot is booked by no more orders than it has places; it can be booked until the cut-off at its store, or its start;
an order takes one place in each slot that it names, until all that it covers came back; one that is CANCELED takes none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import count, islice
from typing import TYPE_CHECKING

from mockspi.exchange import Json
from mockspi.refusals import NoDatesAvailable, SlotNotAvailable
from mockspi.retail.calendars import WEEKDAYS, local, moment_of, zone, zone_of
from mockspi.retail.orders import counts, left
from mockspi.retail.places import ONLINE, TAKEN, is_shipped, location, way
from mockspi.store.base import Criterion, Readable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_PICKUP, _STANDARD = "SM-PICKUP", "SM-STANDARD"


@dataclass(frozen=True)
class Calendar:
    """When a place delivers or hands over by one method, as its pattern says."""

    pattern: Json
    zone: ZoneInfo

    @property
    def name(self) -> str:
        """What its slots' ids begin with."""
        return f"{self.pattern['storeId']}:{self.pattern['shippingMethodId']}"

    @cached_property
    def weekly(self) -> dict[str, list[Json]]:
        """The slots of each weekday that have places at all."""
        return {day: [one for one in self.pattern["weekly"] if one["day"] == day and one["capacity"]] for day in WEEKDAYS}

    def is_open(self, day: date) -> bool:
        """Whether anything is handed over on a day."""
        return bool(self.weekly[WEEKDAYS[day.weekday()]]) and day.isoformat() not in self.pattern.get("blackoutDates", [])

    def in_time(self, now: int) -> date:
        """The day as which an order counts: today, or tomorrow after the cut-off."""
        today = local(now, self.zone).date()
        return today + timedelta(days=now >= moment_of(today, self.pattern["cutOff"], self.zone))

    def first(self, now: int) -> date:
        """The first day that can be had."""
        return self.in_time(now) + timedelta(days=self.pattern["leadDays"])

    def slots(self, day: date) -> list[Json]:
        """The slots of a day, each with the places it has; not those of an hour that the clocks skip."""
        there = self.weekly[WEEKDAYS[day.weekday()]] if self.is_open(day) else []
        found = [
            {
                "slotId": f"{self.name}:{day.isoformat()}T{one['startTime']}",
                "startTime": moment_of(day, one["startTime"], self.zone),
                "endTime": moment_of(day + timedelta(days=one["endTime"] <= one["startTime"]), one["endTime"], self.zone),
                "remaining": one["capacity"],
            }
            for one in there
        ]
        return [one for one in found if one["startTime"] < one["endTime"]]

    def days(self, now: int, taken: Counter[str]) -> Iterator[Json]:
        """The days with a slot that can be had now, in their order."""
        first = self.first(now)
        for day in (first + timedelta(days=offset) for offset in range(self.pattern["horizonDays"])):
            free = [{**one, "remaining": one["remaining"] - taken[one["slotId"]]} for one in self.slots(day)]
            if found := [one for one in free if one["remaining"] > 0 and one["startTime"] > now]:
                yield {"date": self.midnight(day), "slots": found}

    def midnight(self, day: date) -> int:
        """When a day begins there."""
        return moment_of(day, "00:00", self.zone)

    def working_day(self, now: int, number: int) -> int | None:
        """Midnight of the working day that comes so many after the one on which an order is in time; None without any."""
        if not any(self.weekly.values()):
            return None
        start = self.in_time(now)
        opened = (day for day in (start + timedelta(days=offset) for offset in count()) if self.is_open(day))
        return self.midnight(next(islice(opened, number, None)))

    def closes(self, day: date, slot: Json) -> int:
        """When a slot can no longer be chosen: at the cut-off of the last day on which it could be, or as it begins."""
        last = day - timedelta(days=self.pattern["leadDays"])
        return min(int(slot["startTime"]), moment_of(last, self.pattern["cutOff"], self.zone))


def calendar_of(records: Readable, pattern: Json) -> Calendar:
    """A pattern with its time zone: its own, else the store's."""
    own = pattern.get("timeZone")
    return Calendar(pattern, zone(own) if own else zone_of(records, pattern["storeId"]))


def calendar(records: Readable, line: Json, cart: Json) -> Calendar | None:
    """The calendar that a line goes by: of the place it leaves from, for what is shipped else that of ONLINE; none if taken."""
    if way(line) == TAKEN:
        return None
    place, shipped = location(line, cart), is_shipped(line)
    method = line.get("shippingMethodId") or (cart.get("shippingMethodId") or _STANDARD if shipped else _PICKUP)
    return calendar_at(records, place, method, shipped=shipped)


def calendar_at(records: Readable, place: str, method: str, *, shipped: bool) -> Calendar | None:
    """The calendar of a method at a place."""
    for there in (place, ONLINE) if shipped else (place,):
        if pattern := records.get("delivery_slots", f"{there}|{method}"):
            return calendar_of(records, pattern)
    return None


def dates(records: Readable, cart: Json, now: int) -> Json:
    """The open slots for a cart, per day; lines that go different ways get their own days, with their item ids."""
    ways: dict[str, tuple[Calendar | None, list[str]]] = {}
    for line in cart["productList"]:
        found = calendar(records, line, cart)
        _, ids = ways.setdefault(found.name if found else "", (found, []))
        ids += [line["orderItemId"]] if "orderItemId" in line else []
    days = []
    for chosen, ids in ways.values():
        for day in chosen.days(now, taken(records, chosen, chosen.first(now))) if chosen else ():
            days.append({**day, **({"orderItemIds": ids} if len(ways) > 1 and ids else {})})
    if not days:
        raise NoDatesAvailable
    return {"dates": sorted(days, key=lambda day: day["date"])}


def taken(records: Readable, chosen: Calendar, since: date, without: str = "") -> Counter[str]:
    """How many orders other than one take a place in each slot of a calendar from a day on."""
    low, high = f"{chosen.name}:{since.isoformat()}", f"{chosen.name}:~"
    orders = records.find("orders", Criterion("slotId", low=low, high=high)).records
    return Counter(slot for order in orders if order["orderId"] != without for slot in booked(order))


def booked(order: Json) -> dict[str, str]:
    """The slots in which an order takes a place, each with where in the order it is named."""
    return {slot: path for slot, path, line in _named(order) if left(order, line) > 0}


def _named(order: Json) -> Iterator[tuple[str, str, Json]]:
    """Each line that has a slot: which, and where it is named.

    The order's own is that of the lines that name none and are not taken at once; what an exchange brought has only its own.
    """
    for index, line in enumerate(order["orderProductList"] if counts(order) else ()):
        if "slotId" in line:
            yield line["slotId"], f"/orderProductList/{index}/slotId", line
        elif "slotId" in order and "returnOrderId" not in line and way(line) != TAKEN:
            yield order["slotId"], "/slotId", line


def book(records: Readable, order: Json, first: int, now: int) -> None:
    """Refuse slots of the lines from ``first`` on that cannot be had; lines without a delivery date get the slot's day."""
    wanted = {id(line) for line in order["orderProductList"][first:]}
    errors: dict[str, str] = {}
    named = [one for one in _named(order) if id(one[2]) in wanted]
    if "slotId" in order and counts(order) and not first and all(path != "/slotId" for _, path, _ in named):
        errors["/slotId"] = "no line is delivered or fetched in it"
    for slot, path, line in named:
        if fault := next(_faults(records, order, line, slot, now), None):
            errors[path] = fault
    if errors:
        raise SlotNotAvailable(errors=[{"path": path, "message": message} for path, message in errors.items()])


def _faults(records: Readable, order: Json, line: Json, slot_id: str, now: int) -> Iterator[str]:
    """Why a line cannot be delivered or fetched in a slot now; if it can, it gets its day."""
    chosen, day = calendar(records, line, order), day_of(slot_id)
    if chosen is None:
        yield "there are no slots for the way this goes"
    elif day is None or not slot_id.startswith(f"{chosen.name}:"):
        yield f"a slot of {chosen.name} as DATE_PICKER tells them is expected"
    elif not chosen.is_open(day):
        yield f"nothing is handed over on {day}"
    elif slot := next((one for one in chosen.slots(day) if one["slotId"] == slot_id), None):
        others = taken(records, chosen, day, order["orderId"])[slot_id]
        if chosen.closes(day, slot) <= now:
            yield "it can no longer be chosen: it has begun, or the cut-off is over"
        if (day - chosen.first(now)).days >= chosen.pattern["horizonDays"]:
            yield f"it is too far ahead: {chosen.pattern['horizonDays']} days can be chosen"
        if others >= slot["remaining"]:
            yield f"all {slot['remaining']} places are taken"
        if local(line.setdefault("deliveryDate", chosen.midnight(day)), chosen.zone).date() != day:
            yield f"the deliveryDate of {line['orderItemId']!r} is another day"
    else:
        yield f"no slot of {day} begins then"


def day_of(slot_id: str) -> date | None:
    """The day of a slot; None where the id is none of a slot."""
    try:
        return date.fromisoformat(slot_id[-16:-6])
    except ValueError:
        return None


def places(records: Readable) -> Callable[[str], int]:
    """Tells how many places a slot has; none where it is none."""
    weekly = {
        (calendar_of(records, pattern).name, one["day"], one["startTime"]): int(one["capacity"])
        for pattern in records.find("delivery_slots").records
        for one in pattern["weekly"]
    }

    def places_of(slot_id: str) -> int:
        day = day_of(slot_id)
        return weekly.get((slot_id[:-17], WEEKDAYS[day.weekday()], slot_id[-5:]), 0) if day else 0

    return places_of


def closed(records: Readable, before: int, after: int) -> list[tuple[str, int]]:
    """The slots that could be chosen at one moment and no longer can at a later one, each with when that ended."""
    found = []
    for pattern in records.find("delivery_slots").records if after > before else ():
        chosen = calendar_of(records, pattern)
        for day in chosen.days(before, taken(records, chosen, chosen.first(before))):
            for slot in day["slots"]:
                end = chosen.closes(local(slot["startTime"], chosen.zone).date(), slot)
                if end <= after:
                    found.append((slot["slotId"], end))
    return found
