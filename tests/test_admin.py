"""The admin port: who may ask, what it says when it says no, its document, its numbers, and that it always answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from conftest import ROOT, Server, mockspi, serving, until
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockspi.admin import ROUTES
from mockspi.admin.telling import SENTENCES

TOKEN = "a-token-of-the-team"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a known token."""
    with serving(tmp_path_factory.mktemp("admin"), "--admin-token", TOKEN, "--log-calls", "on") as one:
        yield one


def filled(path: str) -> str:
    """A path template with something in it."""
    return re.sub(r"{\w+}", "staging", path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: str(one.name))
def test_every_route_wants_the_token_in_its_header_and_only_health_does_not(route: Any, house: Server) -> None:
    method, path = route.call.split(" ", 1)
    url = house.admin_url + filled(path)
    wrong: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer wörng".encode().decode("latin-1")},
        {"X-Token": TOKEN},
    ]
    answers = [requests.request(method, url, headers=headers, timeout=30) for headers in wrong]
    answers += [requests.request(method, url, params={name: TOKEN}, timeout=30) for name in ("token", "api_key", "access_token")]
    if route.open:
        assert {one.status_code for one in answers} == {200}
        assert path.startswith("/health/")
    else:
        assert {one.status_code for one in answers} == {401}
        assert {one.json()["errorCode"] for one in answers} == {"TOKEN_REQUIRED"}
        assert answers[0].headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/health/livex", "/health", "/health/live/..%2f..%2fsandboxes", "//health/live/../../sandboxes"]
)
def test_what_only_begins_like_an_open_path_is_not_open(path: str, house: Server) -> None:
    assert requests.get(house.admin_url + path, timeout=30).status_code == 401


@pytest.mark.parametrize(
    "host",
    ["attacker.example", "attacker.example:8081", "127.0.0.1.attacker.example", "localhost.attacker.example", "192.0.2.1:80",
     "127.0.0.1@attacker.example", "mockspi", "[::1].attacker.example", "a b", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/health/live", "/sandboxes"])
def test_a_name_of_another_machine_is_refused_even_with_the_token(host: str, path: str, house: Server) -> None:
    refused = house.admin("GET", path, headers={"Host": host})
    assert refused.status_code in ((403,) if host else (400, 403))
    assert not host or refused.json()["errorCode"] == "FORBIDDEN_HOST"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.1:1", "localhost:8081", "[::1]", "[::1]:8081", "LOCALHOST"])
def test_every_name_of_this_machine_will_do(host: str, house: Server) -> None:
    assert house.admin("GET", "/sandboxes", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_no_page_of_another_site_is_let_in(method: str, house: Server) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        house.admin(method, "/sandboxes", headers=headers),
        requests.request(method, house.admin_url + "/health/live", headers=headers, timeout=30),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""]
)
def test_a_write_that_is_not_json_is_refused(media: str, house: Server) -> None:
    headers = {"Content-Type": media, "Authorization": f"Bearer {TOKEN}"}
    refused = requests.post(house.admin_url + "/sandboxes", b"{}", headers=headers, timeout=30)
    assert (refused.status_code, refused.json()["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"name": NaN}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes, house: Server) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    refused = requests.post(house.admin_url + "/sandboxes", body, headers=headers, timeout=30)
    assert refused.status_code == 400
    assert refused.json()["errors"]


def test_an_unknown_path_or_method_is_said_in_our_shape(house: Server) -> None:
    unknown = house.admin("GET", "/sandbox")
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "UNKNOWN_ENDPOINT")
    assert "/sandboxes" in unknown.json()["errorMessage"]
    wrong = house.admin("PATCH", "/sandboxes")
    assert (wrong.status_code, wrong.json()["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert wrong.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert wrong.json()["errorMessage"] == "/sandboxes does not answer PATCH."


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/sandboxes/staging/journal?contarct=GET_CUSTOMER", "unknown query parameter 'contarct'; did you mean 'contract'?"),
        ("/sandboxes?page=1", "unknown query parameter 'page'"),
    ],
)
def test_an_unknown_query_parameter_is_refused(path: str, says: str, house: Server) -> None:
    refused = house.admin("GET", path)
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (400, says)
    assert "?." not in refused.json()["errorMessage"]


def test_what_it_says_are_sentences() -> None:
    for route in ROUTES:
        for failure in route.fails:
            text = SENTENCES.get(failure.code, " ".join((failure.__doc__ or "").split()))
            assert re.match(r"[A-Z{]", text), failure
            assert text.endswith("."), failure
            assert "``" not in SENTENCES.get(failure.code, ""), failure


def test_neither_port_answers_the_others_calls(house: Server) -> None:
    auth = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/sandboxes", "/health/live", "/metrics", "/openapi.json"):
        assert requests.get(house.root + path, headers=auth, timeout=30).status_code == 401
        known = requests.get(house.root + path, {"api_key": house.key}, headers=auth, timeout=30)
        assert known.json()["errorCode"] == "UNKNOWN_ENDPOINT"
    for path in ("/spi/1.0/sa/customers/C-1001", "/spi/1.0/openapi.json"):
        answer = house.admin("GET", path, params={"api_key": house.key})
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "UNKNOWN_ENDPOINT")


def test_the_token_is_printed_once_and_never_logged(house: Server) -> None:
    house.admin("GET", "/sandboxes")
    house.admin("GET", f"/sandboxes/{TOKEN}", headers={"Authorization": "Bearer nearly"}, params={"token": TOKEN})
    house.call("GET", "/sa/customers/C-1001", headers={"Authorization": f"Bearer {TOKEN}"})
    until(lambda: "GET_CUSTOMER" in house.log.read_text())
    assert house.log.read_text().count(TOKEN) == 1, "the banner"


def test_a_token_of_ones_own_is_masked_and_must_be_one(tmp_path: Path) -> None:
    shown = mockspi("settings", "--admin-token", TOKEN, cwd=tmp_path)
    assert TOKEN not in shown.stdout
    assert "***" in shown.stdout
    for bad in ("short", "two words here", "pässword-lang"):
        refused = mockspi("settings", "--admin-token", bad, cwd=tmp_path)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert bad not in refused.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_let_in_only_with_a_token_of_ones_own(host: str, tmp_path: Path) -> None:
    refused = mockspi("serve", "--admin-host", host, cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--admin-token" in refused.stderr


def test_where_other_machines_are_let_in_their_names_for_this_one_will_do(tmp_path: Path) -> None:
    with serving(tmp_path, "--admin-host", "0.0.0.0", "--admin-token", TOKEN) as server:
        codes = {host: server.admin("GET", "/sandboxes", headers={"Host": host}).status_code
                 for host in ("mockspi:8081", "192.0.2.1:8081", "localhost", "attacker.example")}  # fmt: skip
        assert codes == {"mockspi:8081": 200, "192.0.2.1:8081": 200, "localhost": 200, "attacker.example": 403}
        assert requests.get(server.admin_url + "/sandboxes", timeout=30).status_code == 401


def test_the_admin_port_listens_on_this_machine_only(house: Server) -> None:
    bound = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    port = f"{urlsplit(house.admin_url).port:04X}"
    assert re.findall(rf"(\w+):{port} \S+ 0A", bound) == ["0100007F"]


def test_a_taken_admin_port_that_was_asked_for_is_one_sentence(house: Server, tmp_path: Path) -> None:
    port = str(urlsplit(house.admin_url).port)
    done = mockspi("serve", "--port", "0", "--state", "memory", "--admin-port", port, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"port {port} on 127.0.0.1 is taken by another program; choose another with --admin-port" in done.stderr


def test_the_committed_document_is_valid_and_has_every_route(house: Server) -> None:
    document = json.loads((ROOT / "openapi" / "admin.json").read_text("utf-8"))
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())
    operations = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    assert sorted(operations) == sorted(route.name for route in ROUTES)
    for route in ROUTES:
        told = operations[route.name]
        assert str(route.status) in told["responses"]
        assert {str(one.status) for one in route.fails} <= told["responses"].keys()
        assert ("401" in told["responses"]) is not route.open
        assert told.get("security", "the token") == ([] if route.open else "the token")
    served = house.admin("GET", "/openapi.json").json()
    assert served["paths"] == document["paths"]
