"""One day at the shop, through HTTP alone: what each call leaves behind is what the next one finds."""

from __future__ import annotations

from typing import Any

from conftest import NOON, Sandbox
from membership import entries, reward, standing, usable
from selling import sell
from test_checkout import CHICAGO, at, online, revert
from test_orders import give_back, line, read, search

CART = {"cartId": "CART-DAY", "storeId": "S-102", "customerId": "C-1001", "currency": "USD", "shippingAddress": CHICAGO}
LINES: list[dict[str, Any]] = [
    {"orderItemId": "1", "productId": "P-1001", "quantity": 2, "price": 24, "discount": 4.99, "omniFulfillmentType": "IN_STORE"},
    {"orderItemId": "2", "productId": "P-1037", "quantity": 1, "price": 145, "omniFulfillmentType": "SHIP_TO_HOME"},
]


def told(shop: Sandbox, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a POST answers."""
    found: dict[str, Any] = shop("POST", path, json=body).json()
    return found


def stock(shop: Sandbox) -> tuple[int, int]:
    """The tees in the store and the duffel bags online; whenever they are looked at, every rule holds."""
    rules = shop.server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()
    assert rules["holds"], [one for one in rules["invariants"] if not one["holds"]]
    return at(shop, "P-1001", "S-102"), online(shop, "P-1037")[0]


def cents(value: float) -> float:
    """An amount without the noise of binary fractions."""
    return round(value, 2)


def sold(one: dict[str, Any], tax: float) -> dict[str, Any]:
    """A line of the cart as a line of the order."""
    worth, discount = one["price"] * one["quantity"], one.get("discount", 0)
    return {**one, "subTotal": worth, "discount": discount, "tax": tax, "total": cents(worth - discount + tax)}


def test_a_day_at_the_shop(shop: Sandbox) -> None:
    found = shop("GET", "/sa/customers", params={"phone": "555-0101"}).json()["customers"][0]
    assert found["profile"]["customerId"] == CART["customerId"]
    tees, bags = stock(shop)
    had, mine = standing(shop, "C-1001"), usable(shop)
    assert (had, mine) == ((2340, "GOLD"), ["R-3001", "R-3002"])

    held = told(shop, "/sa/cartValidation", {**CART, "productList": LINES})
    assert [one["locationId"] for one in held["reservation"]["productList"]] == ["S-102", "ONLINE"]
    assert stock(shop) == (tees - 2, bags - 1)

    due = told(shop, "/taxEngine/calculateTax", {**CART, "productList": LINES})
    taxes = [one["tax"] for one in due["productList"]]
    assert cents(sum(taxes)) == due["totalTax"] > 0

    assert revert(shop, "CART-DAY") == [2, 1]  # the card is declined
    assert revert(shop, "CART-DAY") == [0, 0]
    assert stock(shop) == (tees, bags)
    assert told(shop, "/sa/cartValidation", {**CART, "productList": LINES})["valid"] is True

    lines = [sold(one, tax) for one, tax in zip(LINES, taxes, strict=True)]
    parts = {"orderSubTotal": "subTotal", "discount": "discount", "taxSubTotal": "tax", "totalAmount": "total"}
    sums = {total: cents(sum(one[name] for one in lines)) for total, name in parts.items()}
    card = {
        "paymentMethod": "CreditCard",
        "cardType": "visa",
        "lastFour": "7777",
        "amountAuthorized": cents(sums["totalAmount"] - 10),
    }
    order = {
        "orderId": "O-DAY", "cartId": "CART-DAY", "orderSource": "IN_STORE", "storeId": "S-102", "orderDate": NOON,
        "orderStatus": "COMPLETED", "currency": "USD", "customerProfile": {"customerId": "C-1001"}, **sums,
        "taxableAmount": cents(sums["totalAmount"] - sums["taxSubTotal"]), "orderProductList": lines,
        "tenders": [reward("R-3001"), card],
    }  # fmt: skip
    earns = told(shop, "/sa/getLoyaltyPoints", order)
    assert (earns["pointsEarned"], standing(shop, "C-1001"), usable(shop)) == (282, had, mine)  # 188.01 x 1.5: a question
    orders = len(search(shop, customerId="C-1001"))
    assert "errorCode" not in sell(shop, order)
    assert stock(shop) == (tees - 2, bags - 1)
    assert (standing(shop, "C-1001"), usable(shop)) == ((2340 + 282, "GOLD"), ["R-3002"])
    second = {**order, "orderId": "O-DAY-2", "cartId": "CART-DAY-2"}
    assert sell(shop, second)["errors"] == [{"path": "/tenders/0/rewardId", "message": "'R-3001' is used already"}]
    assert stock(shop) == (tees - 2, bags - 1)
    assert revert(shop, "CART-DAY") == [0, 0]
    assert search(shop, paymentCard={"lastFour": "7777"}) == search(shop, customerId="C-1001")[:1] == ["O-DAY"]
    assert len(search(shop, customerId="C-1001")) == orders + 1
    assert read(shop, "O-DAY")["totalAmount"] == sums["totalAmount"]

    first = give_back(shop, "O-DAY", line("1"), requestId="RETURN-1")
    assert first["orderStatus"] == "PARTIALLY_REFUNDED"
    assert stock(shop) == (tees - 1, bags - 1)
    assert entries(shop, "C-1001")[2:] == [("EARN", 282), ("EARN", -33)]  # 166.50 x 1.5 is left
    second = give_back(shop, "O-DAY", line("1"), requestId="RETURN-2")
    assert cents(first["refundAmount"] + second["refundAmount"]) == lines[0]["total"]
    assert stock(shop) == (tees, bags - 1)
    assert give_back(shop, "O-DAY", line("1"), requestId="RETURN-3")["errorCode"] == "RETURN_QUANTITY_EXCEEDED"
    assert give_back(shop, "O-DAY", line("1"), requestId="RETURN-2") == second
    assert [one["orderItemId"] for one in read(shop, "O-DAY")["productList"]] == ["2"]
    assert stock(shop) == (tees, bags - 1)
    assert standing(shop, "C-1001") == (2340 + 217, "GOLD")  # 145 x 1.5
    assert usable(shop) == ["R-3002"]
    assert give_back(shop, "O-DAY", line("2"), requestId="RETURN-4")["orderStatus"] == "REFUNDED"
    assert (standing(shop, "C-1001"), usable(shop)) == (had, mine)
    assert stock(shop)[0] == tees
