"""A sandbox's clock: real, frozen, shifted, scaled, moved on; what falls due is listed and comes about."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import Server, serving

NOON = 1_800_000_000_000
MINUTE, DAY = 60_000, 86_400_000
YEAR_9999 = 253_402_300_799_999


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("clock"), "--workers", request.param) as one:
        yield one


def clock(server: Server, key: str, **change: Any) -> dict[str, Any]:
    """A change of a clock, and what the admin port says of it."""
    answer = server.admin("POST", f"/sandboxes/{key}/clock", change)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def real() -> int:
    """Now, outside."""
    return time.time_ns() // 1_000_000


def hold(server: Server, key: str, cart: str, quantity: int = 1) -> dict[str, Any]:
    """A validated cart, which holds its stock."""
    lines = [{"orderItemId": "1", "productId": "P-1001", "quantity": quantity, "price": 24}]
    body = {"cartId": cart, "storeId": "S-102", "customerId": "C-1001", "currency": "USD", "productList": lines}
    answer = server.call("POST", "/sa/cartValidation", key=key, json=body)
    found: dict[str, Any] = answer.json()
    assert "errorCode" not in found, answer.text
    return found


def free(server: Server, key: str) -> int:
    """How many units can be had in the store."""
    shops = server.call("POST", "/product/getInventoryOverview", key=key, json={"productId": "P-1001"}).json()["inventoryList"]
    return next(int(one["availableQuantity"]) for one in shops if one["storeId"] == "S-102")


def test_each_kind_of_clock_shows_its_time(house: Server) -> None:
    key = house.minted()
    before = real()
    assert before <= clock(house, key)["now"] <= real()
    assert clock(house, key, frozen=NOON)["now"] == clock(house, key)["now"] == NOON
    before = real()
    assert before - DAY <= clock(house, key, shift=-DAY)["now"] <= real() - DAY
    clock(house, key, frozen=NOON, scale=1_000_000)
    assert clock(house, key)["now"] > NOON
    assert house.admin("GET", f"/sandboxes/{key}").json()["clock"]["kind"] == "scaled"
    before = real()
    assert before <= clock(house, key, real=True)["now"] <= real()
    assert before + DAY <= clock(house, key, advance=DAY)["now"] <= real() + DAY
    assert house.admin("GET", f"/sandboxes/{key}").json()["clock"]["kind"] == "shifted"


def test_what_a_sandbox_writes_has_its_time_whichever_worker_answers(house: Server) -> None:
    key = house.minted()
    for turn in range(10):
        clock(house, key, frozen=NOON + turn * DAY)
        held = hold(house, key, f"CART-{turn}")
        assert held["reservation"]["expiresAt"] == NOON + turn * DAY + 15 * MINUTE


def test_moving_the_clock_lists_what_fell_due_in_order_and_gives_the_stock_back(house: Server) -> None:
    key = house.minted(clock={"frozen": NOON})
    at_first = free(house, key)
    hold(house, key, "CART-B")
    clock(house, key, advance=MINUTE)
    hold(house, key, "CART-A", 2)
    assert free(house, key) == at_first - 3
    told = clock(house, key, advance=14 * MINUTE - 1)
    assert (told["now"], told["fired"]) == (NOON + 15 * MINUTE - 1, [])
    assert free(house, key) == at_first - 3
    assert clock(house, key, advance=1)["fired"] == [{"kind": "RESERVATION_EXPIRED", "id": "CART-B", "at": NOON + 15 * MINUTE}]
    assert free(house, key) == at_first - 2
    hold(house, key, "CART-C")
    due = [one for one in clock(house, key, frozen=NOON + DAY)["fired"] if one["kind"] == "RESERVATION_EXPIRED"]
    assert [(one["id"], one["at"] - NOON) for one in due] == [("CART-A", 16 * MINUTE), ("CART-C", 30 * MINUTE)]
    assert free(house, key) == at_first
    assert clock(house, key, advance=0)["fired"] == []


def test_what_was_given_back_does_not_fall_due(house: Server) -> None:
    key = house.minted(clock={"frozen": NOON})
    hold(house, key, "CART-R")
    hold(house, key, "CART-S")
    house.call("POST", "/sa/inventoryService/revert", key=key, json={"cartId": "CART-R"})
    assert [one["id"] for one in clock(house, key, advance=15 * MINUTE)["fired"]] == ["CART-S"]


def test_slots_that_can_no_longer_be_chosen_are_listed(house: Server) -> None:
    key = house.minted(clock={"frozen": NOON})
    cart = {
        "cartId": "D",
        "storeId": "S-102",
        "productList": [{"orderItemId": "1", "productId": "P-1001", "quantity": 1, "omniFulfillmentType": "BOPIS"}],
    }

    def offered() -> set[str]:
        days = house.call("POST", "/sa/datetime/slots", key=key, json=cart).json().get("dates", [])
        return {slot["slotId"] for day in days for slot in day["slots"]}

    before = offered()
    told = clock(house, key, advance=2 * DAY)["fired"]
    closed = {one["id"] for one in told if one["kind"] == "SLOT_CLOSED"}
    gone = before - offered()
    assert gone
    assert closed & before == gone
    assert [one["at"] for one in told] == sorted(one["at"] for one in told)


def test_no_step_of_many_at_once_is_lost(house: Server) -> None:
    key = house.minted(clock={"frozen": NOON})
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: clock(house, key, advance=1000), range(64)))
    assert clock(house, key)["now"] == NOON + 64_000


@pytest.mark.parametrize(
    "change",
    [
        {"frozen": NOON, "shift": 5},
        {"frozen": NOON, "real": True},
        {"frozen": YEAR_9999},
        {"frozen": -62_135_596_800_000},
        {"advance": -1},
        {"advance": 10**15},
        {"scale": -1},
        {"scale": "2"},
        {"forward": 5},
        {"frozen": 1.5},
    ],
    ids=str,
)
def test_a_clock_that_cannot_be_is_refused_and_stays_as_it_was(change: dict[str, Any], house: Server) -> None:
    key = house.minted(clock={"frozen": NOON})
    refused = house.admin("POST", f"/sandboxes/{key}/clock", change)
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "REQUEST_INVALID")
    assert clock(house, key)["now"] == NOON


def test_the_fastest_clock_never_leaves_the_calendar(house: Server) -> None:
    key = house.minted(clock={"frozen": 221_845_000_000_000, "scale": 1_000_000})
    for _ in range(20):
        answer = house.call("GET", "/sa/customers/C-1001", key=key)
        assert answer.status_code == 200
        hold(house, key, "CART-LATE")


def test_one_sandboxs_clock_is_nobody_elses(house: Server) -> None:
    here, there = house.minted(clock={"frozen": NOON}), house.minted(clock={"frozen": NOON})
    clock(house, here, advance=DAY)
    assert clock(house, there)["now"] == NOON
