"""Orders as a POS would send them, for tests that sell, and a shop in the test process for tests of many steps."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from conftest import NOON, Sandbox

from mockspi import building, settings
from mockspi.admin import AdminService
from mockspi.exchange import Reply, Request

MINUTE, DAY = 60_000, 86_400_000
TOKEN = "a-token-for-tests"
PRICE = Decimal("24.00")
_numbers = itertools.count(1)


def sold(product: str, quantity: int = 1, item: str = "1", **more: Any) -> dict[str, Any]:
    """A line of an order, taxed at a tenth."""
    price, discount = Decimal(str(more.pop("price", PRICE))), Decimal(str(more.pop("discount", 0)))
    worth = price * quantity - discount
    tax = round(worth / 10, 2)
    money = {"price": price, "subTotal": price * quantity, "discount": discount, "tax": tax, "total": worth + tax}
    named = {"orderItemId": item, "productId": product, "quantity": quantity}
    return {**named, **{name: float(value) for name, value in money.items()}, **more}


def order(order_id: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An order that adds up, of store S-102 unless said."""

    def total(name: str) -> Decimal:
        return sum((Decimal(str(line[name])) for line in lines), Decimal(0))

    sums = {"orderSubTotal": total("subTotal"), "discount": total("discount"), "taxSubTotal": total("tax")}
    sums |= {"totalAmount": total("total"), "taxableAmount": total("total") - total("tax")}
    facts = {"orderId": order_id, "orderSource": "IN_STORE", "orderDate": NOON, "orderStatus": "COMPLETED", "currency": "USD"}
    whole = {**facts, "storeId": "S-102", **{name: float(value) for name, value in sums.items()}, **more}
    return {**whole, "orderProductList": list(lines)}


def sell(sandbox: Sandbox, sent: dict[str, Any]) -> dict[str, Any]:
    """What the admin port answers to an order that arrives."""
    told: dict[str, Any] = sandbox.server.admin("POST", f"/sandboxes/{sandbox.key}/orders", sent).json()
    return told


class Shop:
    """A merchant in the test process: both ports, no network."""

    def __init__(self, folder: Path, fixtures: str = "sample") -> None:
        chosen = {"state": str(folder / "state"), "fixtures": fixtures, "admin_token": TOKEN, "api_key": ["shop=key-shop"]}
        house = building.build(settings.load(chosen, {}))
        self.service, self.desk = house.service(), house.desk("http://shop")
        self.office = AdminService(self.desk, TOKEN)
        self.key = "key-shop"

    def opened(self) -> Shop:
        """The same shop with a sandbox of its own, whose clock stands still."""
        self.key = f"key-{next(_numbers)}"
        self.admin("POST", "/sandboxes", {"api_key": self.key, "clock": {"frozen": NOON}, "seed": "shop"})
        return self

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What an SPI answers."""
        return _read(self.service.handle(_request(method, f"/spi/1.0{path}", body, (("api_key", self.key),))))

    def admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What the admin port answers, of this sandbox where a path begins with a dot."""
        path = f"/sandboxes/{self.key}{path[1:]}" if path.startswith(".") else path
        headers = {"host": "localhost", "authorization": f"Bearer {TOKEN}"}
        return _read(self.office.handle(_request(method, path, body, (), headers)))


def _request(method: str, path: str, body: Any, query: Any, headers: dict[str, str] | None = None) -> Request:
    raw = b"" if body is None else json.dumps(body).encode()
    return Request(method, path, query, {"content-type": "application/json", **(headers or {})}, raw)


def _read(reply: Reply) -> dict[str, Any]:
    assert reply.status < 500, reply.body
    found: dict[str, Any] = json.loads(reply.body)
    return found
