"""Replies that a rule holds, given again to calls with a body: the journal has each body, and no rule is passed over."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Server, serving

TAX = "/taxEngine/calculateTax"
STUB = {"name": "stub", "when": {"contract": "TAX_SERVICE.calculateTax"}, "then": {"reply": {"body": {"totalTax": 1}}}}


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server; each call is on a connection of its own, so that the kernel spreads them over its workers."""
    with serving(tmp_path_factory.mktemp("one"), "--workers", request.param) as server:
        yield server


@pytest.fixture
def key(one: Server) -> str:
    """A sandbox of its own."""
    return one.minted()


def carts(one: Server, key: str, *ids: str) -> list[tuple[int, Any]]:
    """What is answered to a cart with each of these ids."""
    return [sent(one, key, json.dumps({"cartId": id_}).encode()) for id_ in ids]


def put(one: Server, key: str, *rules: dict[str, Any]) -> None:
    assert one.admin("PUT", f"/sandboxes/{key}/rules", {"rules": list(rules)}).ok


def entries(one: Server, key: str) -> list[dict[str, Any]]:
    """The journal, oldest first."""
    found: list[dict[str, Any]] = one.admin("GET", f"/sandboxes/{key}/journal?pageSize=500").json()["entries"]
    return found


def test_each_call_has_the_reply_and_the_journal_has_each_body(one: Server, key: str) -> None:
    put(one, key, STUB)
    ids = ["aa", "bb", "aa", "cc", "dd", "aa", "ee", "ff"]
    assert carts(one, key, *ids) == [(200, {"totalTax": 1})] * len(ids)
    found = entries(one, key)
    assert [each["body"] for each in found] == [{"cartId": one} for one in ids]
    assert {each["rule"] for each in found} == {"stub"}
    assert {json.dumps(each["reply"]["body"]) for each in found} == {'{"totalTax": 1}'}


def test_it_ends_with_its_rule(one: Server, key: str) -> None:
    ids = ["aa"] * 6
    put(one, key, STUB)
    assert {status for status, _ in carts(one, key, *ids)} == {200}
    put(one, key, STUB | {"then": {"status": 503}})
    assert {status for status, _ in carts(one, key, *ids)} == {503}
    put(one, key, STUB | {"then": {"reply": {"status": 202, "body": "later"}, "delay": {"fixed": 2}}})
    assert {each["reply"]["status"] for each in entries(one, key)[-1:]} == {503}
    assert [sent(one, key, b"{}")[0] for _ in range(4)] == [202] * 4
    one.admin("DELETE", f"/sandboxes/{key}/rules")
    assert {body["errorCode"] for _, body in carts(one, key, *ids)} == {"REQUEST_INVALID"}


def test_a_rule_before_it_that_looks_at_the_body_is_asked_each_time(one: Server, key: str) -> None:
    first = {"when": {"contract": "TAX_SERVICE.calculateTax", "match": {"/cartId": "bb"}}, "then": {"status": 418}}
    put(one, key, first, STUB)
    assert [status for status, _ in carts(one, key, "aa", "aa", "aa", "bb", "bb", "aa")] == [200, 200, 200, 418, 418, 200]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ({"when": {"times": {"every": 3}}, "then": {"status": 418}}, [200, 200, 418] * 2),
        ({"then": {"quota": {"limit": 4, "window": 3_600_000}}}, [200] * 4 + [429] * 2),
        ({"when": {"times": {"after": 4}}, "then": {"status": 418}}, [200] * 4 + [418] * 2),
    ],
    ids=["every third", "quota", "after four"],
)
def test_a_rule_before_it_that_counts_counts_each_call(first: dict[str, Any], expected: list[int], one: Server, key: str) -> None:
    put(one, key, first, STUB)
    assert [status for status, _ in carts(one, key, *["aa"] * 6)] == expected


def test_a_stub_in_the_place_of_a_contract_that_writes(one: Server, key: str) -> None:
    put(one, key, {"when": {"contract": "CREATE_CUSTOMER"}, "then": {"reply": {"body": {"profile": {"customerId": "C-stub"}}}}})
    new = [{"profile": {"firstName": name}} for name in ("Aa", "Bb", "Cc", "Dd", "Ee", "Ff")]
    told = [sent(one, key, json.dumps(each).encode(), path="/sa/customers") for each in new]
    assert told == [(200, {"profile": {"customerId": "C-stub"}})] * 6
    assert [each["body"] for each in entries(one, key)] == new
    assert one.call("GET", "/sa/customers/C-stub", key).json()["errorCode"] == "CUSTOMER_NOT_FOUND"


def test_secrets_are_masked_and_long_bodies_cut_each_time(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-body", "1000") as server:
        server.admin("PUT", "/sandboxes/staging/rules", {"rules": [STUB]})
        long = b'{"cartId": "aa", "note": "%s"}' % (b"x" * 1_990)
        bodies = [b'{"cartId": "aa", "password": "hunter2"}', b'{"cartId": "bb", "password": "hunter3"}', long, long[:-1] + b" "]
        for body in bodies * 3:
            assert sent(server, server.key, body)[0] == 200
        text = server.admin("GET", "/sandboxes/staging/journal?pageSize=500").text
        found = json.loads(text)["entries"]
        assert "hunter" not in text
        assert [each.get("bodyCut") for each in found] == [None, None, len(long), len(long)] * 3
        assert [each["body"].get("password") for each in found if "bodyCut" not in each] == ["***"] * 6


def test_a_body_that_is_packed_or_sent_in_pieces_is_read_as_ever(one: Server, key: str) -> None:
    put(one, key, STUB)
    packed = gzip.compress(b'{"cartId": "packed"}', mtime=0)
    for _ in range(4):
        assert sent(one, key, b'{"cartId": "plain"}')[0] == 200
        assert sent(one, key, packed, {"Content-Encoding": "gzip"})[0] == 200
        assert sent(one, key, iter([b'{"cartId":', b' "pieces"}']))[0] == 200
    told = [each["body"]["cartId"] for each in entries(one, key)]
    assert told == ["plain", "packed", "pieces"] * 4


def sent(server: Server, key: str, body: Any, headers: dict[str, str] | None = None, path: str = TAX) -> tuple[int, Any]:
    """Status and body of the answer to a body as it stands, with always the same headers."""
    parts = urlsplit(server.base)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as connection:
        connection.request(
            "POST", f"{parts.path}{path}?api_key={key}", body, {"Content-Type": "application/json", **(headers or {})}
        )
        reply = connection.getresponse()
        text = reply.read().decode()
    return reply.status, json.loads(text) if text[:1] == "{" else text
