"""What events about stock do to the shelves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Sandbox
from delivering import back, deliver, events, holds, line, shelf, stocked, told, units
from selling import order, sold


@pytest.fixture(autouse=True)
def the_rules_hold(shop: Sandbox) -> Iterator[None]:
    """Twenty units at two stores; whatever a test does, every rule of the merchant holds."""
    for place in ("S-102", "S-104"):
        stocked(shop, "P-1007", 20, place)
    yield
    assert holds(shop)


def adjustment(*lines: dict[str, Any], kind: str = "INVENTORY_ADJUSTMENT", **more: Any) -> dict[str, Any]:
    """Stock that is put right."""
    return {"eventType": kind, "locationId": "S-102", "productList": [{"productId": "P-1007", **one} for one in lines], **more}


BUCKETS = "INVENTORY_BUCKET_ADJUSTMENT"


@pytest.mark.parametrize(
    ("event", "body", "change"),
    [
        ("INA", adjustment({"quantity": 3}), 3),
        ("INA", adjustment({"quantity": -20}), -20),
        ("INA", adjustment({"quantity": 5}, {"quantity": -2}), 3),
        ("INA", adjustment({"quantity": 2, "fromBucket": "AVAILABLE", "toBucket": "DAMAGED"}, kind=BUCKETS), -2),
        ("INBA", adjustment({"quantity": 2, "fromBucket": "DAMAGED", "toBucket": "AVAILABLE"}, kind=BUCKETS), 2),
        ("INBA", adjustment({"quantity": 2, "fromBucket": "DAMAGED", "toBucket": "HELD"}, kind=BUCKETS), 0),
        ("INBA", adjustment({"quantity": 2}, kind=BUCKETS), 0),
    ],
)
def test_stock_is_put_right_once(shop: Sandbox, event: str, body: dict[str, Any], change: int) -> None:
    for _ in range(2):
        assert told(shop, f"INVENTORY_EXPORT_{event}", body) == {}
        assert shelf(shop, "P-1007") == 20 + change
    (one,) = events(shop)
    assert (one["status"], one["duplicates"]) == ("applied" if change else "kept", 1)
    assert [moved["quantity"] for moved in one.get("moved", [])] == [change] * bool(change)


def test_an_adjustment_is_one_whatever_export_tells_of_it(shop: Sandbox) -> None:
    body = adjustment({"quantity": 2, "fromBucket": "AVAILABLE", "toBucket": "DAMAGED"}, kind=BUCKETS, adjustmentId="A-1")
    for name, sent in (("INA", body), ("INBA", body), ("INA", {**body, "eventTime": 5})):
        assert told(shop, f"INVENTORY_EXPORT_{name}", sent) == {}
    assert shelf(shop, "P-1007") == 18


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (adjustment({"quantity": -21}), "INSUFFICIENT_INVENTORY", ""),
        (adjustment({"quantity": 1}, locationId="S-999"), "REQUEST_INVALID", "/locationId"),
        (adjustment({"quantity": 1, "productId": "P-0"}), "PRODUCT_NOT_FOUND", None),
        (adjustment({"quantity": "1"}), "REQUEST_INVALID", "/productList/0/quantity"),
    ],
    ids=["too much", "no place", "no product", "no number"],
)
def test_an_adjustment_that_cannot_be_is_refused_whole(shop: Sandbox, body: dict[str, Any], code: str, path: str | None) -> None:
    body["productList"].append({"productId": "P-1001", "quantity": 1})
    before = shelf(shop, "P-1001")
    answer = told(shop, "INVENTORY_EXPORT_INA", body)
    assert answer["errorCode"] == code
    assert [one["path"] for one in answer.get("errors", [])] == ([] if path is None else [path])
    assert (shelf(shop, "P-1007"), shelf(shop, "P-1001")) == (20, before)


def transfer(source: str | None, destination: str | None, **quantities: int) -> dict[str, Any]:
    """Goods that move."""
    ends = {"sourceLocationId": source, "destinationLocationId": destination}
    named = {name: place for name, place in ends.items() if place}
    return {"eventType": "ASN_RECEIVED_EVENT", "transferId": "T", **named, "productList": [{"productId": "P-1007", **quantities}]}


@pytest.mark.parametrize(
    ("event", "body", "here", "there"),
    [
        ("ASN", transfer("WAREHOUSE", "S-102", receivedQuantity=5, damagedQuantity=2), 3, 0),
        ("ASN", transfer(None, "S-102", receivedQuantity=1, damagedQuantity=2), 0, 0),
        ("ASN", transfer(None, "S-102", expectedQuantity=5), 0, 0),
        ("BLD", transfer(None, "S-102", receivedQuantity=5), 5, 0),
        ("STS", transfer("S-104", "S-102", receivedQuantity=5), 5, -5),
        ("CTS", transfer("S-102", "S-104", receivedQuantity=5, damagedQuantity=1), -5, 4),
        ("RTV", transfer("S-102", "VENDOR", expectedQuantity=5), -5, 0),
        ("RTV", transfer("S-102", "S-104", receivedQuantity=4, expectedQuantity=5), -4, 0),
    ],
)
def test_goods_that_move_move_stock(shop: Sandbox, event: str, body: dict[str, Any], here: int, there: int) -> None:
    for _ in range(2):
        assert told(shop, f"INVENTORY_EXPORT_{event}", body) == {}
    assert (shelf(shop, "P-1007"), shelf(shop, "P-1007", "S-104")) == (20 + here, 20 + there)


@pytest.mark.parametrize(
    ("kind", "counted", "change"),
    [
        ("COMPLETED", {"inventoryQuantity": 20, "countedQuantity": 17}, -3),
        ("COMPLETED", {"variance": 2}, 2),
        ("COMPLETED", {"countedQuantity": 17}, 0),
        ("STARTED", {"variance": 2}, 0),
    ],
)
def test_a_count_that_is_completed_puts_stock_right(shop: Sandbox, kind: str, counted: dict[str, int], change: int) -> None:
    body = {"eventType": f"CYC_COUNT_{kind}_EVENT", "countId": "C", "locationId": "S-102"}
    assert told(shop, "INVENTORY_EXPORT_CYC", {**body, "productList": [{"productId": "P-1007", **counted}]}) == {}
    assert told(shop, "INVENTORY_EXPORT_CYC", body) == {}
    assert shelf(shop, "P-1007") == 20 + change


def test_a_sale_of_too_much_waits_and_one_of_nothing_known_is_refused(shop: Sandbox) -> None:
    assert told(shop, "SALE_INVENTORY", units("N-1", "P-1007", 21)) == {}
    assert told(shop, "SALE_INVENTORY", units("N-2", "P-0", 1))["errorCode"] == "PRODUCT_NOT_FOUND"
    lost = units("N-3", "P-1007", 1)
    lost["productList"][0]["locationId"] = "S-999"
    assert told(shop, "SALE_INVENTORY", lost)["errors"][0]["path"] == "/productList/0/locationId"
    assert told(shop, "SALE_INVENTORY", {**units("N-4", "P-1007", 1), "storeId": "S-999"})["errors"][0]["path"] == "/storeId"
    assert [one["status"] for one in events(shop)] == ["held", "refused", "refused", "refused"]
    assert shelf(shop, "P-1007") == 20


def test_an_order_that_arrives_canceled_gives_back_what_events_took(shop: Sandbox) -> None:
    told(shop, "SALE_INVENTORY", units("N-1", "P-1007", 2))
    told(shop, "ORDER", order("N-1", line(), orderStatus="CANCELED"))
    assert shelf(shop, "P-1007") == 20


def test_units_that_came_back_and_were_sold_meanwhile_stay_sold(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line(quantity=1)))
    elsewhere = {**units("N-1", "P-1007", 1), "storeId": "S-104"}
    stocked(shop, "P-1007", 0, "S-104")
    told(shop, "RETURN_INVENTORY", elsewhere)
    told(shop, "ORDER", order("N-2", sold("P-1007", 1, fulfillmentLocation="S-104")))
    assert told(shop, "RETURN", back("N-1")) == {}
    assert (shelf(shop, "P-1007"), shelf(shop, "P-1007", "S-104")) == (20, 0)


def test_damaged_units_that_came_back_do_not_count_against_those_that_did_not(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line()))
    body = back("N-1")
    body["returnProductList"][0]["disposition"] = "DAMAGED"
    told(shop, "RETURN", body)
    assert shelf(shop, "P-1007") == 18
    told(shop, "RETURN_INVENTORY", units("N-1", "P-1007", 1))
    assert shelf(shop, "P-1007") == 19


def test_a_product_may_be_named_by_its_gtin(shop: Sandbox) -> None:
    gtin = shop.server.admin("GET", f"/sandboxes/{shop.key}/records/products/P-1007").json()["record"]["gtin"]
    body = {"orderId": "N-1", "storeId": "S-102", "productList": [{"gtin": gtin, "quantity": 2}]}
    assert deliver(shop, "SALE_INVENTORY", body).json() == {}
    assert shelf(shop, "P-1007") == 18
