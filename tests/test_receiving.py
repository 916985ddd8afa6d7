"""Events that are delivered to mockspi: every one of the table, and what is no event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from conftest import ROOT, Sandbox
from delivering import deliver

from mockspi.contracts import RECEIVED
from mockspi.contracts.events import EVENTS
from mockspi.event import Event

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.id)


def examples(event: Event) -> dict[str, Any]:
    """What the event's file shows."""
    document = json.loads((ROOT / "fixtures" / "events" / f"{event.id}.json").read_text())
    return {title: one["body"] for title, one in document.items() if title != "$schema"}


def journal(sandbox: Sandbox) -> list[Any]:
    """What the sandbox's journal holds."""
    entries: list[Any] = sandbox.server.admin("GET", f"/sandboxes/{sandbox.key}/journal").json()["entries"]
    return entries


@each_event
def test_every_example_is_taken_and_kept_in_the_journal(event: Event, new_sandbox: Callable[[], Sandbox]) -> None:
    assert examples(event)
    for body in examples(event).values():
        for method in event.methods:
            box = new_sandbox()
            answer = deliver(box, event.name, body, method)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
            (entry,) = journal(box)
            assert entry["body"] == body
            assert entry["contract"].removesuffix(".webhook") == event.name
            assert not [one for one in entry["findings"] if one["code"] == "EVENT_UNSOUND"]


def test_what_is_wrong_with_an_event_is_a_finding_and_no_refusal(sandbox: Sandbox) -> None:
    answer = deliver(sandbox, "VOID_CART", {"cartId": 5})
    assert (answer.status_code, answer.json()) == (200, {})
    (entry,) = journal(sandbox)
    assert entry["findings"] == [{"code": "EVENT_UNSOUND", "path": "/cartId", "message": "Not a valid string"}]


def test_a_sender_may_ask_whether_somebody_is_there_without_being_heard(sandbox: Sandbox) -> None:
    head, options = (deliver(sandbox, "VOID_CART", method=method) for method in ("HEAD", "OPTIONS"))
    assert (head.status_code, head.content) == (200, b"")
    assert (options.status_code, options.headers["Allow"]) == (204, "HEAD, OPTIONS, POST")
    assert not [name for name in options.headers if name.lower().startswith("access-control")]
    assert deliver(sandbox, "VOID_CART", {}).json() == {}
    assert [one["contract"] for one in journal(sandbox)] == ["", "", "VOID_CART"]


def test_an_event_that_nobody_knows_is_answered_with_the_nearest(sandbox: Sandbox) -> None:
    answer = deliver(sandbox, "VOID_CRAT", {})
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "UNKNOWN_ENDPOINT")
    assert "VOID_CART at POST /spi/webhooks/VOID_CART" in answer.json()["errorMessage"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "JSON_UNREADABLE"),
        (b"[]", {}, 400, "REQUEST_INVALID"),
        (b'{"a": "\xff"}', {}, 400, "JSON_UNREADABLE"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, {}, 400, "JSON_UNREADABLE"),
        (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"a": [' + b"1," * 1000 + b"1]}", {}, 400, "REQUEST_INVALID"),
        (b" " * 1_048_577, {}, 413, "REQUEST_TOO_LARGE"),
    ],
    ids=["no JSON", "a list", "not UTF-8", "deep", "a form", "long", "large"],
)
def test_what_is_no_event_is_refused(sandbox: Sandbox, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    answer = deliver(sandbox, "VOID_CART", data=body, headers={"Content-Type": "application/json", **headers})
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


@pytest.mark.parametrize("query", [{}, {"api_key": "nobody"}])
def test_without_a_key_there_is_nothing(sandbox: Sandbox, query: dict[str, str]) -> None:
    for method in ("POST", "HEAD", "OPTIONS"):
        answer = requests.request(method, f"{sandbox.server.root}/spi/webhooks/VOID_CART", params=query, json={}, timeout=30)
        assert (answer.status_code, answer.content) == (401, b"")


def test_the_events_are_not_among_the_spis(sandbox: Sandbox) -> None:
    assert len({(one.id, one.method) for one in RECEIVED}) == len(RECEIVED)
    paths = sandbox("GET", "/openapi.json").json()["paths"]
    assert not [path for path in paths if "webhooks" in path]


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/spi/webhooks/void_cart", "POST /spi/webhooks/VOID_CART"),
        ("/spi/1.0/webhooks/VOID_CART", "POST /spi/webhooks/VOID_CART"),
        ("/spi/1.0/webhooks/VOID_CARTS", "POST /spi/webhooks/VOID_CART"),
        ("/spi/webhooks/Cart.Abandoned", "POST /spi/webhooks/cart.abandoned"),
        ("/spi/oauth/token", "POST /spi/oauth/token without api_key"),
        ("/spi/1.0/oauth/token", "POST /spi/oauth/token without api_key"),
        ("/oauth/token", "POST /spi/oauth/token without api_key"),
    ],
)
def test_who_asks_beside_it_is_told_where_it_is(sandbox: Sandbox, path: str, there: str) -> None:
    answer = requests.post(sandbox.server.root + path, params={"api_key": sandbox.key}, json={}, timeout=30)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "UNKNOWN_ENDPOINT")
    assert answer.json()["errors"][0]["expected"] == there
    assert there in answer.json()["errorMessage"]


def test_what_only_ends_like_the_token_endpoint_is_not_taken_for_it(sandbox: Sandbox) -> None:
    (wrong,) = sandbox("POST", "/xoauth/token", json={}).json()["errors"]
    assert wrong["expected"].startswith("POST /spi/1.0/")
    assert "tokens" not in wrong["message"]
