"""What the days of mixed business do with employees, dates and shipping, beside a model of their own."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from calendars import DAYS, hours, pattern
from conftest import NOON
from hypothesis import strategies as st
from hypothesis.stateful import rule
from selling import Shop, order, sold
from test_checkout import CHICAGO

LIMIT, PLACES_IN_SLOT, CUT_OFF, HOURS = 240, 1, 14, (10, 15)
EMPLOYEE = {"firstName": "A", "lastName": "B", "storeId": "S-101", "discountPercent": 20, "discountLimit": LIMIT}
SEEN: Counter[str] = Counter()  #: how often each thing was done
_WEST = timedelta(hours=-5)  # New York in January
_FIRST = datetime.fromtimestamp(NOON / 1000, UTC) + _WEST
SLOTS = [f"S-101:SM-PICKUP:{(_FIRST + timedelta(days=day)).date()}T{hour}:00" for day in range(-1, 4) for hour in HOURS]


def lay(records: Path) -> None:
    """Two employees of whom one has left, and a calendar of two slots a day for two days."""
    people = [{**EMPLOYEE, "employeeId": name, "active": name == "E-1", "discountPeriod": "MONTH"} for name in ("E-1", "E-2")]
    (records / "employees.json").write_text(json.dumps(people))
    weekly = hours(DAYS, *(f"{hour}:00-{hour + 1}:00" for hour in HOURS), capacity=PLACES_IN_SLOT)
    (records / "delivery_slots.json").write_text(json.dumps([pattern("S-101", "SM-PICKUP", weekly, horizonDays=2)]))


def closes(slot: str) -> int:
    """When a slot can no longer be chosen."""
    start = datetime.fromisoformat(slot.rsplit(":", 2)[1] + ":00+00:00")
    end = min(start, start.replace(hour=CUT_OFF)) - _WEST
    return int(end.timestamp() * 1000)


@dataclass
class Sale:
    """An order, as the model sees it."""

    sent: dict[str, Any]
    answer: dict[str, Any]
    left: dict[str, int]
    returns: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)


class Dates:
    """Rules for the machine, which brings the clock, the stock and the sales."""

    shop: Shop
    now: int
    shelf: Counter[tuple[str, str]]
    sales: dict[str, Sale]
    canceled = 0

    def spent(self) -> int:
        """What E-1 bought and kept."""
        mine = (sale for sale in self.sales.values() if sale.sent.get("employeeId") == "E-1")
        return 24 * sum(sum(sale.left.values()) for sale in mine)

    def places(self) -> dict[str, int]:
        """What remains of the slots that can be chosen now."""
        here = datetime.fromtimestamp(self.now / 1000, UTC) + _WEST
        first = here.date() + timedelta(days=here.hour >= CUT_OFF)
        days = [str(first + timedelta(days=day)) for day in range(2)]
        free = {slot: PLACES_IN_SLOT for slot in SLOTS if slot.rsplit(":", 2)[1][:10] in days and self.now < closes(slot)}
        for sale in self.sales.values():
            slot = sale.sent["orderProductList"][0].get("slotId")
            if slot in free and sale.left["0"]:
                free[slot] -= 1
        return {slot: units for slot, units in free.items() if units}

    @rule()
    def chooses_a_date(self) -> None:
        line = {"productId": "P-1", "quantity": 1, "omniFulfillmentType": "BOPIS"}
        told = self.shop.call("POST", "/sa/datetime/slots", {"storeId": "S-101", "productList": [line]})
        assert {slot["slotId"]: slot["remaining"] for day in told["dates"] for slot in day["slots"]} == self.places()
        SEEN["dates" if told["dates"] else "no dates"] += 1

    @rule()
    def verifies_an_employee(self) -> None:
        told = self.shop.call("POST", "/sa/employee/verification", {"employeeId": "E-1"})
        assert told["remainingDiscount"] == LIMIT - self.spent()
        assert self.shop.call("POST", "/sa/employee/verification", {"employeeId": "E-2"})["errorCode"] == "EMPLOYEE_INACTIVE"
        SEEN["verified"] += 1

    @rule(units=st.integers(1, 4))
    def asks_for_methods(self, units: int) -> None:
        line = {"productId": "P-1", "quantity": units, "price": 24, "omniFulfillmentType": "SHIP_TO_HOME"}
        told = self.shop.call("POST", "/sa/shipping/methods", {"shippingAddress": CHICAGO, "productList": [line]})
        assert [one["price"] for one in told["shippingMethods"]] == [0 if units == 4 else 5.95, 14.95, 29.95]
        assert all(self.now < one["maxDate"] for one in told["shippingMethods"])
        SEEN["methods"] += 1

    @rule(
        employee=st.sampled_from((None, "E-1", "E-1", "E-1", "E-2")),
        units=st.integers(1, 4),
        slot=st.sampled_from((None, *SLOTS)),
        canceled=st.sampled_from((None, None, None, "", "A", "B")),
    )
    def books(self, employee: str | None, units: int, slot: str | None, canceled: str | None) -> None:
        name = f"O-{len(self.sales) + 1}"
        chosen = {"slotId": slot} if slot else {}
        line = sold("P-2", units, "0", omniFulfillmentType="BOPIS", fulfillmentLocation="S-101", **chosen)
        sent = order(name, line, storeId="S-101", **({"employeeId": employee} if employee else {}))
        if canceled is not None:  # with the name of its cart, or without any
            of_cart = {"cartId": canceled} if canceled else {}
            told = self.shop.admin(
                "POST", "/orders", {**sent, "orderId": f"C-{self.canceled}", "orderStatus": "CANCELED", **of_cart}
            )
            assert "errorCode" not in told
            self.lapse()  # type: ignore[attr-defined]  # the machine's
            self.frees(canceled)  # type: ignore[attr-defined]  # the machine's
            self.canceled += 1
            SEEN["canceled"] += 1
            return
        right = None
        if employee == "E-2":
            right = "EMPLOYEE_INACTIVE"
        elif employee and units * 24 > LIMIT - self.spent():
            right = "EMPLOYEE_LIMIT_EXCEEDED"
        elif slot and slot not in self.places():
            right = "SLOT_NOT_AVAILABLE"
        elif units > self.free(("P-2", "S-101")):  # type: ignore[attr-defined]  # the machine's
            right = "INSUFFICIENT_INVENTORY"
        answer = self.shop.admin("POST", "/orders", sent)
        assert answer.get("errorCode") == right
        SEEN[right or "booked"] += 1
        if right is None:
            self.lapse()  # type: ignore[attr-defined]  # the machine's
            self.shelf["P-2", "S-101"] -= units
            self.sales[name] = Sale(sent, answer, {"0": units})
