"""Rewards: found by any key of their customer, used up by the order that is paid with one, given back with the last unit."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, Sandbox, Server, mockspi, serving
from membership import bought, entries, points, programme, reward, standing, told, usable
from selling import DAY, sell, sold
from test_orders import give_back, line

CASH = {"paymentMethod": "Cash", "amountAuthorized": 16.4}


def paid(shop: Sandbox, *tenders: dict[str, Any], order_id: str = "O-1", by: str = "C-1001", **more: Any) -> dict[str, Any]:
    """What an order of one thing, paid so, is answered."""
    return sell(shop, bought(order_id, sold("P-1001", 2), by=by, tenders=list(tenders), **more))


def held(shop: Sandbox, reward_id: str) -> dict[str, Any]:
    """A reward as it is kept."""
    record: dict[str, Any] = told(shop, "GET", f"/records/rewards/{reward_id}")["record"]
    return record


@pytest.mark.parametrize(
    "asked",
    [
        {"customerId": "C-1001"},
        {"cardAcquisitionToken": "CAT-7F3A91"},
        {"email": "Zoe.Martin@EXAMPLE.com"},
        {"phone": "+1 (312) 555-0101"},
        {"loyaltyId": "L-1001"},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_a_reward_that_was_used_is_not_found_by_any_key(shop: Sandbox, asked: dict[str, str]) -> None:
    def found() -> list[str]:
        return [one["rewardId"] for one in shop("POST", "/reward/lookup", json=asked).json()["rewards"]]

    assert found() == ["R-3001", "R-3002"]
    assert "errorCode" not in paid(shop, reward("R-3001"), CASH)
    assert found() == ["R-3002"]
    told(shop, "POST", "/clock", {"frozen": held(shop, "R-3002")["expiryDate"] - 1})
    assert found() == ["R-3002"]
    fired = told(shop, "POST", "/clock", {"advance": 1})["fired"]
    assert [one["id"] for one in fired if one["kind"] == "REWARD_EXPIRED"] == ["R-3002"]  # not the one that is used
    assert found() == []
    back = told(shop, "POST", "/clock", {"frozen": NOON})["fired"]
    assert back == []


def test_an_order_uses_a_reward_up_and_its_points_are_those_of_the_whole(shop: Sandbox) -> None:
    for _ in range(2):
        assert "errorCode" not in paid(shop, reward("R-3001"), CASH)
    assert (held(shop, "R-3001")["status"], held(shop, "R-3001")["orderId"]) == ("USED", "O-1")
    assert standing(shop, "C-1001")[0] == 2340 + 72
    refused = paid(shop, reward("R-3001"), CASH, order_id="O-2")
    assert refused["errors"] == [{"path": "/tenders/0/rewardId", "message": "'R-3001' is used already"}]


@pytest.mark.parametrize(
    ("customer", "tenders", "path", "message"),
    [
        ("C-1001", [reward("R-1")], "/tenders/0/rewardId", "'R-1' is no reward of the order's customer"),
        ("C-1001", [CASH, reward("R-3005")], "/tenders/1/rewardId", "'R-3005' is no reward of the order's customer"),
        ("C-1002", [reward("R-3004")], "/tenders/0/rewardId", "'R-3004' is used already"),
        ("C-1001", [reward("R-3001"), reward("R-3001")], "/tenders/1/rewardId", "'R-3001' is used already"),
        ("C-1001", [reward("R-3003")], "/tenders/0/rewardId", "'R-3003' has expired"),
        ("C-1006", [reward("R-3006")], "/tenders/0/rewardId", "'R-3006' is in GBP, not in USD"),
        ("C-1001", [reward("R-3001", 10.01)], "/tenders/0/amountAuthorized", "'R-3001' is worth 10, less than 10.01"),
    ],
    ids=["unknown", "somebody else's", "used", "twice", "expired", "another currency", "for more"],
)
def test_a_reward_that_cannot_be_used_refuses_the_whole_order(
    shop: Sandbox, customer: str, tenders: list[Any], path: str, message: str
) -> None:
    sent = bought("O-1", sold("P-1001"), by=customer, tenders=[*tenders, points(5)])
    answer = shop.server.admin("POST", f"/sandboxes/{shop.key}/orders", sent)
    assert (answer.status_code, answer.json()["errorCode"]) == (409, "TENDER_REFUSED")
    assert answer.json()["errors"] == [{"path": path, "message": message}]
    assert usable(shop) == ["R-3001", "R-3002"]
    assert [one for one in entries(shop, customer) if one[0] == "REDEEM"] == []


def test_nobody_pays_with_a_reward_without_saying_who_they_are(shop: Sandbox) -> None:
    sent = bought("O-1", sold("P-1001"), tenders=[reward("R-3001")])
    del sent["customerProfile"]
    assert sell(shop, sent)["errors"][0]["message"] == "'R-3001' is no reward of the order's customer"


def test_a_declined_or_canceled_payment_uses_no_reward(shop: Sandbox) -> None:
    assert "errorCode" not in paid(shop, reward("R-3001", paymentStatus="DECLINED"), CASH)
    assert "errorCode" not in paid(shop, reward("R-3001"), CASH, order_id="O-2", orderStatus="CANCELED")
    assert usable(shop) == ["R-3001", "R-3002"]
    standing(shop)


def test_a_reward_comes_back_with_the_last_unit_and_can_be_used_again(shop: Sandbox) -> None:
    paid(shop, reward("R-3001"), reward("R-3002", 3), CASH)
    give_back(shop, "O-1", line("1"), requestId="1")
    assert usable(shop) == []
    standing(shop)
    give_back(shop, "O-1", line("1"), requestId="2")
    assert usable(shop) == ["R-3001", "R-3002"]
    assert "orderId" not in held(shop, "R-3001")
    assert "errorCode" not in paid(shop, reward("R-3002", 25), CASH, order_id="O-2")
    assert usable(shop) == ["R-3001"]
    standing(shop)


def test_a_customer_without_points_has_rewards_all_the_same(shop: Sandbox) -> None:
    mine = {"rewardId": "R-1", "customerId": "C-1012", "name": "Hello", "amount": 10, "currency": "USD", "expiryDate": NOON + 1}
    told(shop, "PUT", "/records/rewards", {"records": [{**mine, "status": "AVAILABLE"}]})
    assert "errorCode" not in paid(shop, reward("R-1"), CASH, by="C-1012")
    assert usable(shop, "C-1012") == []
    give_back(shop, "O-1", line("1", 2))
    assert usable(shop, "C-1012") == ["R-1"]


def test_what_is_taken_in_exchange_may_be_paid_with_a_reward(shop: Sandbox) -> None:
    paid(shop, {"paymentMethod": "Cash", "amountAuthorized": 52.8})
    fresh = sold("P-1036", item="2", price=60, storeId="S-102")
    answer = give_back(shop, "O-1", line("1", exchange=True), orderProductList=[fresh], tenders=[reward("R-3001")])
    assert "errorCode" not in answer
    assert held(shop, "R-3001")["orderId"] == "O-1"
    standing(shop)


def test_one_reward_is_used_once_however_many_pay_with_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        one = race(server)
        assert one == Counter({"TENDER_REFUSED": 31, None: 1})


def race(server: Server) -> Counter[str | None]:
    """Sixteen orders and sixteen exchanges, through two workers and the admin port, all with one reward."""
    shop = Sandbox(server, server.minted(clock={"frozen": NOON}))
    told(shop, "PUT", "/records/stock", {"records": [{"productId": "P-1001", "locationId": "S-102", "onHand": 99}]})
    for number in range(16):
        cash = {"paymentMethod": "Cash", "amountAuthorized": 26.4}
        assert "errorCode" not in sell(shop, bought(f"X-{number}", sold("P-1001"), by="C-1001", tenders=[cash]))
    start = threading.Barrier(32)

    def pays(number: int) -> str | None:
        start.wait()
        if number < 16:
            found = sell(shop, bought(f"O-{number}", sold("P-1001"), by="C-1001", tenders=[reward("R-3001"), CASH]))
        else:
            fresh = sold("P-1001", item="2", price=40, storeId="S-102")
            back = {"orderProductList": [fresh], "tenders": [reward("R-3001")]}
            found = give_back(shop, f"X-{number - 16}", line("1", exchange=True), **back)
        code: str | None = found.get("errorCode")
        return code

    with ThreadPoolExecutor(32) as pool:
        codes = Counter(pool.map(pays, range(32)))
    standing(shop)
    return codes


def test_a_ledger_is_told_with_what_is_due(shop: Sandbox) -> None:
    programme(shop, pointsValidDays=10)
    sell(shop, bought("O-1", sold("P-1001"), by="C-1014"))
    told(shop, "POST", "/clock", {"advance": 10 * DAY})
    found = told(shop, "GET", "/loyalty/C-1014")
    assert (found["points"], found["tier"]) == (0, "BRONZE")
    assert [(one["entryId"], one["type"], one["points"]) for one in found["entries"]] == [("1", "EARN", 24), ("2", "EXPIRE", -24)]
    assert [one["type"] for one in told(shop, "GET", "/loyalty/C-1003")["entries"]] == ["ADJUST"]
    answer = shop.server.admin("GET", f"/sandboxes/{shop.key}/loyalty/C-1012")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "LOYALTY_PROFILE_NOT_FOUND")


def test_the_command_shows_a_ledger(server: Server) -> None:
    shop = Sandbox(server, server.minted(clock={"frozen": NOON}))
    give_back(shop, "O-7001", line("1"))
    words = ("--sandbox", shop.key, "--admin-url", server.admin_url, "--admin-token", server.token)
    done = mockspi("loyalty", "C-1001", *words)
    assert done.stdout.splitlines()[:3] == [
        "C-1001: 2304 points, GOLD",
        "  2024-07-01  ADJUST      +2135       2135",
        "  2025-01-18  EARN         +205       2340  O-7001",
    ]
    assert done.stdout.splitlines()[3].startswith("  2027-01-15  EARN          -36       2304  O-7001 O-7001-R-")
    assert json.loads(mockspi("loyalty", "C-1001", "--json", *words).stdout)["points"] == 2304
    for name in ("BRONZE", "SILVER", "GOLD", "PLATINUM"):
        told(shop, "DELETE", f"/records/loyalty_tiers/{name}")
    assert mockspi("loyalty", "C-1001", *words).stdout.splitlines()[0] == "C-1001: 2304 points, no tier"
    gone = mockspi("loyalty", "C 9", *words)
    assert (gone.returncode, "Customer 'C 9' is not there" in gone.stderr) == (2, True)


def test_what_comes_back_takes_the_points_that_it_brought(shop: Sandbox) -> None:
    programme(shop, pointsValidDays=10)
    sell(shop, bought("O-1", sold("P-1001", price=100), by="C-1014"))
    told(shop, "POST", "/clock", {"advance": 5 * DAY})
    sell(shop, bought("O-2", sold("P-1001", price=50), by="C-1014"))
    give_back(shop, "O-2", line("1"))
    told(shop, "POST", "/clock", {"advance": 5 * DAY})
    assert told(shop, "GET", "/loyalty/C-1014")["points"] == 0


def test_points_that_came_back_are_not_taken_again_when_an_exchange_adds_money(shop: Sandbox) -> None:
    paid(shop, points(40, 26.4), {"paymentMethod": "Cash", "amountAuthorized": 26.4})
    give_back(shop, "O-1", line("1"))
    assert entries(shop, "C-1001")[-1] == ("REDEEM", 20)
    fresh, more = sold("P-1036", item="2", price=100, storeId="S-102"), {"paymentMethod": "Cash", "amountAuthorized": 83.6}
    give_back(shop, "O-1", line("1", exchange=True), orderProductList=[fresh], tenders=[more])
    assert [kind for kind, _ in entries(shop, "C-1001")[-2:]] == ["EARN", "EARN"]
    standing(shop, "C-1001")
