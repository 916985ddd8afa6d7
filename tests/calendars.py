"""A merchant with few shipping methods and calendars that can be reckoned by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from conftest import ROOT

NEW_YORK, PARIS = ZoneInfo("America/New_York"), ZoneInfo("Europe/Paris")
WORKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
DAYS = (*WORKDAYS, "SATURDAY", "SUNDAY")


def at(text: str, zone: ZoneInfo = NEW_YORK) -> int:
    """A moment on a clock somewhere, such as 2027-01-15T14:00."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def shown(moment: int, zone: ZoneInfo = NEW_YORK) -> str:
    """What a clock there shows; days without their midnight."""
    return datetime.fromtimestamp(moment / 1000, zone).strftime("%Y-%m-%dT%H:%M").removesuffix("T00:00")


def method(name: str, price: float, days: tuple[int, int] = (1, 3), **more: Any) -> dict[str, Any]:
    """A shipping method, of the United States unless said."""
    facts = {"shippingMethodId": name, "name": name, "carrier": "Carrier", "price": price, "currency": "USD", "pickup": False}
    return {**facts, "countries": ["US"], "minDays": days[0], "maxDays": days[1], **more}


def hours(days: Sequence[str], *spans: str, capacity: int = 2) -> list[dict[str, Any]]:
    """Slots of a week; spans such as 10:00-12:00."""
    spoken = [span.split("-") for span in spans]
    return [{"day": day, "startTime": one, "endTime": other, "capacity": capacity} for day in days for one, other in spoken]


def pattern(place: str, named: str, weekly: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A calendar; the cut-off is at 14:00 and a week can be chosen, unless said."""
    facts = {"storeId": place, "shippingMethodId": named, "cutOff": "14:00", "leadDays": 0, "horizonDays": 7}
    return {**facts, "weekly": weekly, **more}


METHODS = [
    method("M-STD", 5, freeOver=50, maxWeight=30, weightBands=[{"over": 10, "price": 20}, {"over": 2, "price": 9}]),
    method("M-WEST", 3, (0, 1), states=["CA", "WA"]),
    method("M-CITY", 4, (0, 0), postalPrefixes=["100", "SW1-"], countries=["US", "GB"]),
    method("M-UK", 4.5, countries=["GB"], currency="GBP", freeOver=30),
    method("M-NEVER", 1, countries=["US", "FR"]),
    method("SM-PICKUP", 0, (0, 1), pickup=True),
]
PATTERNS = [
    pattern("ONLINE", "M-STD", hours(WORKDAYS, "09:00-17:00"), timeZone="America/New_York", blackoutDates=["2027-01-18"]),
    pattern("S-103", "M-WEST", hours(DAYS, "09:00-17:00"), cutOff="10:00"),
    pattern("ONLINE", "M-NEVER", hours(DAYS, "09:00-17:00", capacity=0)),
    pattern("S-101", "SM-PICKUP", hours(DAYS, "10:00-12:00", "15:00-18:00"), blackoutDates=["2027-01-17"]),
    pattern("S-102", "SM-PICKUP", hours(("SUNDAY",), "01:30-02:30", "02:30-03:30", "12:00-13:00"), cutOff="01:30"),
    pattern("S-107", "SM-PICKUP", hours(DAYS, "10:00-12:00"), cutOff="12:00", leadDays=1, horizonDays=2),
]


def made(folder: Path) -> Path:
    """The set in a folder; the sample's in all else but orders and what names them."""
    shutil.copytree(ROOT / "fixtures", folder / "set", ignore=shutil.ignore_patterns("examples", "rules", "__pycache__"))
    changed = {"orders": [], "rewards": [], "loyalty_entries": [], "shipping_methods": METHODS, "delivery_slots": PATTERNS}
    for name, records in changed.items():
        (folder / f"set/records/{name}.json").write_text(json.dumps(records))
    return folder / "set"
