"""What a sandbox is made with: its language, its quota, and its seed, by which the same calls have the same answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Server, serving
from sandboxes import CUSTOMER, NOON


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("house"), "--workers", request.param) as one:
        yield one


def test_a_sandbox_speaks_its_own_language(house: Server) -> None:
    key = house.minted(locale="fr")
    french = house.call("GET", "/sa/customers/nobody", key=key).json()["errorMessage"]
    assert french != house.call("GET", "/sa/customers/nobody").json()["errorMessage"]
    assert french == house.call("GET", "/sa/customers/nobody", params={"locale": "fr"}).json()["errorMessage"]


def test_a_language_without_messages_is_refused_with_those_that_there_are(house: Server) -> None:
    refused = house.admin("POST", "/sandboxes", {"locale": "tlh"})
    assert refused.status_code == 400
    (problem,) = refused.json()["errors"]
    assert problem == {"path": "/locale", "message": "the fixture set has no messages for 'tlh'; known: de, en, es, fr"}
    key = house.minted(locale="fr-CA")
    assert "Aucun" in house.call("GET", "/sa/customers/nobody", key=key).json()["errorMessage"]


def test_a_quota_is_exact_whichever_worker_answers_and_its_window_is_of_the_sandboxs_clock(house: Server) -> None:
    key = house.minted(quota={"limit": 20, "window": 60_000}, clock={"frozen": NOON})

    def codes() -> list[int]:
        with ThreadPoolExecutor(16) as pool:
            return sorted(pool.map(lambda _: house.call("GET", "/sa/customers/C-1001", key=key).status_code, range(50)))

    assert codes() == [200] * 20 + [429] * 30
    refused = house.call("GET", "/sa/customers/C-1001", key=key)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert refused.json()["errorCode"] == "TOO_MANY_REQUESTS"
    assert house.admin("GET", f"/sandboxes/{key}/journal?last=1").json()["entries"][0]["rule"] == "quota of the sandbox"
    house.admin("POST", f"/sandboxes/{key}/clock", {"advance": 45_000})
    assert house.call("GET", "/sa/customers/C-1001", key=key).headers["Retry-After"] == "15"
    house.admin("POST", f"/sandboxes/{key}/clock", {"advance": 15_000})
    assert codes() == [200] * 20 + [429] * 30
    assert house.admin("GET", f"/sandboxes/{key}").json()["quota"] == {"limit": 20, "window": 60_000}


def test_a_quota_is_the_sandboxs_and_no_rules_so_it_outlives_a_reset_and_counts_what_rules_answer(house: Server) -> None:
    key = house.minted(quota={"limit": 2, "window": 60_000}, scenario="happy-path")
    house.admin("POST", f"/sandboxes/{key}/rules", {"rules": [{"then": {"status": 503}}]})
    assert [house.call("GET", "/sa/customers/MAGIC-503", key=key).status_code for _ in range(3)] == [503, 503, 429]
    house.admin("PUT", f"/sandboxes/{key}/rules", {"rules": []})
    assert house.call("GET", "/sa/customers/C-1001", key=key).status_code == 429
    house.admin("POST", f"/sandboxes/{key}/reset", {"rules": True})
    assert [house.call("GET", "/sa/customers/C-1001", key=key).status_code for _ in range(3)] == [200, 200, 429]


#: Ids, dates and chance have their part in what these are answered.
CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/sa/customers", CUSTOMER),
    ("POST", "/sa/customers/C-1001/address", {"addressLine1": "Rue 1", "city": "Lyon", "countryCode": "FR"}),
    ("POST", "/sa/cartValidation", {"cartId": "CT", "storeId": "S-101", "productList": [{"productId": "P-1001", "quantity": 1}]}),
    ("GET", "/sa/customers?lastName=Vandermeer", None),
    ("GET", "/sa/customers/C-1001", None),
]
RULES = [
    {"when": {"contract": "SEARCH_CUSTOMERS"}, "then": {"delay": {"uniform": [1, 40]}}},
    {"when": {"contract": "CART_VALIDATION"}, "then": {"delay": {"lognormal": {"median": 9, "sigma": 0.5}}}},
    {"when": {"contract": "GET_CUSTOMER", "probability": 0.5}, "then": {"status": 503}},
]


def transcript(server: Server, key: str) -> bytes:
    """What the same calls are answered in a sandbox, twice over, and how long each had to wait."""
    server.admin("PUT", f"/sandboxes/{key}/rules", {"rules": RULES})
    said = [server.call(method, path, key=key, json=body).content for _ in range(4) for method, path, body in CALLS]
    entries = server.admin("GET", f"/sandboxes/{key}/journal").json()["entries"]
    waited = [str(one.get("trouble", {}).get("delay", 0)).encode() for one in entries]
    assert len(set(waited)) == 9, "nothing, and as many others as calls were delayed"
    return b"\n".join([*said, *waited, raw(server, key)])


def raw(server: Server, key: str) -> bytes:
    """The body of a garbage reply, which chance has made."""
    server.admin("PUT", f"/sandboxes/{key}/rules", {"rules": [{"then": {"fault": "garbage"}}]})
    parts = urlsplit(server.base)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(f"GET {parts.path}/sa/customers/C-1001?api_key={key} HTTP/1.1\r\nHost: mock\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[2]


def test_the_same_seed_and_the_same_calls_give_the_same_bytes(house: Server) -> None:
    frozen = {"clock": {"frozen": NOON}}
    first, second = house.minted(seed="one", **frozen), house.minted(seed="one", **frozen)
    said = transcript(house, first)
    assert b'"customerId":"C-' in said
    assert said == transcript(house, second)
    assert said != transcript(house, house.minted(seed="two", **frozen))
    assert said != transcript(house, house.minted(**frozen))
    house.admin("POST", f"/sandboxes/{first}/reset", {})
    assert said == transcript(house, first), "after a reset the ids begin anew"


def test_they_are_the_same_on_another_day_on_another_server_with_more_workers_and_after_a_restart(tmp_path: Path) -> None:
    heard = []
    for workers, state in (("1", "one"), ("1", "one"), ("2", "other")):
        with serving(tmp_path, "--workers", workers, "--state", str(tmp_path / state)) as server:
            heard.append(transcript(server, server.minted(seed="one", clock={"frozen": NOON})))
    assert heard[0] == heard[1] == heard[2]


def test_a_seeded_sandbox_goes_on_where_it_was_when_the_server_starts_again(tmp_path: Path) -> None:
    state, made = ("--state", str(tmp_path / "kept")), {"seed": "one", "clock": {"frozen": NOON}}
    with serving(tmp_path, *state) as server:
        other, key = server.minted(**made), server.minted(**made)
        whole = [server.call("POST", "/sa/customers", key=other, json=CUSTOMER).content for _ in range(4)]
        halves = [server.call("POST", "/sa/customers", key=key, json=CUSTOMER).content for _ in range(2)]
    with serving(tmp_path, *state, "--workers", "2") as server:
        halves += [server.call("POST", "/sa/customers", key=key, json=CUSTOMER).content for _ in range(2)]
    assert halves == whole
    assert len(set(whole)) == 4
