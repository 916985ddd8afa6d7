"""Calls that read and have a body, given again: each body has the reply of its own, and whatever changes holds at once."""

from __future__ import annotations

import json
from typing import Any

import test_stubs_again
from conftest import Server
from test_stubs_again import TAX, entries, put, sent

one, key = test_stubs_again.one, test_stubs_again.key
OFTEN = 3
PLACE = {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"}


def cart(quantity: int = 1) -> dict[str, Any]:
    """A cart of one line at the product's own price; as long for each quantity of one digit."""
    return {"cartId": "CART-1", "destinationAddress": PLACE, "productList": [{"productId": "P-1001", "quantity": quantity}]}


def told(one: Server, key: str, *bodies: Any, path: str = TAX) -> list[tuple[int, Any]]:
    """What is answered to each body, each several times, by turns."""
    return [sent(one, key, json.dumps(body).encode(), path=path) for _ in range(OFTEN) for body in bodies]


def taxed(one: Server, key: str, *carts: dict[str, Any]) -> list[float]:
    """What is taxable of each cart, each several times, by turns."""
    return [body["taxableAmount"] for _, body in told(one, key, *carts)]


def test_each_body_has_its_own_reply_and_its_line_in_the_journal(one: Server, key: str) -> None:
    carts = [cart(number) for number in (1, 2, 3, 4)]
    price = taxed(one, key, carts[0])[0]
    assert taxed(one, key, *carts) == [price * number for number in (1, 2, 3, 4)] * OFTEN
    found = entries(one, key)
    assert [each["body"] for each in found] == [carts[0]] * OFTEN + carts * OFTEN
    for each in found:
        assert each["reply"]["body"]["taxableAmount"] == price * each["body"]["productList"][0]["quantity"]


def test_what_a_record_says_holds_at_once(one: Server, key: str) -> None:
    before = taxed(one, key, cart(), cart(2))
    records = f"/sandboxes/{key}/records/products"
    product = one.admin("GET", f"{records}/P-1001").json()["record"]
    assert one.admin("PUT", records, {"records": [product | {"price": 7.5}]}).ok
    assert taxed(one, key, cart(), cart(2)) == [7.5, 15] * OFTEN
    assert one.admin("POST", f"/sandboxes/{key}/reset", {"records": True}).ok
    assert taxed(one, key, cart(), cart(2)) == before


def test_a_rule_that_looks_at_the_body_holds_at_once(one: Server, key: str) -> None:
    carts = [cart(number) for number in (1, 2, 3)]
    assert {status for status, _ in told(one, key, *carts)} == {200}
    rule = {"when": {"contract": "TAX_SERVICE.calculateTax", "match": {"/productList/0/quantity": 2}}, "then": {"status": 418}}
    put(one, key, rule)
    assert [status for status, _ in told(one, key, *carts)] == [200, 418, 200] * OFTEN


def test_a_broken_body_as_long_is_refused_each_time_and_so_is_an_unknown_key(one: Server, key: str) -> None:
    good = json.dumps(cart()).encode()
    for _ in range(OFTEN):
        assert sent(one, key, good)[0] == 200
        assert sent(one, key, good[:-1] + b" ")[1]["errorCode"] == "JSON_UNREADABLE"
        assert sent(one, "nobody", good) == (401, "")
        assert sent(one, key, iter([good[:9], good[9:]]))[0] == 200
    assert len(entries(one, key)) == 3 * OFTEN
