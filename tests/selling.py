"""Orders as a POS would send them, for tests that sell, and a shop in the test process for tests of many steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from conftest import NOON, Sandbox

from mockspi import building, settings
from mockspi.admin import AdminService
from mockspi.exchange import Reply, Request

MINUTE, DAY = 60_000, 86_400_000
TOKEN = "a-token-for-tests"
PRICE = Decimal("24.00")


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


class InProcess:
    """Both ports of a merchant in the test process, asked as a ``Server`` is: no network, and coverage sees it all."""

    def __init__(self, folder: Path, keys: Sequence[str] = ("shop",), **more: Any) -> None:
        named = [f"{name}=key-{name}" for name in keys]
        chosen = {"state": str(folder / "state"), "admin_token": TOKEN, "api_key": named, **more}
        house = building.build(settings.load(chosen, {}))
        self.service, self.desk = house.service(), house.desk("http://shop", lambda _: {})
        self._office = AdminService(self.desk, TOKEN)

    def call(self, method: str, path: str, key: str, **options: Any) -> requests.Response:
        """One SPI."""
        query = tuple({"api_key": key, **options.get("params", {})}.items())
        return _answer(self.service.handle(_request(method, f"/spi/1.0{path}", options.get("json"), query)))

    def admin(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One call of the admin port."""
        headers = {"host": "localhost", "authorization": f"Bearer {TOKEN}"}
        return _answer(self._office.handle(_request(method, path, body, (), headers)))

    def minted(self, **wanted: Any) -> str:
        """The api_key of a new sandbox."""
        return str(self.admin("POST", "/sandboxes", wanted).json()["api_key"])


class Shop:
    """One sandbox of a merchant in the test process, for tests of many steps."""

    def __init__(self, merchant: InProcess) -> None:
        self.merchant = merchant
        self.key = merchant.minted(clock={"frozen": NOON}, seed="shop")

    def call(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """What an SPI answers."""
        found: dict[str, Any] = self.merchant.call(method, path, self.key, json=body, params=query).json()
        return found

    def admin(self, method: str, path: str = "", body: Any = None) -> dict[str, Any]:
        """What the admin port answers about this sandbox."""
        found: dict[str, Any] = self.merchant.admin(method, f"/sandboxes/{self.key}{path}", body).json()
        return found

    def write(self, collection: str, *records: dict[str, Any]) -> None:
        """Put records where no call would."""
        opened = self.merchant.desk.sandboxes.named(self.key)
        assert opened is not None
        with self.merchant.desk.store.write(opened.space) as there:
            for record in records:
                there.put(collection, record)


def _request(method: str, path: str, body: Any, query: Any, headers: dict[str, str] | None = None) -> Request:
    raw = b"" if body is None else json.dumps(body).encode()
    return Request(method, path, query, {"content-type": "application/json", **(headers or {})}, raw)


def _answer(reply: Reply) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer._content = reply.status, reply.body
    assert reply.status < 500, answer.text
    return answer
