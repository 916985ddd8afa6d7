"""The api_key: what opens a sandbox, what does not, and that it stays out of the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from conftest import Sandbox, Server, serving

PATH = "/sa/customers/C-1001"


def refused(answer: requests.Response) -> bool:
    """401 and nothing else."""
    nothing = (answer.content, answer.headers["Content-Length"], answer.headers.get("Content-Type"))
    return answer.status_code == 401 and nothing == (b"", "0", None)


def ask(server: Server, query: str, **options: object) -> requests.Response:
    """A read with this query, as it stands."""
    return requests.get(f"{server.base}{PATH}?{query}", timeout=30, **options)  # type: ignore[arg-type]


def test_the_key_of_a_sandbox_is_accepted(sandbox: Sandbox) -> None:
    assert ask(sandbox.server, f"api_key={sandbox.key}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "api_key",
        "api_key=",
        "api_key=unknown",
        "api_key=key-stagin",
        "api_key=key-stagingg",
        "api_key=%20key-staging",
        "api_key=key-staging%20",
        "api_key=KEY-STAGING",
        "API_KEY=key-staging",
        "Api_Key=key-staging",
        "apikey=key-staging",
        "api_key=kéy-stäging",
        "api_key=%ED%A0%80",
        "api_key=%FF%FE",
        "api_key=key-staging%00",
        "api_key=staging",
        "api_key[]=key-staging",
    ],
)
def test_anything_else_is_refused_with_an_empty_body(server: Server, query: str) -> None:
    assert refused(ask(server, query))


def test_a_key_that_is_repeated_with_different_values_is_refused(new_sandbox: Callable[[], Sandbox]) -> None:
    one, other = new_sandbox(), new_sandbox()
    assert refused(ask(one.server, f"api_key={one.key}&api_key={other.key}"))
    assert refused(ask(one.server, f"api_key={one.key}&api_key=wrong"))
    assert refused(ask(one.server, f"api_key={one.key}&api_key="))


def test_a_key_that_is_repeated_with_the_same_value_is_accepted(sandbox: Sandbox) -> None:
    assert ask(sandbox.server, f"api_key={sandbox.key}&locale=fr&api_key={sandbox.key}").status_code == 200


@pytest.mark.parametrize("name", ["api_key", "api-key", "X-Api-Key", "Authorization"])
def test_a_key_in_a_header_is_no_key(sandbox: Sandbox, name: str) -> None:
    assert refused(ask(sandbox.server, "", headers={name: sandbox.key}))


def test_a_key_in_the_body_is_no_key(sandbox: Sandbox) -> None:
    url = f"{sandbox.server.base}/sa/orders/search"
    assert refused(requests.post(url, json={"api_key": sandbox.key, "orderId": "O-7001"}, timeout=30))


def test_a_wrong_key_in_the_query_is_not_mended_by_the_right_one_in_a_header(sandbox: Sandbox) -> None:
    assert refused(ask(sandbox.server, "api_key=wrong", headers={"api_key": sandbox.key}))


def test_a_key_beyond_ascii_opens_its_sandbox(tmp_path: Path) -> None:
    with serving(tmp_path, "--api-key", "euro=schlüssel-€") as server:
        assert ask(server, "api_key=schl%C3%BCssel-%E2%82%AC").status_code == 200
        assert refused(ask(server, "api_key=schlussel-%E2%82%AC"))


def test_a_key_may_need_escaping(tmp_path: Path) -> None:
    with serving(tmp_path, "--api-key", "odd=a+b&c=d/e%20") as server:
        assert ask(server, "api_key=a%2Bb%26c%3Dd%2Fe%2520").status_code == 200
        assert refused(ask(server, "api_key=a+b%26c%3Dd%2Fe%2520"))


def test_two_keys_are_two_sandboxes_that_do_not_see_each_other(new_sandbox: Callable[[], Sandbox]) -> None:
    one, other = new_sandbox(), new_sandbox()
    made = one("POST", "/sa/customers", json={"profile": {"customerId": "C-SEEN", "firstName": "Ada"}}).json()
    assert made["profile"]["customerId"] == "C-SEEN"
    one("PUT", "/sa/customers", json={"profile": {"customerId": "C-1001", "firstName": "Changed"}})
    one("DELETE", "/sa/customer/address", params={"customerId": "C-1001", "addressId": "A-1001-1"})
    assert one("GET", "/sa/customers/C-SEEN").json()["profile"]["firstName"] == "Ada"
    assert one("GET", PATH).json()["profile"]["firstName"] == "Changed"
    assert other("GET", "/sa/customers/C-SEEN").json()["errorCode"] == "CUSTOMER_NOT_FOUND"
    assert other("GET", PATH).json()["profile"]["firstName"] == "Zoë"
    assert len(other("GET", PATH).json()["addressList"]) == 2
    assert other("GET", "/sa/customers", params={"firstName": "changed"}).json()["customers"] == []


def test_one_sandbox_may_use_an_id_that_another_has_taken(new_sandbox: Callable[[], Sandbox]) -> None:
    for sandbox, name in ((new_sandbox(), "Ada"), (new_sandbox(), "Grace")):
        sent = {"profile": {"customerId": "C-MINE", "firstName": name, "email": "same@example.com"}}
        assert sandbox("POST", "/sa/customers", json=sent).json()["profile"]["firstName"] == name


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_key_is_never_in_the_log(tmp_path: Path, form: str) -> None:
    secret = "s3cret-key-of-the-second-sandbox"
    keys = ("--api-key", "first=shown-in-the-banner", "--api-key", f"second={secret}")
    with serving(tmp_path, *keys, "--log-calls", "on", "--log-format", form) as server:
        for query in ("api_key=SECRET", "API_KEY=SECRET", "api%5Fkey=SECRET", "x=1&amp;api_key=SECRET",
                      "api_key=SECRET&api_key=SECRET", "apikey=SECRET", "x=1;api_key=SECRET", "api_key%3DSECRET"):  # fmt: skip
            ask(server, query.replace("SECRET", secret))
        requests.post(f"{server.base}/no/such/path?api_key={secret}", data=b"{", timeout=30)
        requests.patch(f"{server.base}{PATH}?api_key={secret}", timeout=30)
    log = server.log.read_text()
    assert log.count(f" /spi/1.0{PATH}?") == 9, "every call is logged"
    assert "api_key=***" in log
    assert secret not in log
    if form == "json":
        lines = [json.loads(line) for line in log.splitlines()]
        assert next(line["sandbox"] for line in lines if line.get("contract")) == "second"
