"""Employees: who has a discount, and a limit that purchases use up and returns give back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import NOON, Sandbox, Server
from selling import order, sell, sold
from test_orders import give_back, read
from test_orders import line as back

PARIS, CHICAGO = ZoneInfo("Europe/Paris"), ZoneInfo("America/Chicago")


def at(zone: ZoneInfo, *parts: int) -> int:
    """A moment on a clock somewhere."""
    return int(datetime(*parts, tzinfo=zone).timestamp() * 1000)  # type: ignore[misc,arg-type]  # year, month, day, ...


def rest(shop: Sandbox, employee: str = "E-2001") -> float:
    """What is left of an employee's limit."""
    found: float = shop("POST", "/sa/employee/verification", json={"employeeId": employee}).json()["remainingDiscount"]
    return found


def buy(name: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A purchase of E-2001, whose limit is 1500 a month."""
    return order(name, *lines, **{"employeeId": "E-2001", **more})


def refused(shop: Sandbox, sent: dict[str, Any]) -> tuple[int, str, str]:
    """How an order is refused."""
    told = shop.server.admin("POST", f"/sandboxes/{shop.key}/orders", sent)
    assert read(shop, sent["orderId"])["errorCode"] == "ORDER_NOT_FOUND"
    (one,) = told.json()["errors"]
    return told.status_code, told.json()["errorCode"], f"{one['path']}: {one['message']}"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"employeeId": "E-2001"}, None),
        ({"employeeId": "E-2001", "email": "Rosa.Delgado@Northlight.example"}, None),
        ({"employeeId": "E-2001", "email": "somebody@northlight.example"}, "EMPLOYEE_NOT_FOUND"),
        ({"employeeId": "e-2001"}, "EMPLOYEE_NOT_FOUND"),
        ({"employeeId": "E-2009"}, "EMPLOYEE_INACTIVE"),
    ],
    ids=str,
)
def test_only_active_employees_are_verified(sandbox: Sandbox, asked: dict[str, str], code: str | None) -> None:
    answer = sandbox("POST", "/sa/employee/verification", json=asked).json()
    assert (answer["verified"], answer.get("errorCode")) == (code is None, code)
    assert ("discountPercent" in answer) is (code is None)
    if code is None:
        assert (answer["firstName"], answer["discountPercent"], answer["remainingDiscount"]) == ("Rosa", 25, 1500)


def test_purchases_use_up_the_limit_after_discounts_and_before_tax(shop: Sandbox) -> None:
    assert rest(shop) == 1500
    sell(shop, buy("O-1", sold("P-1001", 10, discount=60.01), sold("P-1036", 1, "2", price=24)))
    assert rest(shop) == 1296.01
    sell(shop, order("O-2", sold("P-1001")))
    assert (rest(shop), rest(shop, "E-2002")) == (1296.01, 1000)


def test_a_purchase_of_exactly_the_rest_is_the_last(shop: Sandbox) -> None:
    over = refused(shop, buy("O-1", sold("P-1001", 1, price=1500.01)))
    assert over == (409, "EMPLOYEE_LIMIT_EXCEEDED", "/employeeId: the purchase comes to 1500.01; 1500 of 1500 is left")
    assert "errorCode" not in sell(shop, buy("O-1", sold("P-1001", 1, price=1500)))
    assert rest(shop) == 0
    over = refused(shop, buy("O-2", sold("P-1001", 1, price=0.01)))
    assert over[2] == "/employeeId: the purchase comes to 0.01; 0 of 1500 is left"
    assert "errorCode" not in sell(shop, buy("O-2", sold("P-1001", 1, price=0)))


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({"employeeId": "E-9999"}, (409, "EMPLOYEE_NOT_FOUND", "/employeeId: no employees record has this key")),
        ({"employeeId": "E-9999", "orderStatus": "CANCELED"},
         (409, "EMPLOYEE_NOT_FOUND", "/employeeId: no employees record has this key")),
        ({"employeeId": "E-2009"}, (409, "EMPLOYEE_INACTIVE", "/employeeId: the employee is not active")),
        ({"currency": "EUR"}, (400, "REQUEST_INVALID", "/currency: the limit of E-2001 is in USD")),
    ],
    ids=str,
)  # fmt: skip
def test_a_purchase_of_nobody_is_refused_whole(shop: Sandbox, change: dict[str, Any], right: tuple[int, str, str]) -> None:
    assert refused(shop, buy("O-1", sold("P-1001"), **change)) == right
    assert rest(shop) == 1500


def test_a_cancelled_purchase_uses_nothing(shop: Sandbox) -> None:
    for number, employee in enumerate(("E-2001", "E-2009")):
        sent = buy(f"O-{number}", sold("P-1001", 99), orderStatus="CANCELED", employeeId=employee)
        assert "errorCode" not in sell(shop, sent)
    assert rest(shop) == 1500


def test_the_same_purchase_again_uses_nothing_more(shop: Sandbox) -> None:
    sent = buy("O-1", sold("P-1001", 40, discount=10))
    assert sell(shop, sent) == sell(shop, sent)
    assert rest(shop) == 550


def test_returns_give_back_their_share_to_the_cent(shop: Sandbox) -> None:
    sell(shop, buy("O-1", sold("P-1001", 3, price=10, discount=0.1), sold("P-1036", 1, "2", price=24)))
    seen = [rest(shop)]
    for number in range(3):
        give_back(shop, "O-1", back("1"), requestId=f"R-{number}")
        seen.append(rest(shop))
    assert seen == [1446.1, 1456.07, 1466.03, 1476]
    give_back(shop, "O-1", back("2"))
    assert rest(shop) == 1500


def test_an_exchange_uses_what_it_brings_and_stays_within_the_limit(shop: Sandbox) -> None:
    sell(shop, buy("O-1", sold("P-1001", 1, price=1400)))
    swap = {**back("1"), "exchange": True}
    told = give_back(shop, "O-1", swap, orderProductList=[sold("P-1036", 1, "2", price=1500.01)])
    assert told["errorCode"] == "EMPLOYEE_LIMIT_EXCEEDED"
    assert told["errors"][0]["message"] == "the purchase comes to 1500.01; 1500 of 1500 is left"
    assert (rest(shop), read(shop, "O-1")["orderStatus"]) == (100, "COMPLETED")
    told = give_back(shop, "O-1", swap, orderProductList=[sold("P-1036", 1, "2", price=1500)])
    assert (told["orderStatus"], rest(shop)) == ("EXCHANGED", 0)


@pytest.mark.parametrize(
    ("employee", "store", "currency", "zone", "last", "first"),
    [
        ("E-2001", "S-102", "USD", CHICAGO, (2027, 1, 31, 23, 59), (2027, 2, 1)),
        ("E-2008", "S-107", "EUR", PARIS, (2027, 12, 31, 23, 59), (2028, 1, 1)),
    ],
    ids=["a month in Chicago", "a year in Paris"],
)
def test_a_period_begins_at_midnight_where_the_employee_works(
    server: Server, employee: str, store: str, currency: str, zone: ZoneInfo, last: tuple[int, ...], first: tuple[int, ...]
) -> None:
    shop = Sandbox(server, server.minted(clock={"frozen": at(zone, *last)}))
    whole = rest(shop, employee)
    facts = {"employeeId": employee, "storeId": store, "currency": currency}
    sell(shop, order("O-1", sold("P-1001", price=100), **facts, orderDate=at(zone, *last)))
    sell(shop, order("O-2", sold("P-1001", price=10), **facts, orderDate=at(zone, *first)))
    assert rest(shop, employee) == whole - 100
    server.admin("POST", f"/sandboxes/{shop.key}/clock", {"frozen": at(zone, *first)})
    assert rest(shop, employee) == whole - 10
    assert refused(shop, order("O-3", sold("P-1001", price=whole), **facts, orderDate=NOON))[1] == "EMPLOYEE_LIMIT_EXCEEDED"


def test_a_limit_without_a_period_is_for_ever(shop: Sandbox) -> None:
    london = {"employeeId": "E-2007", "storeId": "S-106", "currency": "GBP"}
    for number, when in enumerate((0, NOON, 250_000_000_000_000)):
        sell(shop, order(f"O-{number}", sold("P-1001", price=100), **london, orderDate=when))
    assert rest(shop, "E-2007") == 500


def test_an_order_of_any_year_is_of_some_period(shop: Sandbox) -> None:
    for number, when in enumerate((-62_135_596_800_000, 253_402_300_799_999)):
        assert "errorCode" not in sell(shop, buy(f"O-{number}", sold("P-1001"), orderDate=when))
    assert rest(shop) == 1500
    assert shop.server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()["holds"] is True


def test_thirty_two_tills_race_for_the_rest_of_a_limit(server: Server) -> None:
    shop = Sandbox(server, server.minted(clock={"frozen": NOON}))
    with ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda number: sell(shop, buy(f"O-{number}", sold("P-1001", price=500))).get("errorCode"), range(32))
        codes = list(answers)
    assert (codes.count(None), codes.count("EMPLOYEE_LIMIT_EXCEEDED"), rest(shop)) == (3, 29, 0)
