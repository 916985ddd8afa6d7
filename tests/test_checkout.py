"""Checkout: carts, the stock that they hold, shipping methods and dates."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT, Sandbox, Server, serving

CHICAGO = {
    "addressLine1": "1420 West Larkspur Avenue",
    "city": "Chicago",
    "state": "IL",
    "postalCode": "60622",
    "countryCode": "US",
}
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
HOME = {"omniFulfillmentType": "SHIP_TO_HOME"}
FETCHED = {"omniFulfillmentType": "BOPIS"}


def line(product: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """A line of a cart."""
    return {"productId": product, "quantity": quantity, **more}


def validate(sandbox: Sandbox, cart: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the validation of a cart at S-101 answers."""
    sent = {"cartId": cart, "storeId": "S-101", "productList": lines, **more}
    answer: dict[str, Any] = sandbox("POST", "/sa/cartValidation", json=sent).json()
    return answer


def revert(sandbox: Sandbox, cart: str, *lines: dict[str, Any]) -> list[int]:
    """How many units each line gives back."""
    sent = {"cartId": cart, **({"productList": lines} if lines else {})}
    answer = sandbox("POST", "/sa/inventoryService/revert", json=sent).json()
    return [one["revertedQuantity"] for one in answer["productList"]]


def at(sandbox: Sandbox, product: str, store: str = "S-101") -> int:
    """What a store has, as the overview of all stores tells it."""
    answer = sandbox("POST", "/product/getInventoryOverview", json={"productId": product}).json()
    row = next(one for one in answer["inventoryList"] if one["storeId"] == store)
    assert row["availability"] == ("IN_STOCK" if row["availableQuantity"] else "OUT_OF_STOCK")
    return int(row["availableQuantity"])


def online(sandbox: Sandbox, product: str, quantity: int = 1, **more: Any) -> tuple[int, bool]:
    """What is there online, and whether it is enough."""
    sent = {"productList": [line(product, quantity)], **more}
    answer = sandbox("POST", "/sa/inventory/check", json=sent).json()
    one = answer["productList"][0]
    assert answer.get("errorCode") == (None if one["available"] else "INSUFFICIENT_INVENTORY")
    return one["availableQuantity"], one["available"]


def test_a_good_cart_holds_its_stock(sandbox: Sandbox) -> None:
    before = time.time() * 1000
    answer = validate(sandbox, "CART-1", line("P-1001", 2, orderItemId="1", storeId="S-102"), line("P-1014", orderItemId="2"))
    assert (answer["valid"], answer["cartId"]) == (True, "CART-1")
    assert answer["reservation"]["productList"] == [
        {"orderItemId": "1", "productId": "P-1001", "locationId": "S-102", "quantity": 2},
        {"orderItemId": "2", "productId": "P-1014", "locationId": "S-101", "quantity": 1},
    ]
    assert before + 15 * 60_000 - 1 <= answer["reservation"]["expiresAt"] <= time.time() * 1000 + 15 * 60_000
    assert (at(sandbox, "P-1001", "S-102"), at(sandbox, "P-1001"), at(sandbox, "P-1014")) == (40, 36, 0)


def test_how_long_stock_is_held_can_be_set(tmp_path: Path) -> None:
    with serving(tmp_path, "--reservation-minutes", "90") as server:
        before = time.time() * 1000
        answer = validate(Sandbox(server, server.key), "CART-1", line("P-1001"))
        assert before + 90 * 60_000 - 1 <= answer["reservation"]["expiresAt"] <= time.time() * 1000 + 90 * 60_000


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (line("P-9999"), "PRODUCT_NOT_FOUND"),
        ({"gtin": "00000000", "quantity": 1}, "PRODUCT_NOT_FOUND"),
        (line("P-1014", 2), "INSUFFICIENT_INVENTORY"),
        (line("P-1013"), "INSUFFICIENT_INVENTORY"),
        (line("P-1002", storeId="S-999"), "STORE_NOT_FOUND"),
        (line("P-1001", storeId="S-108", omniFulfillmentType="BOPIS"), "FULFILLMENT_NOT_POSSIBLE"),
        (line("P-1001", **HOME), "SHIPPING_ADDRESS_REQUIRED"),
        (line("P-1001", fulfillmentType="ONLINE"), "SHIPPING_ADDRESS_REQUIRED"),
        (line("P-1001", 2, price=24, discount=48.01), "PRICE_INVALID"),
        (line("P-1001", discount=1), "PRICE_INVALID"),
    ],
    ids=str,
)
def test_one_bad_line_keeps_the_whole_cart_from_its_stock(sandbox: Sandbox, bad: dict[str, Any], code: str) -> None:
    answer = validate(sandbox, "CART-1", line("P-1001", 5, orderItemId="1"), {**bad, "orderItemId": "2"})
    assert answer.keys() == {"valid", "errorCode", "errorMessage", "errors"}
    assert (answer["valid"], answer["errorCode"]) == (False, "CART_INVALID")
    assert [(one["orderItemId"], one["errorCode"]) for one in answer["errors"]] == [("2", code)]
    assert answer["errors"][0]["errorMessage"]
    assert at(sandbox, "P-1001") == 36


def test_every_bad_line_is_told_in_the_order_of_the_cart(sandbox: Sandbox) -> None:
    answer = validate(sandbox, "CART-1", line("P-9999"), line("P-1001"), line("P-1014"), line("P-1014", orderItemId="4"))
    assert [(one.get("orderItemId"), one["errorCode"]) for one in answer["errors"]] == [
        (None, "PRODUCT_NOT_FOUND"),
        ("4", "INSUFFICIENT_INVENTORY"),  # the line before took the last one
    ]


def test_a_cart_that_is_validated_again_holds_only_what_it_has_now(sandbox: Sandbox) -> None:
    validate(sandbox, "CART-1", line("P-1001", 36), line("P-1014"))
    assert validate(sandbox, "CART-1", line("P-1001", 10))["valid"] is True
    assert (at(sandbox, "P-1001"), at(sandbox, "P-1014")) == (26, 1)


def test_a_cart_that_turns_bad_keeps_what_it_held(sandbox: Sandbox) -> None:
    validate(sandbox, "CART-1", line("P-1001", 10))
    assert validate(sandbox, "CART-1", line("P-1001", 1), line("P-9999"))["valid"] is False
    assert at(sandbox, "P-1001") == 26


def test_stock_is_given_back_once(sandbox: Sandbox) -> None:
    validate(sandbox, "CART-1", line("P-1001", 3), line("P-1002", 2))
    assert revert(sandbox, "CART-1") == [3, 2]
    assert (at(sandbox, "P-1001"), at(sandbox, "P-1002")) == (36, 11)
    assert revert(sandbox, "CART-1") == [0, 0]
    assert (at(sandbox, "P-1001"), at(sandbox, "P-1002")) == (36, 11)


def test_a_part_of_a_cart_is_given_back_exactly(sandbox: Sandbox) -> None:
    validate(sandbox, "CART-1", line("P-1001", 3, orderItemId="1"), line("P-1001", 3, orderItemId="2"), line("P-1002", 2))
    assert revert(sandbox, "CART-1", line("P-1001", 0)) == [0, 0]
    assert revert(sandbox, "CART-1", line("P-1001", 1, orderItemId="2")) == [1]
    assert sum(revert(sandbox, "CART-1", line("P-1001", 2))) == 2
    assert at(sandbox, "P-1001") == 33
    assert sum(revert(sandbox, "CART-1", {"gtin": "2004711010417"})) == 3
    assert (at(sandbox, "P-1001"), at(sandbox, "P-1002")) == (36, 9)
    assert revert(sandbox, "CART-1", line("P-1002", 99)) == [2]


def test_the_inventory_endpoints_and_the_cart_agree(sandbox: Sandbox) -> None:
    assert (at(sandbox, "P-1014"), online(sandbox, "P-1014")) == (1, (1, True))
    assert validate(sandbox, "SHIPPED", line("P-1014", **HOME), shippingAddress=CHICAGO)["valid"] is True
    assert (at(sandbox, "P-1014"), online(sandbox, "P-1014")) == (1, (0, False))
    assert online(sandbox, "P-1014", cartId="SHIPPED") == (1, True)
    asked = {"productId": "P-1014", "zipCode": "60622"}
    told = sandbox("POST", "/product/getInventoryOverview", json=asked).json()
    assert told == {"productId": "P-1014", "availabilityText": "Not available for delivery to 60622"}
    assert validate(sandbox, "TAKEN", line("P-1014"))["valid"] is True
    assert at(sandbox, "P-1014") == 0
    assert validate(sandbox, "LATE", line("P-1014"))["errors"][0]["errorCode"] == "INSUFFICIENT_INVENTORY"
    revert(sandbox, "SHIPPED")
    revert(sandbox, "TAKEN")
    assert (at(sandbox, "P-1014"), online(sandbox, "P-1014")) == (1, (1, True))
    assert validate(sandbox, "LATE", line("P-1014"))["valid"] is True


def test_lines_of_one_product_are_counted_together_online(sandbox: Sandbox) -> None:
    lines = [line("P-1034", 10), line("P-1001", 1), line("P-1034", 9)]
    answer = sandbox("POST", "/sa/inventory/check", json={"productList": lines}).json()
    assert answer["errorCode"] == "INSUFFICIENT_INVENTORY"
    told = [(one["productId"], one["availableQuantity"], one["available"]) for one in answer["productList"]]
    assert told == [("P-1034", 18, False), ("P-1001", 140, True), ("P-1034", 18, False)]


@pytest.mark.parametrize(
    ("store", "order"),
    [
        ("S-101", ["S-101", "S-102", "S-104", "S-105", "S-103", "S-106", "S-107", "S-108"]),
        ("S-107", ["S-107", "S-106", "S-108", "S-101", "S-102", "S-104", "S-105", "S-103"]),
    ],
)
def test_stores_are_told_nearest_first(sandbox: Sandbox, store: str, order: list[str]) -> None:
    answer = sandbox("POST", "/product/getInventoryOverview", json={"productId": "P-1001", "storeId": store}).json()
    assert [one["storeId"] for one in answer["inventoryList"]] == order


def shipping(sandbox: Sandbox, *lines: dict[str, Any], **more: Any) -> list[tuple[str, float]]:
    """The methods and their prices, as they come."""
    answer = sandbox("POST", "/sa/shipping/methods", json={"productList": lines, **more}).json()
    assert answer.get("errorCode") == (None if answer["shippingMethods"] else "ADDRESS_NOT_SERVICEABLE")
    return [(one["shippingMethodId"], one["price"]) for one in answer["shippingMethods"]]


@pytest.mark.parametrize(
    ("sold", "prices"),
    [
        (line("P-1001", price=74.99), [5.95, 14.95, 29.95]),
        (line("P-1001", price=75), [0, 14.95, 29.95]),
        (line("P-1001", 3, price=25.01, discount=0.04), [5.95, 14.95, 29.95]),
        (line("P-1001", 10, price=25), [0, 0, 29.95]),
    ],
)
def test_shipping_is_cheapest_first_and_free_over_its_limit(sandbox: Sandbox, sold: dict[str, Any], prices: list[float]) -> None:
    assert [price for _, price in shipping(sandbox, sold, shippingAddress=CHICAGO)] == prices


def test_the_country_decides_the_methods(sandbox: Sandbox) -> None:
    assert shipping(sandbox, line("P-1001"), shippingAddress={"country": "fr"}) == [
        ("SM-EU-STANDARD", 6.9),
        ("SM-EU-EXPRESS", 15.9),
    ]
    assert shipping(sandbox, line("P-1001"), customerId="C-1006") == [("SM-UK-STANDARD", 4.5)]
    assert shipping(sandbox, line("P-1001"), shippingAddress={"countryCode": "JP"}) == []
    assert shipping(sandbox, line("P-1001"), customerId="C-1030") == []


def dates(call: Callable[..., Any], *lines: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The days that are offered."""
    answer = call("POST", "/sa/datetime/slots", json={"productList": lines, **more}).json()
    assert answer.get("errorCode") == (None if answer["dates"] else "NO_DATES_AVAILABLE")
    days: list[dict[str, Any]] = answer["dates"]
    return days


@pytest.mark.parametrize("store", ["S-101", "S-103", "S-106", "S-107"])
def test_days_and_hours_are_those_of_the_store(sandbox: Sandbox, store: str) -> None:
    records = {name: json.loads((ROOT / "fixtures/records" / f"{name}.json").read_text())["records"]
               for name in ("stores", "delivery_slots")}  # fmt: skip
    zone = ZoneInfo(next(one["timeZone"] for one in records["stores"] if one["storeId"] == store))
    pattern = next(one for one in records["delivery_slots"] if one["storeId"] == store)
    offered = dates(sandbox, line("P-1001", **FETCHED), storeId=store)
    assert offered
    for day in offered:
        here = datetime.fromtimestamp(day["date"] / 1000, zone)
        assert f"{here:%H:%M}" == "00:00"
        assert here.date().isoformat() not in pattern["blackoutDates"]
        weekly = [(one["startTime"], one["endTime"]) for one in pattern["weekly"] if one["day"] == DAYS[here.weekday()]]
        told = [tuple(f"{datetime.fromtimestamp(slot[name] / 1000, zone):%H:%M}" for name in ("startTime", "endTime"))
                for slot in day["slots"]]  # fmt: skip
        assert told == weekly[-len(told) :]


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, datetime]]:
    """A merchant with calendars of its own, and the moment there: about noon, whenever the tests run."""
    folder = tmp_path_factory.mktemp("calendar")
    shutil.copytree(ROOT / "fixtures", folder / "set", ignore=shutil.ignore_patterns("examples", "__pycache__"))
    zone = ZoneInfo(f"Etc/GMT{datetime.now(UTC).hour - 12:+d}")
    now = datetime.now(zone)
    stores = json.loads((folder / "set/records/stores.json").read_text())["records"]
    (folder / "set/records/stores.json").write_text(json.dumps([{**one, "timeZone": str(zone)} for one in stores]))
    evening = [{"day": day, "startTime": "22:00", "endTime": "23:00", "capacity": 3} for day in DAYS]
    full = [{**one, "startTime": "23:00", "endTime": "23:30", "capacity": 0} for one in evening]
    common = {"shippingMethodId": "SM-PICKUP", "cutOff": "23:59", "leadDays": 0, "horizonDays": 3, "weekly": evening + full}
    tomorrow = (now + timedelta(days=1)).date().isoformat()
    changes: dict[str, dict[str, Any]] = {
        "S-101": {},
        "S-102": {"cutOff": "00:00"},
        "S-103": {"blackoutDates": [tomorrow]},
        "S-104": {"leadDays": 2},
        "S-105": {"weekly": full},
    }
    slots = [{"storeId": store, **common, **change} for store, change in changes.items()]
    (folder / "set/records/delivery_slots.json").write_text(json.dumps(slots))
    with serving(folder, "--fixtures", str(folder / "set")) as server:
        yield server, now


@pytest.mark.parametrize(
    ("store", "days"),
    [("S-101", [0, 1, 2]), ("S-102", [1, 2, 3]), ("S-103", [0, 2]), ("S-104", [2, 3, 4]), ("S-105", []), ("S-106", [])],
    ids=["before the cut-off", "after it", "a blackout", "a lead time", "nothing free", "no calendar"],
)
def test_the_calendar_decides_the_days(calendar: tuple[Server, datetime], store: str, days: list[int]) -> None:
    server, now = calendar
    offered = dates(server.call, line("P-1001", **FETCHED), storeId=store)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert [datetime.fromtimestamp(one["date"] / 1000, UTC) for one in offered] == [midnight + timedelta(days=n) for n in days]
    assert {slot["remaining"] for one in offered for slot in one["slots"]} == ({3} if days else set())
    assert [len(one["slots"]) for one in offered] == [1] * len(days)


def test_lines_that_go_different_ways_have_their_own_days(sandbox: Sandbox) -> None:
    fetched = [line("P-1002", orderItemId="2", **FETCHED), line("P-1003", orderItemId="3", **FETCHED)]
    lines = [line("P-1001", orderItemId="1", **HOME), *fetched]
    offered = dates(sandbox, *lines, storeId="S-101", shippingAddress=CHICAGO)
    assert {tuple(one["orderItemIds"]) for one in offered} == {("1",), ("2", "3")}
    assert [one["date"] for one in offered] == sorted(one["date"] for one in offered)
    assert not any("orderItemIds" in one for one in dates(sandbox, *lines[1:], storeId="S-101"))
