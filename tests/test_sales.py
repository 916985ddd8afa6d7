"""Orders that arrive over the admin port: booked once, whole or not at all, never more than there is."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, Sandbox, Server, serving
from selling import DAY, InProcess, Shop, order, sell, sold
from test_checkout import CHICAGO, at, line, validate
from test_orders import read, search

KEEP = {"storeId": "S-101"}


def test_an_order_is_found_with_what_is_derived_from_it(shop: Sandbox) -> None:
    sent = order("O-1", sold("P-1001", 2), sold("P-1028", item="2"), customerProfile={"customerId": "C-1001"})
    derived = {"productList": [], "canReturn": "FALSE", "orderStatusText": "nonsense", "DeliveryGroup": []}
    told = sell(shop, {**sent, **derived})
    assert (told["orderId"], told["orderStatus"], len(told["taken"])) == ("O-1", "COMPLETED", 2)
    found = read(shop, "O-1")
    assert (found["orderStatusText"], found["canReturn"]) == ("COMPLETED", "TRUE")
    assert "DeliveryGroup" not in found
    assert [(one["orderItemId"], one["quantity"]) for one in found["productList"]] == [("1", 2), ("2", 1)]
    assert [one["returnsEligibility"][:3] for one in found["orderProductList"]] == ["ELI", "NOT"]  # coffee does not come back
    assert search(shop, gtin="2004711010417", customerId="C-1001")[0] == "O-1"
    assert (at(shop, "P-1001", "S-102"), at(shop, "P-1028", "S-102")) == (40, 11)


def test_the_same_order_again_is_booked_once_and_answered_the_same(shop: Sandbox) -> None:
    sent = order("O-1", sold("P-1001", 2))
    assert sell(shop, sent) == sell(shop, dict(reversed(sent.items())))
    assert at(shop, "P-1001", "S-102") == 40
    refused = shop.server.admin("POST", f"/sandboxes/{shop.key}/orders", order("O-1", sold("P-1001", 3)))
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "ORDER_EXISTS")
    assert at(shop, "P-1001", "S-102") == 40


def test_an_order_without_a_cart_takes_what_no_cart_holds(shop: Sandbox) -> None:
    validate(shop, "CART-1", line("P-1014"))
    refused = shop.server.admin("POST", f"/sandboxes/{shop.key}/orders", order("O-1", sold("P-1014"), **KEEP))
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "INSUFFICIENT_INVENTORY")
    assert refused.json()["errors"] == [{"path": "/orderProductList/0/quantity", "message": "1 asked for, 0 available at S-101"}]
    assert read(shop, "O-1")["errorCode"] == "ORDER_NOT_FOUND"
    assert "errorCode" not in sell(shop, order("O-1", sold("P-1014"), **KEEP, cartId="CART-1"))


def test_lines_of_one_product_are_counted_together_and_all_are_booked_or_none(shop: Sandbox) -> None:
    lines = [sold("P-1036", 1, "1"), sold("P-1001", 3, "2"), sold("P-1001", 40, "3")]
    told = sell(shop, order("O-1", *lines))
    assert [one["path"] for one in told["errors"]] == ["/orderProductList/1/quantity", "/orderProductList/2/quantity"]
    assert (at(shop, "P-1036", "S-102"), at(shop, "P-1001", "S-102")) == (4, 42)


def test_an_order_may_sell_less_than_its_cart_held_and_frees_the_rest(shop: Sandbox) -> None:
    validate(shop, "CART-1", line("P-1001", 30), line("P-1002", 5))
    sell(shop, order("O-1", sold("P-1001", 20), **KEEP, cartId="CART-1"))
    assert (at(shop, "P-1001"), at(shop, "P-1002")) == (16, 11)


def test_a_cancelled_order_takes_nothing_and_gives_back_what_its_cart_held(shop: Sandbox) -> None:
    validate(shop, "CART-1", line("P-1001", 3, storeId="S-102"))
    validate(shop, "CART-2", line("P-1001", 4, storeId="S-102"))
    assert sell(shop, order("O-1", sold("P-1001", 2), orderStatus="CANCELED"))["taken"] == []
    assert at(shop, "P-1001", "S-102") == 35
    assert sell(shop, order("O-2", sold("P-1001", 3), orderStatus="CANCELED", cartId="CART-1"))["taken"] == []
    assert at(shop, "P-1001", "S-102") == 38
    sell(shop, order("O-3", sold("P-1001", 4), cartId="CART-2"))
    assert sell(shop, order("O-4", sold("P-1001", 4), orderStatus="CANCELED", cartId="CART-2"))["taken"] == []
    assert at(shop, "P-1001", "S-102") == 38  # what is sold stays sold
    told = shop.server.admin("GET", f"/sandboxes/{shop.key}/records/reservations").json()["records"]
    assert {one["cartId"]: one["status"] for one in told} == {"CART-1": "REVERTED", "CART-2": "SOLD"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"totalAmount": 1}, "/totalAmount"),
        ({"orderSubTotal": 1}, "/orderSubTotal"),
        ({"taxableAmount": 24.004}, "/taxableAmount"),
        ({"orderStatus": "REFUNDED"}, "/orderStatus"),
        ({"orderStatus": "SOLD"}, "/orderStatus"),
        ({"storeId": "S-999"}, "/storeId"),
        ({"customerProfile": {"customerId": "C-9999"}}, "/customerProfile/customerId"),
        ({"orderId": "O/1"}, "/orderId"),
        ({"returnProductList": [sold("P-1001")]}, "/returnProductList"),
        ({"orderProductList": [sold("P-9999")]}, "/orderProductList/0/productId"),
        ({"orderProductList": [{**sold("P-1001"), "subTotal": 20}]}, "/orderProductList/0/subTotal"),
        ({"orderProductList": [sold("P-1001", fulfillmentLocation="S-999")]}, "/orderProductList/0/fulfillmentLocation"),
        ({"orderProductList": [sold("P-1001"), sold("P-1001")]}, "/orderProductList/1/orderItemId"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_order_that_cannot_be_is_refused_where_it_is_wrong(shop: Sandbox, change: dict[str, Any], path: str) -> None:
    sent = {**order("O-1", sold("P-1001")), **change}
    refused = shop.server.admin("POST", f"/sandboxes/{shop.key}/orders", sent)
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "REQUEST_INVALID")
    assert path in [one["path"] for one in refused.json()["errors"]]
    assert at(shop, "P-1001", "S-102") == 42
    assert read(shop, "O-1")["errorCode"] == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("currency", "money", "wrong"),
    [
        ("JPY", {"price": 24, "tax": 2, "total": 26}, []),
        ("JPY", {"price": 24.5, "tax": 2, "total": 26.5}, ["24.5 has decimals, and JPY has none"]),
        ("jpy", {"price": 24, "tax": 2.4, "total": 26.4}, ["2.4 has decimals, and jpy has none"]),
        ("KWD", {"price": 24.125, "tax": 2.413, "total": 26.538}, []),
        ("KWD", {"price": 24.1255, "tax": 2, "total": 26.1255}, ["24.1255 has more than three decimals"]),
        ("USD", {"price": 24.125, "tax": 2, "total": 26.125}, ["24.125 has more than two decimals"]),
    ],
    ids=str,
)
def test_amounts_are_counted_in_the_minor_unit_of_the_currency(
    shop: Sandbox, currency: str, money: dict[str, float], wrong: list[str]
) -> None:
    one = {**sold("P-1001"), "discount": 0, "subTotal": money["price"], **money}
    told = sell(shop, order("O-1", one, currency=currency))
    fine = [
        one["message"]
        for one in told.get("errors", [])
        if one["path"] in ("/orderProductList/0/price", "/orderProductList/0/tax")
    ]
    assert fine == wrong
    assert ("errorCode" in told) is bool(wrong)
    if not wrong:
        assert read(shop, "O-1")["totalAmount"] == money["total"]
        assert shop.server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()["holds"] is True


def test_sixty_four_tills_race_for_ten_units(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        shop = Sandbox(server, server.minted())
        sell(shop, order("O-0", sold("P-1001", 32)))
        assert at(shop, "P-1001", "S-102") == 10
        start = threading.Barrier(64)

        def till(number: int) -> str:
            start.wait()
            answer = validate(shop, f"CART-{number}", line("P-1001", orderItemId="1"), storeId="S-102")
            if not answer["valid"]:
                return ", ".join(one["errorCode"] for one in answer["errors"])
            told = sell(shop, order(f"O-{number}", sold("P-1001"), cartId=f"CART-{number}"))
            return str(told.get("errorCode", "sold"))

        with ThreadPoolExecutor(64) as pool:
            told = Counter(pool.map(till, range(1, 65)))
        assert told == {"sold": 10, "INSUFFICIENT_INVENTORY": 54}
        assert at(shop, "P-1001", "S-102") == 0
        assert len(search(shop, productId="P-1001", dateFrom=NOON, dateTo=NOON + DAY)) == 11
        assert server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()["holds"] is True


def test_sixty_four_orders_without_carts_race_for_ten_units(server: Server) -> None:
    shop = Sandbox(server, server.minted())
    sell(shop, order("O-0", sold("P-1001", 32)))
    with ThreadPoolExecutor(64) as pool:
        answers = pool.map(lambda number: sell(shop, order(f"O-{number}", sold("P-1001"))).get("errorCode"), range(1, 65))
        assert Counter(answers) == {None: 10, "INSUFFICIENT_INVENTORY": 54}
    assert at(shop, "P-1001", "S-102") == 0


def test_lines_travel_together_when_all_is_the_same(tmp_path: Path) -> None:
    shop = Shop(InProcess(tmp_path, delivery_groups="true"))
    ways: list[dict[str, Any]] = [
        {"shippingAddress": CHICAGO},
        {"shippingAddress": dict(reversed(CHICAGO.items()))},
        {"shippingAddress": {**CHICAGO, "addressLine1": "2 Elsewhere"}},
        {"shippingAddress": CHICAGO, "shippingMethodId": "SM-EXPRESS"},
        {"shippingAddress": CHICAGO, "deliveryDate": NOON},
        {"shippingAddress": CHICAGO, "omniFulfillmentType": "SHIP_TO_HOME_CURRENT_STORE"},
        {"shippingAddress": CHICAGO, "deliveryDate": NOON},
        {},
    ]
    shipped = {"omniFulfillmentType": "SHIP_TO_HOME", "fulfillmentLocation": "S-102"}
    lines = [sold("P-1001", item=str(number), **{**shipped, **one}) for number, one in enumerate(ways)]
    shop.admin("POST", "/orders", order("O-1", *lines, shippingAddress=CHICAGO))
    groups = shop.call("GET", "/sa/orders/O-1")["DeliveryGroup"]
    assert [one["orderItemIds"] for one in groups] == [["0", "1", "7"], ["2"], ["3"], ["4", "6"], ["5"]]
    assert [one["deliveryGroupId"] for one in groups] == ["1", "2", "3", "4", "5"]
    assert "DeliveryGroup" not in Shop(InProcess(tmp_path / "off")).call("GET", "/sa/orders/O-7025")


def test_a_store_without_coordinates_is_the_farthest(tmp_path: Path) -> None:
    shop = Shop(InProcess(tmp_path))
    shop.write("stores", {"storeId": "S-102", "name": "Somewhere", "timeZone": "UTC", "currency": "USD", "pickup": True})
    near = shop.call("POST", "/product/getInventoryOverview", {"productId": "P-1001", "storeId": "S-101"})["inventoryList"]
    assert (near[0]["storeId"], near[-1]["storeId"]) == ("S-101", "S-102")
