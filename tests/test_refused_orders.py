"""What a careless till may send: orders, exchanges and carts that would break the merchant's rules, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Sandbox
from selling import order, sell, sold
from test_checkout import line as wanted
from test_checkout import validate
from test_orders import give_back, read
from test_orders import line as back


def hold(shop: Sandbox) -> None:
    """Every rule holds."""
    rules = shop.server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()
    assert rules["holds"], [one for one in rules["invariants"] if not one["holds"]]


@pytest.mark.parametrize(
    ("lines", "more", "path"),
    [
        ([sold("P-1001", price=-24)], {}, "/orderProductList/0/price"),
        ([sold("P-1001", item="1"), {**sold("P-1001", item="2"), "tax": -1, "total": 23.0}], {}, "/orderProductList/1/tax"),
        ([sold("P-1001", discount=-30)], {}, "/orderProductList/0/discount"),
        ([sold("P-1001", discount=30)], {}, "/orderProductList/0/discount"),
        ([sold("P-1001")], {"tenders": [{"paymentMethod": "X", "amountAuthorized": -24}]}, "/tenders"),
    ],
    ids=["price", "tax", "negative discount", "discount", "tenders"],
)
def test_an_order_below_nothing_is_refused(shop: Sandbox, lines: list[dict[str, Any]], more: dict[str, Any], path: str) -> None:
    told = sell(shop, order("O-1", *lines, **more))
    assert told["errorCode"] == "REQUEST_INVALID"
    assert path in [one["path"] for one in told["errors"]]
    assert read(shop, "O-1")["errorCode"] == "ORDER_NOT_FOUND"


def test_change_is_no_negative_payment(shop: Sandbox) -> None:
    paid = [{"paymentMethod": "Cash", "amountAuthorized": amount} for amount in (30, -3.6)]
    assert "errorCode" not in sell(shop, order("O-1", sold("P-1001"), tenders=paid))
    hold(shop)


def test_what_is_taken_instead_is_a_line_of_its_own_and_no_less_than_nothing(shop: Sandbox) -> None:
    sell(shop, order("O-1", sold("P-1001", 2)))
    other = sold("P-1008", price=89.99)
    told = give_back(shop, "O-1", back("1", exchange=True), orderProductList=[other])
    assert told["errors"][0]["path"] == "/orderProductList/0/orderItemId"
    below = [sold("P-1001", 2), sold("P-1008", item="5", price=-89.99)]
    told = give_back(shop, "O-1", back("1", exchange=True), orderProductList=below)
    assert {one["path"] for one in told["errors"]} == {f"/orderProductList/1/{name}" for name in ("price", "tax", "discount")}
    assert "returnProductList" not in read(shop, "O-1")
    hold(shop)


def test_an_exchange_is_counted_in_the_currency_of_its_order_too(shop: Sandbox) -> None:
    sell(shop, order("O-1", {**sold("P-1001", price=2400), "tax": 240}, currency="JPY"))
    fresh = {**sold("P-1036", item="2", price=2400.5), "tax": 0, "total": 2400.5}
    told = give_back(shop, "O-1", back("1", exchange=True), orderProductList=[fresh])
    assert [(one["path"], one["message"]) for one in told["errors"]] == [
        ("/orderProductList/0/price", "2400.5 is finer than the minor unit of JPY")
    ]
    assert "returnProductList" not in read(shop, "O-1")
    hold(shop)


def test_the_places_of_an_exchange_are_those_of_the_lines_that_were_sent(shop: Sandbox) -> None:
    sell(shop, order("O-1", sold("P-1001", 2), sold("P-1007", item="2", price=89.99)))
    far_too_many = sold("P-1008", 100_000, item="5", price=1)
    told = give_back(shop, "O-1", back("1", exchange=True), orderProductList=[far_too_many])
    assert [(told["errorCode"], one["path"]) for one in told["errors"]] == [
        ("INSUFFICIENT_INVENTORY", "/orderProductList/0/quantity")
    ]


def test_a_return_that_cannot_be_says_where_and_why(shop: Sandbox) -> None:
    sell(shop, order("O-1", sold("P-1001", 2)))
    sell(shop, order("O-2", sold("P-1001"), orderStatus="PENDING"))
    for order_id, asked, place, words in (
        ("O-1", back("77"), "/returnProductList/0", "no line of the order has orderItemId '77'"),
        ("O-1", back("1", 5), "/returnProductList/0/quantity", "5 of line '1', of which 2 are left"),
        ("O-2", back("1"), "/orderId", "its status is PENDING"),
        ("O-7002", back("1"), "/orderId", "its last day to return was 2025-03-03"),
    ):
        (error,) = give_back(shop, order_id, asked)["errors"]
        assert error["path"] == place
        assert words in error["message"]


def test_an_empty_cart_gives_back_what_it_held(shop: Sandbox) -> None:
    validate(shop, "CART-E", wanted("P-1001", 2))
    assert validate(shop, "CART-E")["valid"] is True
    hold(shop)


def test_two_lines_of_a_cart_have_two_names(shop: Sandbox) -> None:
    told = validate(shop, "CART-T", *[wanted("P-1001", orderItemId="1")] * 2)
    assert told["errors"][0]["path"] == "/productList/1/orderItemId"
