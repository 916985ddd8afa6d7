"""Tokens: fetched for a connector's deliveries, and issued to who calls the SPIs with one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import NOON, Server, serving, until
from hooked import Receiver, receiving
from selling import order, sold
from typed import typed

HOUR = 3_600_000
SECRET = "a-Secret/of+the:client"
FORM = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the secret of its client."""
    folder = tmp_path_factory.mktemp("oauth")
    with serving(folder, "--workers", "2", "--state", "state", env={"TOKEN_CLIENT_SECRET": SECRET}) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who gives tokens and takes events."""
    with receiving() as one:
        one.answers["/token"] = (200, {"access_token": "tok-1-abcdef", "token_type": "Bearer", "expires_in": 3600})
        yield one


def basic(name: str, secret: str, gap: str = "") -> dict[str, str]:
    """The header of a client."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{gap}{secret}'.encode()).decode()}"}


BASIC = basic("us", SECRET, " ")["Authorization"]


def sent(server: Server, key: str, order_id: str) -> dict[str, Any]:
    """What became of the event of an order that arrives."""
    at = f"/sandboxes/{key}"
    before = server.admin("GET", f"{at}/webhooks").json()["totalCount"]
    assert server.admin("POST", f"{at}/orders", order(order_id, sold("P-1001"))).status_code == 200
    until(lambda: all(one["status"] != "waiting" for one in server.admin("GET", f"{at}/webhooks").json()["webhooks"]))
    found: list[dict[str, Any]] = server.admin("GET", f"{at}/webhooks").json()["webhooks"]
    assert len(found) == before + 1
    return found[-1]


def hook(receiver: Receiver, **config: Any) -> dict[str, Any]:
    """A connector for orders whose token comes from the receiver too."""
    wanted = {"url": f"{receiver.url}/token", "clientId": "us", "clientSecret": "${TOKEN_CLIENT_SECRET}", **config}
    return {"connectorType": "Webhook", "endpointName": "ORDER", "apiEndpoint": f"{receiver.url}/orders", "oauthConfig": wanted}


def test_a_token_is_fetched_once_and_carried_by_every_delivery(server: Server, receiver: Receiver) -> None:
    key = server.minted(clock={"frozen": NOON}, connectors=[hook(receiver, scope="events")])
    assert [sent(server, key, name)["status"] for name in ("O-1", "O-2")] == ["delivered", "delivered"]
    asked, *orders = receiver.came
    assert (asked.method, asked.path, asked.raw) == ("POST", "/token", b"grant_type=client_credentials&scope=events")
    assert asked.headers["authorization"] == BASIC, "with the documented space"
    assert [one.headers["authorization"] for one in orders] == ["Bearer tok-1-abcdef"] * 2


def test_the_connector_for_tokens_is_called_as_it_is_written(server: Server, receiver: Receiver) -> None:
    tokens = {"connectorType": "SPI", "endpointName": "OAUTH-OAuth", "integrationType": "HTTP_POST",
              "apiEndpoint": f"{receiver.url}/token?grant_type=client_credentials",
              "jsonHeaders": {"Authorization": "Basic ${TOKEN_CLIENT_SECRET}"}}  # fmt: skip
    own = {**hook(receiver), "oauthConfig": {"oauthHeader": "X-Auth", "oauthApiKey": "OAUTH", "prefix": ""}}
    key = server.minted(clock={"frozen": NOON}, connectors=[tokens, own])
    assert sent(server, key, "O-1")["status"] == "delivered"
    asked, delivered = receiver.came
    assert (asked.path, asked.raw, asked.headers["authorization"]) == (
        "/token?grant_type=client_credentials", b"", f"Basic {SECRET}")  # fmt: skip
    assert delivered.headers["x-auth"] == "tok-1-abcdef"


def test_a_token_that_is_refused_is_fetched_once_more(server: Server, receiver: Receiver) -> None:
    tokens = [(200, {"access_token": f"tok-{n}-abcdef", "expires_in": 3600}) for n in range(1, 5)]
    receiver.answers |= {"/token": tokens, "/orders": [(401, {}), (200, {}), (401, {}), (401, {})]}
    key = server.minted(clock={"frozen": NOON}, connectors=[hook(receiver, basic="plain")])
    first, second = sent(server, key, "O-1"), sent(server, key, "O-2")
    assert (first["status"], first["attempts"]) == ("delivered", 2)
    assert (second["status"], second["attempts"], second["httpStatus"]) == ("failed", 2, 401)
    carried = [one.headers["authorization"] for one in receiver.came if one.path == "/orders"]
    assert carried == ["Bearer tok-1-abcdef", "Bearer tok-2-abcdef", "Bearer tok-2-abcdef", "Bearer tok-3-abcdef"]
    assert receiver.came[0].headers["authorization"] == basic("us", SECRET)["Authorization"], "plain, as RFC 6749 has it"


@pytest.mark.parametrize("told", [{"expires_in": 0}, {"expired_in": "0"}])
def test_a_token_is_not_used_beyond_its_time(told: dict[str, Any], server: Server, receiver: Receiver) -> None:
    receiver.answers["/token"] = (200, {"access_token": "tok-1-abcdef", **told})
    key = server.minted(clock={"frozen": NOON}, connectors=[hook(receiver)])
    for name in ("O-1", "O-2"):
        assert sent(server, key, name)["status"] == "delivered"
    assert [one.path for one in receiver.came] == ["/token", "/orders"] * 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((401, {"error": "invalid_client"}), "gave no token: answered 401, invalid_client"),
        ((200, {"token": "here"}), "gave no token: answered 200 without an access_token"),
        ((200, ["nothing"]), "gave no token: answered 200 without an access_token"),
        ((503, "busy"), "gave no token: answered 503"),
        ((400, {"error": f"no client us with {SECRET}"}), "gave no token: answered 400, no client us with ***"),
        ((400, {"error": f"{BASIC}?"}), "gave no token: answered 400, ***?"),
    ],
    ids=["refused", "none", "no-object", "busy", "echoed", "echoed-as-sent"],
)
def test_no_token_is_a_failed_delivery_that_says_why(answer: Any, reason: str, server: Server, receiver: Receiver) -> None:
    receiver.answers["/token"] = answer
    key = server.minted(clock={"frozen": NOON}, connectors=[hook(receiver)])
    found = sent(server, key, "O-1")
    assert (found["status"], found["reason"].endswith(reason)) == ("failed", True), found
    assert [one.path for one in receiver.came] == ["/token"]


def test_a_token_endpoint_that_is_down_costs_an_attempt_where_the_profile_tries_again(server: Server, receiver: Receiver) -> None:
    receiver.answers["/token"] = [(503, "busy"), (200, {"access_token": "tok-1-abcdef", "expires_in": 3600})]
    key = server.minted(clock={"frozen": NOON}, connectors=[{**hook(receiver), "profile": "next-commerce"}])
    assert server.admin("POST", f"/sandboxes/{key}/orders", order("O-1", sold("P-1001"))).status_code == 200
    until(lambda: server.admin("GET", f"/sandboxes/{key}/webhooks").json()["webhooks"][0]["attempts"] == 1)
    (fired,) = server.admin("POST", f"/sandboxes/{key}/clock", {"advance": HOUR}).json()["fired"]
    found = server.admin("GET", f"/sandboxes/{key}/webhooks/{fired['id']}").json()
    first, second = found["attemptLog"]
    assert (found["status"], found["attempts"], fired["at"]) == ("delivered", 2, NOON + 300_000)
    assert (first["verdict"], first["request"]["bytes"], first["request"]["headers"]) == ("failed", 0, {}), "nothing was sent"
    assert first["reason"].endswith("gave no token: answered 503")
    assert second["request"]["headers"]["Authorization"] == "***"


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"netSuiteOAuth": True}, "NetSuite's OAuth needs an ERP configuration"),
        (
            {"oauthConfig": {"url": "http://127.0.0.1:9/token", "clientId": "us", "clientSecret": "${NOT_SET}"}},
            "NOT_SET is not set",
        ),
        ({"oauthConfig": {"url": "http://127.0.0.1:9/token", "clientId": "us", "clientSecret": "x"}}, "gave no token"),
        ({"oauthConfig": {"url": "http://169.254.169.254/", "clientId": "us", "clientSecret": "x"}}, "--allow-outbound"),
    ],
    ids=["netsuite", "variable", "unreachable", "not-allowed"],
)
def test_a_token_that_cannot_be_fetched_is_told(own: dict[str, Any], reason: str, server: Server, receiver: Receiver) -> None:
    plain = {name: value for name, value in hook(receiver).items() if name != "oauthConfig"}
    key = server.minted(clock={"frozen": NOON}, connectors=[{**plain, **own}])
    found = sent(server, key, "O-1")
    assert found["status"] == "failed"
    assert reason in found["reason"]
    assert receiver.came == []


def test_tokens_and_secrets_are_kept_nowhere(server: Server, receiver: Receiver) -> None:
    receiver.answers["/orders"] = (200, {"you": "sent Bearer tok-1-abcdef"})
    key = server.minted(clock={"frozen": NOON}, connectors=[hook(receiver, oauthHeader="X-Auth")])
    found = sent(server, key, "O-1")
    shown = server.admin("GET", f"/sandboxes/{key}/webhooks/{found['id']}").text
    kept = [
        shown.encode(),
        server.log.read_bytes(),
        *(one.read_bytes() for one in (server.log.parent / "state").rglob("*.sqlite*")),
    ]
    assert not any(word in one for one in kept for word in (b"tok-1-abcdef", SECRET.encode()))


# --- the token endpoint of mockspi


def fetch(server: Server, data: Any = None, headers: Any = None, **more: Any) -> requests.Response:
    """A request for a token."""
    return requests.post(server.root + "/spi/oauth/token", data=data, headers=headers, timeout=30, **more)


def bearer(server: Server, token: str, path: str = "/sa/customers/C-1001", **more: Any) -> requests.Response:
    """A call with a token in the place of the api_key."""
    return requests.request(
        more.pop("method", "GET"), server.url(path), headers={"Authorization": f"Bearer {token}"}, timeout=30, **more
    )


@pytest.fixture
def client(server: Server) -> dict[str, str]:
    """A sandbox as a client."""
    made = server.admin("POST", "/sandboxes", {"clock": {"frozen": NOON}}).json()
    return {"client_id": made["name"], "client_secret": made["api_key"]}


@pytest.mark.parametrize("way", ["basic", "spaced", "form", "query", "below"])
def test_client_credentials_get_a_token_that_opens_the_sandbox(way: str, server: Server, client: dict[str, str]) -> None:
    name, secret = client["client_id"], client["client_secret"]
    reply = {
        "basic": lambda: fetch(server, FORM, basic(name, secret)),
        "spaced": lambda: fetch(server, FORM, basic(name, secret, " ")),
        "form": lambda: fetch(server, {**FORM, **client}),
        "query": lambda: fetch(server, headers=basic(name, secret, " "), params=FORM),
        "below": lambda: requests.post(f"{server.base}/oauth/token", data=FORM, headers=basic(name, secret), timeout=30),
    }[way]()
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
    told = reply.json()
    assert (told["token_type"], told["expires_in"], set(told)) == ("Bearer", 3600, {"access_token", "token_type", "expires_in"})
    made = bearer(
        server, told["access_token"], "/sa/customers", method="POST", json={"profile": {"firstName": "T", "lastName": "K"}}
    )
    assert made.status_code == 200, made.text
    found = bearer(server, told["access_token"], f"/sa/customers/{made.json()['profile']['customerId']}")
    assert found.json() == made.json() == server.call("GET", found.url.split("/1.0")[1], key=secret).json()


def test_a_token_ends_by_the_clock_of_its_sandbox(server: Server, client: dict[str, str]) -> None:
    token = fetch(server, {**FORM, **client}).json()["access_token"]
    server.admin("POST", f"/sandboxes/{client['client_id']}/clock", {"advance": HOUR - 1})
    assert bearer(server, token).status_code == 200
    server.admin("POST", f"/sandboxes/{client['client_id']}/clock", {"advance": 1})
    over = bearer(server, token)
    assert (over.status_code, over.content) == (401, b"")


def test_only_tokens_that_were_issued_open_anything(server: Server, client: dict[str, str]) -> None:
    token = fetch(server, {**FORM, **client}).json()["access_token"]
    told, _, seal = token.partition(".")
    later = base64.urlsafe_b64encode(base64.urlsafe_b64decode(told).replace(b'"exp":1', b'"exp":9')).decode()
    other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(told).replace(client["client_id"].encode(), b"staging")).decode()
    by_key = base64.urlsafe_b64encode(base64.urlsafe_b64decode(told).replace(*(client[n].encode() for n in client))).decode()
    nothing = base64.urlsafe_b64encode(b"[]").decode()
    wrong = ["", "x", told, f"{told}.", f"{told}.x", f"{later}.{seal}", f"{other}.{seal}", f"{by_key}.{seal}", f"x.{seal}",
             f"{nothing}.{seal}", client["client_secret"]]  # fmt: skip
    for one in wrong:
        reply = bearer(server, one)
        assert (reply.status_code, reply.content) == (401, b""), one
    both = bearer(server, token, params={"api_key": "wrong"})
    assert (both.status_code, both.content) == (401, b""), "an api_key that comes is the one that counts"
    assert server.admin("DELETE", f"/sandboxes/{client['client_id']}").status_code == 200
    server.admin(
        "POST", "/sandboxes", {"name": client["client_id"], "api_key": client["client_secret"], "clock": {"frozen": NOON}}
    )
    assert bearer(server, token).status_code == 401, "another sandbox of the same name and key"


@pytest.mark.parametrize(
    ("data", "headers", "status", "error"),
    [
        ({**FORM, "client_id": "staging", "client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({**FORM, "client_id": "nobody", "client_secret": "mockspi-staging"}, {}, 401, "invalid_client"),
        ({**FORM, "client_id": "mockspi-staging", "client_secret": "mockspi-staging"}, {}, 401, "invalid_client"),
        (FORM, {}, 401, "invalid_client"),
        (FORM, {"Authorization": "Basic ?"}, 401, "invalid_client"),
        (FORM, {"Authorization": "Bearer x"}, 401, "invalid_client"),
        ({}, basic("staging", "mockspi-staging"), 400, "invalid_request"),
        ({"grant_type": "password"}, basic("staging", "mockspi-staging"), 400, "unsupported_grant_type"),
        ({**FORM, "client_secret": "x"}, basic("staging", "mockspi-staging"), 400, "invalid_request"),
        ([("grant_type", "x"), ("grant_type", "y")], basic("staging", "mockspi-staging"), 400, "invalid_request"),
        ({**FORM, "more": "x" * 9000}, basic("staging", "mockspi-staging"), 400, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_as_oauth_tells_it(data: Any, headers: Any, status: int, error: str, server: Server) -> None:
    reply = fetch(server, data, headers)
    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert ("WWW-Authenticate" in reply.headers) is (status == 401)


def test_a_token_is_asked_for_with_post(server: Server) -> None:
    reply = requests.get(server.root + "/spi/oauth/token", timeout=30)
    assert (reply.status_code, reply.json()["error"], reply.headers["allow"]) == (405, "invalid_request", "POST")


def test_a_token_does_not_fetch_another(server: Server, client: dict[str, str]) -> None:
    token = fetch(server, {**FORM, **client}).json()["access_token"]
    reply = fetch(server, FORM, {"Authorization": f"Bearer {token}"})
    assert (reply.status_code, reply.json()["errors"][0]["expected"]) == (404, "POST /spi/oauth/token without Bearer token")


def test_tokens_are_in_no_journal_and_calls_with_one_are_replayed(server: Server, client: dict[str, str], tmp_path: Path) -> None:
    token = fetch(server, {**FORM, **client}).json()["access_token"]
    assert bearer(server, token).status_code == 200
    journal = server.admin("GET", f"/sandboxes/{client['client_id']}/journal").json()
    assert [one["contract"] for one in journal["entries"]] == ["GET_CUSTOMER"]
    assert token not in str(journal)
    env = {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}
    file = str(tmp_path / "bundle.gz")
    assert typed("journal", "bundle", file, "--sandbox", client["client_id"], env=env).returncode == 0
    assert typed("replay", file).returncode == 0


def test_our_sender_and_our_token_endpoint_understand_each_other(server: Server, client: dict[str, str]) -> None:
    config = {"url": f"{server.root}/spi/oauth/token", "clientId": client["client_id"], "clientSecret": client["client_secret"]}
    own = {
        "connectorType": "Webhook",
        "endpointName": "ORDER",
        "apiEndpoint": f"{server.root}/spi/webhooks/ORDER",
        "oauthConfig": config,
    }
    key = server.minted(clock={"frozen": NOON}, connectors=[own])
    assert sent(server, key, "O-1")["status"] == "delivered"
    journal = server.admin("GET", f"/sandboxes/{client['client_id']}/journal").json()["entries"]
    assert [(one["contract"], one["body"]["orderId"]) for one in journal] == [("ORDER", "O-1")]
