"""Events as a POS would send them, for tests that deliver."""

from __future__ import annotations

from typing import Any

import requests
from conftest import Sandbox
from selling import sold


def deliver(sandbox: Sandbox, name: str, body: Any = None, method: str = "POST", **options: Any) -> requests.Response:
    """One delivery with the sandbox's key in the query."""
    sent = {} if body is None else {"json": body}
    query = {"api_key": sandbox.key, **options.pop("params", {})}
    url = f"{sandbox.server.root}/spi/webhooks/{name}"
    return requests.request(method, url, params=query, **{"timeout": 30, **sent, **options})


def told(sandbox: Sandbox, name: str, body: Any) -> dict[str, Any]:
    """What a delivery is answered; nothing is success."""
    answer = deliver(sandbox, name, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(sandbox: Sandbox, path: str, **query: Any) -> dict[str, Any]:
    """What the admin port tells of a sandbox."""
    found: dict[str, Any] = sandbox.server.admin("GET", f"/sandboxes/{sandbox.key}{path}", params=query).json()
    return found


def events(sandbox: Sandbox, **query: Any) -> list[dict[str, Any]]:
    """The events that a sandbox received."""
    found: list[dict[str, Any]] = asked(sandbox, "/events", **query)["events"]
    return found


def shelf(sandbox: Sandbox, product: str, place: str = "S-102") -> int:
    """What lies there."""
    return int(asked(sandbox, f"/records/stock/{product}%7C{place}")["record"]["onHand"])


def holds(sandbox: Sandbox) -> bool:
    """Whether every rule of the merchant holds."""
    return bool(asked(sandbox, "/invariants")["holds"])


def stocked(sandbox: Sandbox, product: str, units: int, place: str = "S-102") -> None:
    """Let so many lie there."""
    record = {"productId": product, "locationId": place, "onHand": units}
    assert sandbox.server.admin("PUT", f"/sandboxes/{sandbox.key}/records/stock", {"records": [record]}).status_code == 200


def units(order_id: str, product: str, quantity: int, **more: Any) -> dict[str, Any]:
    """What a sale, or a return, tells of its units."""
    return {"orderId": order_id, "storeId": "S-102", "productList": [{"productId": product, "quantity": quantity}], **more}


def back(order_id: str, quantity: int = 1, item: str = "1", **more: Any) -> dict[str, Any]:
    """A return of one line."""
    return {"orderId": order_id, "returnProductList": [{"orderItemId": item, "quantity": quantity}], **more}


def line(product: str = "P-1007", quantity: int = 2, **more: Any) -> dict[str, Any]:
    """A line of an order."""
    return sold(product, quantity, **more)
