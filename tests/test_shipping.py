"""Shipping methods by address, weight and value, when things arrive, and orders that go by them. Results are reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from calendars import at, made, shown
from conftest import NOON, Sandbox, Server, serving
from selling import order, sell, sold
from test_checkout import HOME, line
from test_orders import give_back
from test_orders import line as back

NYC = {"addressLine1": "1 Test Street", "city": "New York", "state": "NY", "postalCode": "10001", "countryCode": "US"}
BOSTON = {**NYC, "city": "Boston", "state": "MA", "postalCode": "02108"}
SEATTLE = {**NYC, "city": "Seattle", "state": "wa", "postalCode": "98101", "countryCode": "us"}
LONDON = {"addressLine1": "1 Test Street", "city": "London", "postalCode": "sw1a 1aa", "country": "GB"}
LEEDS = {**LONDON, "city": "Leeds", "postalCode": "LS1 1UR"}
HERE = {"omniFulfillmentType": "IN_STORE"}
FETCHED = {"omniFulfillmentType": "BOPIS"}

#: what is sent, where to, and the methods with their prices; P-1001 weighs 0.18 kg, P-1037 1.62 kg, P-1033 nothing
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[tuple[str, float]]]] = {
    "anywhere in the country": ([line("P-1001", price=24)], BOSTON, [("M-STD", 5)]),
    "a city by its postal code": ([line("P-1001", price=24)], NYC, [("M-CITY", 4), ("M-STD", 5)]),
    "a state, however it is written": ([line("P-1001", price=24)], SEATTLE, [("M-WEST", 3), ("M-STD", 5)]),
    "a postal code, however it is written": ([line("P-1001")], LONDON, [("M-CITY", 4), ("M-UK", 4.5)]),
    "another country": ([line("P-1001")], LEEDS, [("M-UK", 4.5)]),
    "no country": ([line("P-1001")], {"city": "Boston"}, []),
    "no state and no postal code": ([line("P-1001")], {"countryCode": "US"}, [("M-STD", 5)]),
    "not a way that never goes": ([line("P-1001")], {"countryCode": "FR"}, []),
    "just under what is free": ([line("P-1001", price=49.99)], BOSTON, [("M-STD", 5)]),
    "just what is free": ([line("P-1001", price=50)], BOSTON, [("M-STD", 0)]),
    "free before the discount only": ([line("P-1001", 2, price=30, discount=10.01)], BOSTON, [("M-STD", 5)]),
    "free after the discount too": ([line("P-1001", 2, price=30, discount=10)], BOSTON, [("M-STD", 0)]),
    "free is cheapest": ([line("P-1001", 2, price=30)], NYC, [("M-STD", 0), ("M-CITY", 4)]),
    "free for what is shipped, not for what is taken": (
        [line("P-1001", price=40, **HOME), line("P-1001", price=40, **HERE), line("P-1001", price=40, **FETCHED)],
        BOSTON, [("M-STD", 5)]),
    "two shipped lines are free together": ([line("P-1001", price=40, **HOME), line("P-1001", price=40)], BOSTON, [("M-STD", 0)]),
    "free in its own currency": ([line("P-1001", price=40)], {**LEEDS, "currency": "GBP"}, [("M-UK", 0)]),
    "not free in another currency": ([line("P-1001", price=40)], {**LEEDS, "currency": "EUR"}, [("M-UK", 4.5)]),
    "exactly two kilograms": ([line("P-1037"), line("P-1038", 1), line("P-1029", 3), line("P-1030")], BOSTON, [("M-STD", 5)]),
    "just over two kilograms": (
        [line("P-1037"), line("P-1038", 1), line("P-1029", 3), line("P-1030", 2)], BOSTON, [("M-STD", 9)]),
    "heavy": ([line("P-1037", 7)], BOSTON, [("M-STD", 20)]),
    "heavy and free": ([line("P-1037", 7, price=145)], BOSTON, [("M-STD", 0)]),
    "what is taken weighs nothing": ([line("P-1001"), line("P-1037", 7, **HERE)], BOSTON, [("M-STD", 5)]),
    "what has no weight": ([line("P-1033", 1000)], BOSTON, [("M-STD", 5)]),
    "what nobody knows weighs nothing": ([line("P-9999", 1000)], BOSTON, [("M-STD", 5)]),
    "by its gtin": ([{"gtin": "2004711010417", "quantity": 12}], BOSTON, [("M-STD", 9)]),
    "as much as is carried": ([line("P-1037", 18), line("P-1020", 1), line("P-1036", 1), line("P-1030", 7)], BOSTON,
                              [("M-STD", 20)]),
    "more than is carried": ([line("P-1037", 18), line("P-1020", 1), line("P-1036", 1), line("P-1030", 8)], BOSTON, []),
    "nothing to ship": ([line("P-1001", price=99, **HERE)], BOSTON, [("M-STD", 5)]),
}  # fmt: skip


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The merchant of ``calendars``."""
    folder = tmp_path_factory.mktemp("shipping")
    with serving(folder, "--fixtures", str(made(folder))) as server:
        yield server


@pytest.fixture(scope="module")
def opened(merchant: Server) -> Callable[[int], Sandbox]:
    """Makes a sandbox whose clock stands at a moment."""
    return lambda now: Sandbox(merchant, merchant.minted(clock={"frozen": now}))


def methods(shop: Sandbox, lines: list[dict[str, Any]], place: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The methods that are told; a currency beside the address is the cart's."""
    address = {name: value for name, value in place.items() if name != "currency"}
    currency = {name: value for name, value in place.items() if name == "currency"}
    answer = shop("POST", "/sa/shipping/methods", json={"shippingAddress": address, "productList": lines, **currency, **more})
    told: list[dict[str, Any]] = answer.json()["shippingMethods"]
    assert answer.json().get("errorCode") == (None if told else "ADDRESS_NOT_SERVICEABLE")
    return told


@pytest.mark.parametrize("case", CASES)
def test_address_weight_and_value_decide_the_methods_and_prices(opened: Callable[[int], Sandbox], case: str) -> None:
    lines, place, right = CASES[case]
    assert [(one["shippingMethodId"], one["price"]) for one in methods(opened(NOON), lines, place)] == right


@pytest.mark.parametrize(
    ("now", "named", "lines", "days"),
    [
        ("2027-01-13T13:59", "M-STD", [line("P-1001")], ["2027-01-14", "2027-01-19"]),  # Wednesday; Monday is a holiday
        ("2027-01-13T14:00", "M-STD", [line("P-1001")], ["2027-01-15", "2027-01-20"]),  # as if on Thursday
        ("2027-01-15T13:59", "M-STD", [line("P-1001")], ["2027-01-19", "2027-01-21"]),  # Friday, in time
        ("2027-01-15T14:00", "M-STD", [line("P-1001")], ["2027-01-20", "2027-01-22"]),  # as if on Tuesday
        ("2027-01-16T09:00", "M-STD", [line("P-1001")], ["2027-01-20", "2027-01-22"]),  # a Saturday counts as Tuesday too
        ("2027-01-18T09:00", "M-STD", [line("P-1001")], ["2027-01-20", "2027-01-22"]),
        ("2027-03-12T13:00", "M-STD", [line("P-1001")], ["2027-03-15", "2027-03-17"]),  # over a day of 23 hours
        ("2027-11-05T13:00", "M-STD", [line("P-1001")], ["2027-11-08", "2027-11-10"]),  # over a day of 25 hours
        ("2027-01-15T14:00", "M-CITY", [line("P-1001")], ["2027-01-14T19:00", "2027-01-14T19:00"]),  # no calendar: a day in UTC
        ("2027-01-15T14:00", "M-CITY", [line("P-1001", storeId="S-101", omniFulfillmentType="BOFIS")],
         ["2027-01-15", "2027-01-15"]),  # no calendar: a day at the store
        ("2027-01-15T14:00", "M-STD", [line("P-1001", storeId="S-101", omniFulfillmentType="BOFIS")],
         ["2027-01-20", "2027-01-22"]),  # a store without one goes by ONLINE's
    ],
)  # fmt: skip
def test_days_are_those_on_which_the_merchant_hands_over(
    opened: Callable[[int], Sandbox], now: str, named: str, lines: list[dict[str, Any]], days: list[str]
) -> None:
    told = {one["shippingMethodId"]: one for one in methods(opened(at(now)), lines, NYC)}[named]
    assert [shown(told["minDate"]), shown(told["maxDate"])] == days


def test_what_leaves_from_two_places_is_there_when_the_last_is(opened: Callable[[int], Sandbox]) -> None:
    shop = opened(at("2027-01-15T14:00"))  # 11:00 in Los Angeles: the cut-off was at 10:00
    store = line("P-1001", storeId="S-103", omniFulfillmentType="SHIP_TO_HOME_CURRENT_STORE")
    online = line("P-1001", **HOME)

    def days(*lines: dict[str, Any]) -> list[str]:
        told = {one["shippingMethodId"]: one for one in methods(shop, list(lines), SEATTLE)}["M-WEST"]
        return [shown(told["minDate"]), shown(told["maxDate"])]

    assert days(online) == ["2027-01-14T19:00", "2027-01-15T19:00"]
    assert days(store) == days(store, online) == ["2027-01-16T03:00", "2027-01-17T03:00"]


def test_the_customers_own_address_counts_where_none_is_sent(opened: Callable[[int], Sandbox]) -> None:
    answer = opened(NOON)("POST", "/sa/shipping/methods", json={"customerId": "C-1006", "productList": [line("P-1001")]})
    assert [one["shippingMethodId"] for one in answer.json()["shippingMethods"]] == ["M-UK"]


@pytest.mark.parametrize(
    ("lines", "place", "errors"),
    [
        ([sold("P-1001", shippingMethodId="M-STD", **HOME)], BOSTON, []),
        ([sold("P-1001", shippingMethodId="M-FOX", **HOME)], BOSTON, ["0: no shipping_methods record has the key 'M-FOX'"]),
        ([sold("P-1001", shippingMethodId="M-STD", **HOME)], LEEDS, ["0: M-STD does not go to GB LS1 1UR"]),
        ([sold("P-1001"), sold("P-1001", item="2", shippingMethodId="M-WEST", **HOME)], BOSTON,
         ["1: M-WEST does not go to US MA 02108"]),
        ([sold("P-1001", shippingMethodId="SM-PICKUP", **HOME)], BOSTON, ["0: SM-PICKUP does not go to US MA 02108"]),
        ([sold("P-1001", shippingMethodId="M-WEST", shippingAddress=SEATTLE, **HOME)], BOSTON, []),
        ([sold("P-1037", 18, shippingMethodId="M-STD", **HOME)], BOSTON, []),
        ([sold("P-1037", 18, shippingMethodId="M-STD", **HOME), sold("P-1035", item="2", shippingMethodId="M-STD", **HOME)],
         BOSTON, ["1: M-STD carries 30 kg, and this is 30.08 kg"]),
        ([sold("P-1037", 18, shippingMethodId="M-STD", **HOME),
          sold("P-1035", item="2", shippingMethodId="M-STD", shippingAddress=NYC, **HOME)], BOSTON, []),  # two parcels
        ([sold("P-1001", shippingMethodId="M-WEST", **HERE)], BOSTON, []),  # taken: no address counts
        ([sold("P-1001", shippingMethodId="M-WEST", **HOME)], {}, []),  # no address: none to hold it against
    ],
)  # fmt: skip
def test_an_order_goes_only_by_methods_that_serve_it(
    opened: Callable[[int], Sandbox], lines: list[dict[str, Any]], place: dict[str, Any], errors: list[str]
) -> None:
    shop = opened(NOON)
    told = shop.server.admin("POST", f"/sandboxes/{shop.key}/orders", order("O-1", *lines, shippingAddress=place))
    assert told.status_code == (400 if errors else 200), told.text
    found = [f"{one['path'].split('/')[2]}: {one['message']}" for one in told.json().get("errors", [])]
    assert found == errors
    assert all(one["path"].endswith("/shippingMethodId") for one in told.json().get("errors", []))


def test_what_an_exchange_brings_is_a_parcel_of_its_own(opened: Callable[[int], Sandbox]) -> None:
    shop = opened(NOON)
    assert "errorCode" not in sell(
        shop, order("O-1", sold("P-1037", 18, shippingMethodId="M-STD", **HOME), shippingAddress=BOSTON)
    )
    swap = {**back("1"), "exchange": True}
    fresh = sold("P-1001", 10, "2", shippingMethodId="M-STD", omniFulfillmentType="SHIP_TO_HOME_CURRENT_STORE")
    told = give_back(shop, "O-1", swap, orderProductList=[{**fresh, "shippingMethodId": "M-FOX"}], storeId="S-101")
    assert [one["path"] for one in told["errors"]] == ["/orderProductList/0/shippingMethodId"]
    assert give_back(shop, "O-1", swap, orderProductList=[fresh], storeId="S-101")["orderStatus"] == "PARTIALLY_EXCHANGED"
    assert shop.server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()["holds"] is True
