"""The connectors of a sandbox: the file's unless it has its own, told with their secrets masked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, serving
from typed import typed

LOSSES = {
    "connectorType": "Webhook", "endpointName": "VOID_CART", "apiEndpoint": "http://127.0.0.1:9/losses",
    "integrationType": "HTTP_POST",
    "jsonHeaders": {"client_id": "ours", "client_secret": "s3cret-of-ours", "X-Key": "${LOSSES_KEY}"},
}  # fmt: skip
OTHER = {"connectorType": "Webhook", "endpointName": "AUDIT", "apiEndpoint": "http://127.0.0.1:9/audit", "events": ["VOID_CART"]}
SPI = {"connectorType": "SPI", "endpointName": "GET_CUSTOMER", "apiEndpoint": "/people", "latencyThreshold": 50}
TOKENS = {"connectorType": "SPI", "endpointName": "OAUTH-OAuth", "apiEndpoint": "http://127.0.0.1:9/token"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a connectors file."""
    folder = tmp_path_factory.mktemp("connectors")
    (folder / "connectors.json").write_text(json.dumps({"connectors": [SPI, LOSSES]}))
    with serving(folder, "--connectors", "connectors.json", "--auto-sandbox", "auto-") as server:
        yield server


def connectors(server: Server, key: str, method: str = "GET", rest: str = "", body: Any = None) -> tuple[int, Any]:
    """Status and JSON of a call about a sandbox's connectors."""
    reply = server.admin(method, f"/sandboxes/{key}/connectors{rest}", body)
    return reply.status_code, reply.json()


def names(server: Server, key: str) -> list[str]:
    """The endpoint names of a sandbox's connectors."""
    return [one["endpointName"] for one in connectors(server, key)[1]["connectors"]]


def test_a_sandbox_has_the_connectors_of_the_file_with_their_secrets_masked(told: Server) -> None:
    status, found = connectors(told, told.minted())
    assert status == 200
    headers = {**LOSSES["jsonHeaders"], "client_secret": "***"}  # type: ignore[dict-item]
    assert found == {"connectors": [SPI, {**LOSSES, "jsonHeaders": headers}], "own": False}
    assert connectors(told, "staging")[1] == found, "the one that was given at start has them too"


def test_connectors_are_added_put_read_and_taken_away(told: Server) -> None:
    key = told.minted()
    status, found = connectors(told, key, "POST", body={"connectors": [OTHER]})
    assert (status, found["own"], names(told, key)) == (200, True, ["GET_CUSTOMER", "VOID_CART", "AUDIT"])
    assert connectors(told, key, "PUT", "/AUDIT", {**OTHER, "secret": "whsec_abc"}) == (200, {**OTHER, "secret": "***"})
    assert connectors(told, key, rest="/AUDIT") == (200, {**OTHER, "secret": "***"})
    assert connectors(told, key, "DELETE", "/VOID_CART")[0] == 200
    assert names(told, key) == ["GET_CUSTOMER", "AUDIT"]
    assert connectors(told, key, "PUT", body={"connectors": [LOSSES]})[0] == 200
    assert names(told, key) == ["GET_CUSTOMER", "VOID_CART"], "the SPIs of the file stay: monitoring needs them"
    assert connectors(told, key, "DELETE")[0] == 200
    assert names(told, key) == ["GET_CUSTOMER"]
    assert names(told, told.minted()) == ["GET_CUSTOMER", "VOID_CART"], "nobody else's changed"


def test_reset_brings_back_those_that_a_sandbox_was_made_with(told: Server) -> None:
    plain, own = told.minted(), told.minted(connectors=[OTHER])
    assert names(told, own) == ["AUDIT"]
    for key in (plain, own):
        connectors(told, key, "PUT", body={"connectors": [TOKENS]})
    assert names(told, own) == ["OAUTH-OAuth"]
    assert typed("sandbox", "reset", own, "connectors", env=admin(told)).returncode == 0
    told.admin("POST", f"/sandboxes/{plain}/reset", {})
    assert (names(told, plain), names(told, own)) == (["GET_CUSTOMER", "VOID_CART"], ["AUDIT"])


def admin(server: Server) -> dict[str, str]:
    """The environment that names a server's admin port."""
    return {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({"connectors": [SPI]}, "/connectors/0/connectorType", "a webhook is expected; SPIs stand in the server's"),
        ({"connectors": [LOSSES]}, "/connectors/0/endpointName", "another connector is called 'VOID_CART'"),
        ({"connectors": [OTHER, {**OTHER, "endpointName": "SUSPEND_CARD", "events": ["VOID_CRT"]}]}, "/connectors/1/events/0",
         "retail-cloud has no event 'VOID_CRT'; did you mean 'VOID_CART'?"),
        ({"connectors": [{**OTHER, "apiEndpoint": "/audit"}]}, "/connectors/0/apiEndpoint", "a URL such as https://"),
        ({"connectors": [{**OTHER, "oauthConfig": {}}]}, "/connectors/0/oauthConfig", "no connector is called 'OAUTH-OAuth'"),
        ({"connectors": [{**OTHER, "jsonHeader": {}}]}, "/connectors/0/jsonHeader", "did you mean 'jsonHeaders'?"),
        ({"connectors": [{**OTHER, "endpointName": f"E{n}"} for n in range(100)]}, "", "101 connectors would be there; at most"),
    ],
    ids=lambda one: one[-12:] if isinstance(one, str) else "",
)  # fmt: skip
def test_what_cannot_be_sent_to_is_refused_whole(body: Any, path: str, message: str, told: Server) -> None:
    key = told.minted()
    status, found = connectors(told, key, "POST", body=body)
    assert (status, found["errors"][0]["path"]) == (400, path)
    assert message in found["errors"][0]["message"]
    assert connectors(told, key)[1]["own"] is False


def test_a_refused_connector_at_creation_makes_no_sandbox(told: Server) -> None:
    reply = told.admin("POST", "/sandboxes", {"name": "never", "connectors": [SPI]})
    assert (reply.status_code, reply.json()["errors"][0]["path"]) == (400, "/connectors/0/connectorType")
    assert told.admin("GET", "/sandboxes/never").status_code == 404


def test_a_connector_that_is_not_there_is_told_with_the_nearest(told: Server) -> None:
    key = told.minted()
    for method in ("GET", "DELETE"):
        status, found = connectors(told, key, method, "/VOID_CRT")
        assert (status, found["errorCode"]) == (404, "CONNECTOR_NOT_FOUND")
        assert found["errorMessage"].endswith("'VOID_CRT'; did you mean 'VOID_CART'?")
    assert connectors(told, "nobody", "DELETE")[0] == 404
    status, found = connectors(told, key, "PUT", "/AUDIT", LOSSES)
    assert (status, found["errors"][0]["path"]) == (400, "/endpointName")
    status, found = connectors(told, key, "PUT", "/AUDIT", {**OTHER, "apiEndpoint": "here"})
    assert (status, found["errors"][0]["path"]) == (400, "/apiEndpoint")


def test_the_tokens_that_others_need_are_not_taken_from_them(told: Server) -> None:
    key = told.minted(connectors=[TOKENS, {**OTHER, "oauthConfig": {"oauthApiKey": "OAuth"}}])
    status, found = connectors(told, key, "DELETE", "/OAUTH-OAuth")
    assert (status, found["errors"][0]["message"].partition(",")[0]) == (400, "AUDIT: no connector is called 'OAUTH-OAuth'")


def test_a_bundle_tells_where_events_were_sent_and_is_replayed_without_sending(told: Server, tmp_path: Path) -> None:
    key = told.minted(name="bundled", connectors=[OTHER])
    connectors(told, key, "POST", body={"connectors": [LOSSES]})
    told.call("GET", "/sa/customers/C-1001", key=key)
    done = typed("journal", "bundle", str(tmp_path / "b.gz"), "--sandbox", "bundled", env=admin(told))
    assert done.returncode == 0, done.stderr
    lines = told.admin("GET", f"/sandboxes/{key}/bundle").text.splitlines()
    kept = json.loads(lines[0])["connectors"]
    assert [one["endpointName"] for one in kept] == ["AUDIT", "VOID_CART"]
    assert "s3cret-of-ours" not in "\n".join(lines)
    replayed = typed("replay", str(tmp_path / "b.gz"))
    assert (replayed.returncode, replayed.stderr) == (0, ""), replayed.stdout


def test_a_snapshot_brings_the_connectors_back_that_were_a_sandboxs_own(told: Server) -> None:
    own, plain = told.minted(connectors=[OTHER]), told.minted()
    for key, name in ((own, "with-own"), (plain, "without")):
        assert told.admin("POST", f"/sandboxes/{key}/snapshot", {"name": name}).status_code == 200
    connectors(told, own, "PUT", body={"connectors": [TOKENS]})
    told.admin("POST", f"/sandboxes/{own}/restore", {"name": "without"})
    assert names(told, own) == ["OAUTH-OAuth"], "there were none to bring back"
    told.admin("POST", f"/sandboxes/{own}/restore", {"name": "with-own"})
    assert names(told, own) == ["AUDIT"]
    assert names(told, told.minted(**{"from": "with-own"})) == ["AUDIT"]
    assert names(told, told.minted(**{"from": "with-own"}, connectors=[TOKENS])) == ["OAUTH-OAuth"]
    told.admin("POST", f"/sandboxes/{plain}/snapshot", {"name": "with-own"})
    assert names(told, told.minted(**{"from": "with-own"})) == ["GET_CUSTOMER", "VOID_CART"], "it is another one now"
    assert told.admin("DELETE", "/snapshots/without").status_code == 200
