"""Whatever the order in which events come, and however often: the merchant's world ends the same, and its rules hold."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from delivering import back, line, units
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from selling import InProcess, Shop, order, sold

from mockspi.exchange import Request
from mockspi.store.base import Readable

LINES = line(), sold("P-1001", 3, item="2")
SALE = order("N-1", *LINES, orderStatus="PROCESSING", cartId="cart-1")
DONE = {**SALE, "orderStatus": "COMPLETED"}
MOVED = order("N-1", line(fulfillmentLocation="S-104", deliveryDate=7), LINES[1], orderStatus="COMPLETED")
SAID: dict[str, tuple[str, dict[str, Any]]] = {
    "the order": ("ORDER", SALE),
    "its units": ("SALE_INVENTORY", {**units("N-1", "P-1007", 2), "requestId": "s1"}),
    "its other units": ("SALE_INVENTORY", {**units("N-1", "P-1001", 3), "requestId": "s2"}),
    "it is shipped": ("ORDER_UPDATE", {**SALE, "orderStatus": "SHIPPED", "email": "first@example.com", "eventTime": 10}),
    "it is complete": ("ORDER_UPDATE", {**DONE, "email": "second@example.com", "eventTime": 20}),
    "it comes from elsewhere": ("ORDER_UPDATE", {**MOVED, "eventTime": 30}),
    "a unit comes back": ("RETURN", back("N-1", requestId="r1")),
    "another comes back": ("RETURN", back("N-1", 2, "2", requestId="r2")),
    "the unit is on the shelf": ("RETURN_INVENTORY", {**units("N-1", "P-1007", 1), "requestId": "r1"}),
    "the other is on the shelf": ("RETURN_INVENTORY", {**units("N-1", "P-1001", 2), "requestId": "r2"}),
    "stock is put right": (
        "INVENTORY_EXPORT_INA",
        {"eventType": "INVENTORY_ADJUSTMENT", "locationId": "S-102", "productList": [{"productId": "P-1007", "quantity": 1}]},
    ),
    "the cart is voided": ("VOID_CART", {"cartId": "cart-2", "reasonCode": "SYS_CART_EXPIRED"}),
}  # fmt: skip
ANY_ORDER = st.lists(st.sampled_from(sorted(SAID)), max_size=8).flatmap(lambda more: st.permutations([*SAID, *more]))


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """Both ports in this process."""
    return InProcess(tmp_path_factory.mktemp("reorder"))


@pytest.fixture(scope="module")
def right(merchant: InProcess) -> str:
    """The world once all of it was said once and in order."""
    return ended(merchant, list(SAID))[0]


def ended(merchant: InProcess, said: list[str]) -> tuple[str, Shop]:
    """What a shop's world is once all of it was said."""
    shop = Shop(merchant)
    stock = [{"productId": "P-1007", "locationId": place, "onHand": 20} for place in ("S-102", "S-104")]
    shop.admin("PUT", "/records/stock", {"records": stock})
    for cart in ("cart-1", "cart-2"):
        held = [{"orderItemId": "1", "productId": "P-1007", "quantity": 2}]
        assert shop.call("POST", "/sa/cartValidation", {"cartId": cart, "storeId": "S-102", "productList": held})["valid"]
    for one in said:
        name, body = SAID[one]
        request = Request("POST", f"/spi/webhooks/{name}", (("api_key", shop.key),), {}, json.dumps(body).encode())
        reply = merchant.service.handle(request)
        assert (reply.status, reply.body) == (200, b"{}"), (one, reply.body)
    assert shop.admin("GET", "/invariants")["holds"]
    return world(shop), shop


def records(shop: Shop) -> Readable:
    """What the shop's sandbox holds."""
    opened = shop.merchant.desk.sandboxes.named(shop.key)
    assert opened is not None
    return shop.merchant.desk.editions(opened.fixtures).store.read(opened.space)


def world(shop: Shop) -> str:
    """Orders, stock and carts as text, without the ids that the merchant made up, in which returns stand in their order."""
    there = records(shop)
    found: dict[str, Any] = {name: list(there.find(name).records) for name in ("stock", "reservations")}
    found["order"] = there.get("orders", "N-1")
    found["order"]["returnProductList"].sort(key=lambda one: one["orderItemId"])
    return re.sub(r"N-1-R-\w+", "RETURN", json.dumps(found, sort_keys=True))


@settings(max_examples=30, phases=[Phase.generate], deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(said=ANY_ORDER)
def test_any_order_and_repetition_ends_in_the_same_world(merchant: InProcess, right: str, said: list[str]) -> None:
    found, shop = ended(merchant, said)
    assert found == right
    told = shop.admin("GET", "/events")["events"]
    assert sum(one["attempts"] for one in told) == len(said)
    assert len(told) == len(SAID)
    assert not [one for one in told if one["status"] in ("held", "refused")]
