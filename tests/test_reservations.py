"""What a cart holds: every line looked at, the clock, what is given back, what becomes an order."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import NOON, Sandbox
from selling import DAY, MINUTE, order, sell, sold
from test_checkout import CHICAGO, at, line, online, revert, validate


def clock(shop: Sandbox, **change: Any) -> list[tuple[str, str]]:
    """Move the clock; what fell due of the carts."""
    told = shop.server.admin("POST", f"/sandboxes/{shop.key}/clock", change).json()
    return [(one["kind"], one["id"]) for one in told["fired"] if one["kind"] == "RESERVATION_EXPIRED"]


def codes(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with which line."""
    return [(one["orderItemId"], one["errorCode"]) for one in answer.get("errors", [])]


SHIPPED = {"omniFulfillmentType": "SHIP_TO_HOME"}
TO_JAPAN = {**CHICAGO, "countryCode": "JP"}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (line("P-1001", 0), "QUANTITY_INVALID"),
        (line("P-1001", -1), "QUANTITY_INVALID"),
        (line("P-1001", 1.5), "QUANTITY_INVALID"),
        (line("P-1001", price=-0.01), "PRICE_INVALID"),
        (line("P-1001", price=24, discount=-1), "PRICE_INVALID"),
        (line("P-1001", price=24.005), "PRICE_INVALID"),
        (line("P-1002", storeId="S-102"), "PRODUCT_NOT_SOLD_HERE"),
        (line("P-1002", fulfillmentLocation="S-102"), "PRODUCT_NOT_SOLD_HERE"),
        (line("P-1033", **SHIPPED, shippingAddress=CHICAGO), "FULFILLMENT_NOT_POSSIBLE"),
        (line("P-1033", omniFulfillmentType="BOPIS"), "FULFILLMENT_NOT_POSSIBLE"),
        (line("P-1001", omniFulfillmentType="IN_STORE", fulfillmentLocation="ONLINE"), "FULFILLMENT_NOT_POSSIBLE"),
        (line("P-1001", fulfillmentType="IN_STORE", fulfillmentLocation="ONLINE"), "FULFILLMENT_NOT_POSSIBLE"),
        (line("P-1001", omniFulfillmentType="ROPIS", fulfillmentLocation="ONLINE"), "FULFILLMENT_NOT_POSSIBLE"),
        (line("P-1001", **SHIPPED, shippingAddress={"city": "Chicago", "countryCode": "US"}), "ADDRESS_INVALID"),
        (line("P-1001", **SHIPPED, shippingAddress={**CHICAGO, "countryCode": ""}), "ADDRESS_INVALID"),
        (line("P-1001", **SHIPPED, shippingAddress=TO_JAPAN), "ADDRESS_NOT_SERVICEABLE"),
        (line("P-1001", **SHIPPED, shippingAddress=CHICAGO, shippingMethodId="SM-UK-STANDARD"), "ADDRESS_NOT_SERVICEABLE"),
        (line("P-1001", omniFulfillmentType="SHIP_TO_HOME_CURRENT_STORE"), "SHIPPING_ADDRESS_REQUIRED"),
    ],
    ids=str,
)
def test_a_line_that_cannot_be_sold_so_is_told_by_its_item(sandbox: Sandbox, bad: dict[str, Any], code: str) -> None:
    answer = validate(sandbox, "CART-1", line("P-1001", 5, orderItemId="1"), {**bad, "orderItemId": "2"})
    assert codes(answer) == [("2", code)]
    message = answer["errors"][0]["errorMessage"]
    assert message
    assert "{" not in message
    assert at(sandbox, "P-1001") == 36


@pytest.mark.parametrize("wrong", ["2", True, None, [1]])
def test_a_quantity_that_is_no_number_breaks_the_request(sandbox: Sandbox, wrong: Any) -> None:
    sent = {"cartId": "CART-1", "storeId": "S-101", "productList": [{"productId": "P-1001", "quantity": wrong}]}
    answer = sandbox("POST", "/sa/cartValidation", json=sent)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "/productList/0/quantity")


def test_a_discount_may_be_as_large_as_its_line(sandbox: Sandbox) -> None:
    assert validate(sandbox, "C", line("P-1001", 3, price=24, discount=72))["valid"] is True
    assert codes(validate(sandbox, "C", line("P-1001", 2, price=1, discount=2.01, orderItemId="1"))) == [("1", "PRICE_INVALID")]


def test_yen_have_no_cents(sandbox: Sandbox) -> None:
    assert codes(validate(sandbox, "C", line("P-1001", price=2400.5, orderItemId="1"), currency="JPY")) == [
        ("1", "PRICE_INVALID")
    ]
    assert validate(sandbox, "C", line("P-1001", 2.0, price=2400.0, orderItemId="1"), currency="JPY")["valid"] is True
    assert at(sandbox, "P-1001") == 34


@pytest.mark.parametrize(
    ("one", "place"),
    [
        (line("P-1001"), "S-101"),
        (line("P-1001", omniFulfillmentType="BOPIS"), "S-101"),
        (line("P-1001", omniFulfillmentType="ROPIS", storeId="S-102"), "S-102"),
        (line("P-1001", omniFulfillmentType="BOPIS", fulfillmentLocation="S-104"), "S-104"),
        (line("P-1001", **SHIPPED), "ONLINE"),
        (line("P-1001", fulfillmentType="ONLINE"), "ONLINE"),
        (line("P-1001", **SHIPPED, fulfillmentLocation="S-103"), "S-103"),
        (line("P-1001", **SHIPPED, shippingMethodId="SM-EXPRESS"), "ONLINE"),
        (line("P-1001", omniFulfillmentType="SHIP_TO_HOME_CURRENT_STORE"), "S-101"),
    ],
    ids=str,
)
def test_the_way_of_a_line_decides_where_it_is_held_and_sold(shop: Sandbox, one: dict[str, Any], place: str) -> None:
    def there() -> int:
        return online(shop, "P-1001")[0] if place == "ONLINE" else at(shop, "P-1001", place)

    before = there()
    held = validate(shop, "CART-1", {**one, "orderItemId": "1"}, shippingAddress=CHICAGO)["reservation"]["productList"]
    assert [(line["locationId"], line["quantity"]) for line in held] == [(place, 1)]
    assert there() == before - 1
    way = {name: value for name, value in one.items() if name not in ("productId", "quantity")}
    told = sell(shop, order("O-1", sold("P-1001", **way), storeId="S-101", cartId="CART-1"))
    assert [(line["locationId"], line["quantity"]) for line in told["taken"]] == [(place, 1)]
    assert there() == before - 1
    assert clock(shop, advance=DAY) == []
    assert there() == before - 1


def test_what_a_cart_holds_counts_where_it_is_held_and_nowhere_else(shop: Sandbox) -> None:
    products, places = ("P-1001", "P-1002", "P-1005"), ("S-101", "S-102", "S-103")
    held = {("P-1001", "S-101"): 5, ("P-1001", "S-103"): 3, ("P-1002", "S-101"): 2, ("P-1005", "S-101"): 1}
    there = {(product, place): at(shop, product, place) for product in products for place in places}
    validate(shop, "CART-1", *(line(product, units, storeId=place) for (product, place), units in held.items()))
    for (product, place), units in there.items():
        assert at(shop, product, place) == units - held.get((product, place), 0), (product, place)


def test_a_cart_that_shrinks_or_loses_a_line_holds_less_and_one_that_grows_more(shop: Sandbox) -> None:
    for units in (36, 10, 20, 36):
        assert validate(shop, "CART-1", line("P-1001", units))["valid"] is True
        assert at(shop, "P-1001") == 36 - units
    validate(shop, "CART-1", line("P-1014"))
    assert (at(shop, "P-1001"), at(shop, "P-1014")) == (36, 0)


def test_stock_is_held_until_the_clock_says_so_and_not_longer(shop: Sandbox) -> None:
    validate(shop, "CART-1", line("P-1014"))
    clock(shop, advance=15 * MINUTE - 1)
    assert codes(validate(shop, "CART-2", line("P-1014", orderItemId="1"))) == [("1", "INSUFFICIENT_INVENTORY")]
    assert clock(shop, advance=1) == [("RESERVATION_EXPIRED", "CART-1")]
    assert validate(shop, "CART-2", line("P-1014"))["valid"] is True
    assert revert(shop, "CART-1") == [0]  # it came back when its time was over
    assert at(shop, "P-1014") == 0


@pytest.mark.parametrize("begun", [NOON, NOON + 1], ids=["even", "odd"])
def test_at_expires_at_stock_is_free_and_a_millisecond_before_it_is_held(shop: Sandbox, begun: int) -> None:
    clock(shop, frozen=begun)
    ends = validate(shop, "CART-1", line("P-1014"))["reservation"]["expiresAt"]
    assert ends == begun + 15 * MINUTE
    for now, free, over in (
        (ends - 1, 0, []),
        (ends, 1, [("RESERVATION_EXPIRED", "CART-1")]),
        (ends + 1, 1, []),
        (ends - 1, 0, []),
    ):
        assert clock(shop, frozen=now) == over
        assert at(shop, "P-1014") == free  # nothing is written meanwhile: the clock alone decides


def test_a_clock_that_is_set_back_does_not_hold_twice(shop: Sandbox) -> None:
    validate(shop, "CART-1", line("P-1014"))
    clock(shop, advance=15 * MINUTE)
    validate(shop, "CART-2", line("P-1014"))
    clock(shop, frozen=NOON)
    assert at(shop, "P-1014") == 0
    assert revert(shop, "CART-2") == [1]
    assert at(shop, "P-1014") == 1
    assert clock(shop, advance=DAY) == []


def test_after_a_payment_that_failed_the_cart_is_validated_and_sold(shop: Sandbox) -> None:
    for _ in range(2):
        assert validate(shop, "CART-1", line("P-1014"), line("P-1001", 2))["valid"] is True
        assert (at(shop, "P-1014"), at(shop, "P-1001")) == (0, 34)
        assert revert(shop, "CART-1") == [1, 2]
        assert (at(shop, "P-1014"), at(shop, "P-1001")) == (1, 36)
    validate(shop, "CART-1", line("P-1014"))
    sell(shop, order("O-1", sold("P-1014"), storeId="S-101", cartId="CART-1"))
    assert revert(shop, "CART-1") == [0]  # what is sold is not given back
    assert (at(shop, "P-1014"), at(shop, "P-1001")) == (0, 36)


def test_what_the_cart_does_not_hold_is_told_as_nothing(shop: Sandbox) -> None:
    validate(shop, "CART-1", line("P-1001", 3, orderItemId="1"))
    assert revert(shop, "CART-1", line("P-1014"), line("P-1001", 2, orderItemId="9")) == [0, 0]
    assert revert(shop, "CART-1", {"productId": "P-1001", "orderItemId": "1"}) == [3]
    assert revert(shop, "CART-1", {"productId": "P-1001", "orderItemId": "1"}) == [0]
    assert shop("POST", "/sa/inventoryService/revert", json={"cartId": "CART-2"}).json()["errorCode"] == "RESERVATION_NOT_FOUND"


def test_units_are_given_back_line_by_line_in_their_order(shop: Sandbox) -> None:
    lines = [line("P-1001", units, orderItemId=f"line-{units}") for units in (1, 3, 5)]
    validate(shop, "CART-1", *lines, line("P-1002", 2, orderItemId="line-2"))
    assert revert(shop, "CART-1", {"productId": "P-1001", "quantity": 6}) == [1, 3, 2]
    assert revert(shop, "CART-1", {"productId": "P-1001", "orderItemId": "line-5"}) == [3]
    assert (at(shop, "P-1001"), at(shop, "P-1002")) == (36, 9)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sa/inventoryService/revert", {"cartId": "CART-1", "productList": [{"productId": "P-1001"}, {"productId": "P-9999"}]}),
        ("/sa/inventory/check", {"productList": [line("P-1001"), line("P-9999")]}),
        ("/product/getInventoryOverview", {"gtin": "99999999"}),
        ("/product/getInventoryOverview", {"productId": "P-9999", "zipCode": "60622"}),
    ],
    ids=str,
)
def test_a_product_that_nobody_knows_changes_nothing(shop: Sandbox, path: str, body: dict[str, Any]) -> None:
    validate(shop, "CART-1", line("P-1001", 6))
    answer = shop("POST", path, json=body).json()
    assert answer["errorCode"] == "PRODUCT_NOT_FOUND"
    assert "9999" in answer["errorMessage"]
    assert at(shop, "P-1001") == 30
