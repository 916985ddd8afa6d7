"""Deliveries that carry no api_key: the signature or the headers that a sandbox's webhook connector declares."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from conftest import Server, serving

SECRET, WHSEC = "s3cret-of-the-test", "whsec_" + base64.b64encode(b"k" * 32).decode()
ENVIRONMENT = {"POS_SECRET": SECRET, "POS_WHSEC": WHSEC, "POS_HEADER": "Basic dGVzdA=="}
CREATED = {"id": "c1", "currency": "EUR", "siteCode": "main"}
TYPE = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose environment knows the secrets; its connectors file puts ORDER under a path of the merchant's own."""
    folder = tmp_path_factory.mktemp("delivered")
    own = hook("ORDER", path="/erp/orders", jsonHeaders={"Authorization": "${POS_HEADER}"})
    (folder / "connectors.json").write_text(json.dumps({"connectors": [own, hook("AUDIT", events=["ORDER", "VOID_CART"])]}))
    with serving(folder, "--connectors", "connectors.json", "--workers", "2", env=ENVIRONMENT) as server:
        yield server


def hook(name: str, path: str = "", **more: Any) -> dict[str, Any]:
    """A webhook connector whose address is ours."""
    address = f"https://merchant.example{path or f'/spi/webhooks/{name}'}"
    return {"connectorType": "Webhook", "endpointName": name, "apiEndpoint": address, **more}


def minted(server: Server, *connectors: dict[str, Any]) -> str:
    """The key of a sandbox with these connectors."""
    return server.minted(connectors=list(connectors))


def send(server: Server, name: str, raw: bytes, headers: dict[str, str], method: str = "POST", **query: str) -> int:
    """The status that a delivery is answered with; a refusal says nothing."""
    url = f"{server.root}{name if name.startswith('/') else f'/spi/webhooks/{name}'}"
    answer = requests.request(method, url, data=raw, headers={**TYPE, **headers}, params=query, timeout=30)
    assert answer.status_code != 401 or answer.content == b""
    return answer.status_code


def heard(server: Server, key: str) -> int:
    """How many events a sandbox received."""
    return int(server.admin("GET", f"/sandboxes/{key}/events").json()["totalCount"])


def why(server: Server) -> str:
    """Why the last delivery was nobody's."""
    return str(server.admin("GET", "/journal?findings=true&status=401&last=1").json()["entries"][0]["findings"])


def next_commerce(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-29Next-Signature": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


def emporix(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    canonical = json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return {"emporix-event-signature": base64.b64encode(hmac.digest(secret.encode(), canonical, "sha256")).decode()}


def standard(raw: bytes, secret: str = WHSEC, prefix: str = "webhook", at: float = 0, id_: str = "msg_1") -> dict[str, str]:
    stamp = str(int(time.time() + at))
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), f"{id_}.{stamp}.".encode() + raw, "sha256")
    told = {"id": id_, "timestamp": stamp, "signature": f"v1,{base64.b64encode(digest).decode()}"}
    return {f"{prefix}-{name}": text for name, text in told.items()}


def svix(raw: bytes, secret: str = WHSEC) -> dict[str, str]:
    return standard(raw, secret, "svix")


CART = json.dumps({"id": "c1", "über": [1, {"b": 2, "a": "\u2028"}]}, ensure_ascii=False).encode()
WAYS: dict[str, tuple[str, dict[str, Any], Any, str]] = {
    "Next Commerce": ("cart.abandoned", {"platform": "next-commerce", "secret": "${POS_SECRET}"}, next_commerce, "another"),
    "Emporix": ("cart.created", {"platform": "emporix", "secret": "${POS_SECRET}"}, emporix, "another"),
    "Emporix through Svix": ("cart.closed", {"platform": "emporix", "secret": "${POS_WHSEC}"}, svix, "whsec_YWFhYQ=="),
    "Standard Webhooks": ("cart.merged", {"platform": "emporix", "profile": "standard", "secret": "${POS_WHSEC}"}, standard,
                          "whsec_YWFhYQ=="),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_delivery_is_heard_where_its_signature_fits_the_raw_bytes(merchant: Server, way: str) -> None:
    name, facts, sign, other = WAYS[way]
    key = minted(merchant, hook(name, **facts))
    try:
        assert send(merchant, name, CART, sign(CART)) == 200
        assert heard(merchant, key) == 1
        for headers, raw in (
            (sign(CART), CART.replace(b"c1", b"c2")),
            (sign(CART, other), CART),
            ({}, CART),
            ({next(reversed(sign(CART))): "v1"}, CART),
            (sign(CART), b"\xff\xfe"),
            (sign(CART), b"{"),
            (sign(CART), b'{"a":' * 40_000),
        ):
            assert send(merchant, name, raw, headers) == 401
        assert send(merchant, name, CART, sign(CART, other), api_key=key) == 401, "a key does not excuse a wrong signature"
        assert send(merchant, name, CART, sign(CART), api_key=key) == 200
        assert send(merchant, name, CART, sign(CART), api_key="nobody") == 200
        assert heard(merchant, key) == 1
    finally:
        merchant.admin("DELETE", f"/sandboxes/{key}")


def test_a_stale_delivery_is_nobodys_and_the_journal_says_why(merchant: Server) -> None:
    name, facts, _, _ = WAYS["Standard Webhooks"]
    key = minted(merchant, hook(name, **facts))
    for age in (-400, 400):
        assert send(merchant, name, CART, standard(CART, at=age)) == 401
        assert "DELIVERY_NOT_HEARD" in why(merchant)
        assert "tolerated" in why(merchant)
    merchant.admin("POST", f"/sandboxes/{key}/clock", {"shift": 400_000})
    assert send(merchant, name, CART, standard(CART, at=400)) == 200, "the sandbox's clock counts as well"
    merchant.admin("DELETE", f"/sandboxes/{key}")


def test_an_id_tells_deliveries_apart(merchant: Server) -> None:
    name, facts, _, _ = WAYS["Standard Webhooks"]
    key = minted(merchant, hook(name, **facts))
    for id_ in ("one", "one", "two"):
        assert send(merchant, name, CART, standard(CART, id_=id_)) == 200
    told = merchant.admin("GET", f"/sandboxes/{key}/events").json()["events"]
    assert [(one["id"], one["duplicates"]) for one in told] == [("one", 1), ("two", 0)]
    merchant.admin("DELETE", f"/sandboxes/{key}")


def test_a_static_header_opens_the_sandbox_that_declares_it(merchant: Server) -> None:
    key = minted(merchant, hook("VOID_CART", jsonHeaders={"Authorization": "${POS_HEADER}", "Content-Type": "application/json"}))
    right = {"Authorization": ENVIRONMENT["POS_HEADER"]}
    assert send(merchant, "VOID_CART", b"{}", right) == 200
    assert heard(merchant, key) == 1
    for headers in ({}, {"Authorization": "Basic b3RoZXI="}, {"Authorization": "Basic dGVzdA=é"}):
        assert send(merchant, "VOID_CART", b"{}", {name: text.encode() for name, text in headers.items()}) == 401  # type: ignore[misc]
    assert send(merchant, "SUSPEND_CART", b"{}", right) == 401
    assert send(merchant, "VOID_CART", b"{}", {}, api_key=key) == 200
    twin = minted(merchant, hook("VOID_CART", jsonHeaders={"Authorization": "${POS_HEADER}"}))
    assert send(merchant, "VOID_CART", b"{}", right) == 401
    assert "give each a secret of its own" in why(merchant)
    for one in (key, twin):
        merchant.admin("DELETE", f"/sandboxes/{one}")
    assert send(merchant, "VOID_CART", b"{}", right) == 401


def test_a_secret_where_nothing_is_signed_opens_nothing(merchant: Server) -> None:
    key = minted(merchant, hook("POS_VITALS", secret="${POS_SECRET}"))
    assert send(merchant, "POS_VITALS", b"{}", {}) == 401
    assert send(merchant, "POS_VITALS", b"{}", {}, api_key=key) == 200
    merchant.admin("DELETE", f"/sandboxes/{key}")


def test_a_variable_that_is_not_there_opens_nothing(merchant: Server) -> None:
    key = minted(merchant, hook("POS_VITALS", secret="${POS_NONE}", profile="standard"))
    assert send(merchant, "POS_VITALS", b"{}", standard(b"{}")) == 401
    assert "POS_NONE is not set" in why(merchant)
    merchant.admin("DELETE", f"/sandboxes/{key}")


def test_a_target_is_there_when_its_sender_asks_at_subscription(merchant: Server) -> None:
    key = minted(merchant, hook("cart.updated", platform="emporix", secret="${POS_SECRET}"))
    assert send(merchant, "cart.updated", b"", {}, "HEAD") == 200
    assert send(merchant, "cart.updated", b"", {}, "OPTIONS") == 204
    assert send(merchant, "cart.item-added", b"", {}, "HEAD") == 401
    assert heard(merchant, key) == 0
    merchant.admin("DELETE", f"/sandboxes/{key}")


def test_a_connectors_file_puts_an_event_under_a_path_of_the_merchants_own(merchant: Server) -> None:
    right = {"Authorization": ENVIRONMENT["POS_HEADER"]}
    assert send(merchant, "/erp/orders", b'{"orderId": "N-1"}', right) == 200
    (event,) = merchant.admin("GET", "/sandboxes/staging/events?event=ORDER").json()["events"]
    assert (event["status"], event["errorCode"], event["orderId"]) == ("refused", "REQUEST_INVALID", "N-1")
    assert send(merchant, "/erp/orders", b"{}", {}) == 401
    assert send(merchant, "/spi/webhooks/ORDER", b"{}", right) == 401


def test_a_connector_of_a_sandboxes_own_has_its_path_in_that_sandbox_alone(merchant: Server) -> None:
    mine = hook("VOID_CART", path="/mine/void", jsonHeaders={"Authorization": "${POS_HEADER}"})
    key, other, right = minted(merchant, mine), merchant.minted(), {"Authorization": "Basic dGVzdA=="}
    for headers, query, status in (
        (right, {}, 200),
        ({"Authorization": "Basic wrong"}, {}, 401),
        ({}, {}, 401),
        ({}, {"api_key": key}, 200),
        ({}, {"api_key": other}, 404),
    ):
        assert send(merchant, "/mine/void", b"{}", headers, **query) == status
    assert heard(merchant, key) == 2
    asked = [send(merchant, "/mine/void", b"", {}, method, api_key=key) for method in ("HEAD", "OPTIONS", "GET")]
    assert asked == [200, 204, 405]
    assert merchant.admin("DELETE", f"/sandboxes/{key}/connectors").status_code == 200
    assert [send(merchant, "/mine/void", b"{}", right, **query) for query in ({}, {"api_key": key})] == [401, 404]
