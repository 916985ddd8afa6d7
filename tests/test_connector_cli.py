"""``mockspi connector``: what is wrong with a file, what is in it, and what comes back where it points to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Server
from hooked import Receiver, receiving
from typed import typed


def hook(name: str = "ORDER", url: str = "https://hooks.example/orders", **more: Any) -> dict[str, Any]:
    """A webhook connector."""
    return {"connectorType": "Webhook", "endpointName": name, "apiEndpoint": url, **more}


def spi(name: str, url: str, **more: Any) -> dict[str, Any]:
    """A connector of an SPI."""
    return {"connectorType": "SPI", "endpointName": name, "apiEndpoint": url, **more}


TOKENS = spi(
    "OAUTH-OAuth",
    "https://login.example/token?grant_type=client_credentials",
    integrationType="HTTP_POST",
    jsonHeaders={"Authorization": "Basic ${PAIR}"},
)
CLIENT = {"url": "https://login.example/token", "clientId": "us", "clientSecret": "${PAIR}"}


def write(folder: Path, *connectors: dict[str, Any]) -> str:
    """A connectors file, its connectors a line each from line 3 on."""
    lines = ",\n".join(json.dumps(one) for one in connectors)
    (folder / "c.json").write_text(f'{{\n"connectors": [\n{lines}\n]}}\n')
    return str(folder / "c.json")


def test_a_sound_file_has_nothing_to_report(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        TOKENS,
        spi("GET_CUSTOMER", "/people/{customerId}", latencyThreshold=500),
        hook(oauthConfig={"oauthApiKey": "OAUTH"}),
        hook(
            "STOCK", events=["SALE_INVENTORY", "INVENTORY_ADJUSTMENT"], jsonHeaders={"client_id": "a", "client_secret": "${PAIR}"}
        ),
        hook("INVENTORY_EXPORT_ASN", events=["ASN_RECEIVED_EVENT"]),
        hook("EXPORT_MONITORING_EVENTS", integrationType="HTTP_PUT"),
        hook(
            "CARTS", platform="emporix", events=["cart.updated"], secret="${PAIR}", excludedFields=["items"], oauthConfig=CLIENT
        ),
        hook("cart.abandoned", platform="next-commerce", version="2024-04-01"),
        hook("ANY", platform="standard", events=["event"]),
        hook("SVIX", platform="emporix", profile="emporix-svix", events=["cart.created"]),
    )
    done = typed("connector", "lint", file)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: nothing to report\n", "")
    assert json.loads(typed("connector", "lint", file, "--json").stdout) == []


SECRET = "this looks like a secret; write ${NAME}, and set that variable of the environment"
WRONG: list[tuple[list[dict[str, Any]], int, str, str]] = [
    ([TOKENS, hook("ODER")], 4, "/connectors/1/endpointName", "no event 'ODER'; did you mean 'ORDER'?; where the endpoint"),
    ([hook("X", events=["ORDER", "INVENTORY_ADJUSTMNT"])], 3, "/connectors/0/events/1", "did you mean 'INVENTORY_ADJUSTMENT'?"),
    ([hook("X", events=["cart.created"])], 3, "/connectors/0/events/0", "retail-cloud has no event 'cart.created', emporix has"),
    (
        [hook("cart.abandoned", platform="next-commerce", version="1")],
        3,
        "/connectors/0/endpointName",
        "in the versions 2024-04-01",
    ),
    ([hook("X", events=[])], 3, "/connectors/0/events", "Shorter than minimum length 1"),
    ([hook(integrationType="HTTP_PUT")], 3, "/connectors/0/integrationType", "ORDER is HTTP_POST, not HTTP_PUT"),
    ([hook(), hook()], 4, "/connectors/1/endpointName", "another connector is called 'ORDER'"),
    ([hook(url="/orders")], 3, "/connectors/0/apiEndpoint", "a URL such as https://hooks.example.com/orders is expected"),
    ([hook(url="http://[::1/x")], 3, "/connectors/0/apiEndpoint", "this is no URL"),
    ([hook(url="http://a:b@hooks.example/")], 3, "/connectors/0/apiEndpoint", "without a user and password"),
    ([hook(url="http://hooks.example/#x")], 3, "/connectors/0/apiEndpoint", "without a #"),
    ([hook(jsonHeaders=["X"])], 3, "/connectors/0/jsonHeaders", "an object is expected"),
    ([hook(jsonHeaders={"a b": "x"})], 3, "/connectors/0/jsonHeaders/a b", "no header can have this name"),
    ([hook(jsonHeaders={"Host": "x"})], 3, "/connectors/0/jsonHeaders/Host", "made when something is sent"),
    ([hook(jsonHeaders={"X": 1})], 3, "/connectors/0/jsonHeaders/X", "a text is expected"),
    ([hook(jsonHeaders={"X": "a\nb"})], 3, "/connectors/0/jsonHeaders/X", "a text that a header can carry"),
    ([hook(latencyThreshold=0)], 3, "/connectors/0/latencyThreshold", "Must be greater than or equal to 1"),
    ([hook(oauthConfig={})], 3, "/connectors/0/oauthConfig", "no connector is called 'OAUTH-OAuth'"),
    ([hook(oauthConfig={"url": "https://x.example"})], 3, "/connectors/0/oauthConfig/clientId", "missing: the token endpoint"),
    ([hook(oauthConfig={**CLIENT, "url": "x"})], 3, "/connectors/0/oauthConfig/url", "a URL such as"),
    (
        [hook(oauthConfig={**CLIENT, "clientsecret": "x"})],
        3,
        "/connectors/0/oauthConfig/clientsecret",
        "did you mean 'clientSecret'?",
    ),
    ([{**TOKENS, "integrationType": "HTTP_GET"}], 3, "/connectors/0/integrationType", "OAUTH-OAuth is HTTP_POST, not HTTP_GET"),
    ([spi("GET_CUSTMER", "/x")], 3, "/connectors/0/endpointName", "no SPI is called 'GET_CUSTMER'; did you mean 'GET_CUSTOMER'?"),
    ([hook(netSuiteOAuth=True)], 3, "/connectors/0/netSuiteOAuth", "NetSuite's OAuth needs an ERP configuration"),
    ([hook(secret="whsec_abc")], 3, "/connectors/0/secret", SECRET),
    ([hook(secret="${PAIR}")], 3, "/connectors/0/secret", "retail-cloud signs nothing; a header can carry it"),
    ([hook(jsonHeaders={"client_secret": "x"})], 3, "/connectors/0/jsonHeaders/client_secret", SECRET),
    ([hook(jsonHeaders={"X-Team": "Basic dXM6"})], 3, "/connectors/0/jsonHeaders/X-Team", SECRET),
    ([hook(jsonHeaders={"X-Team": "a1B2c3D4e5F6a1B2c3D4e5F6"})], 3, "/connectors/0/jsonHeaders/X-Team", SECRET),
    ([hook(oauthConfig={**CLIENT, "clientSecret": "x"})], 3, "/connectors/0/oauthConfig/clientSecret", SECRET),
    ([hook(jsonHeaders={"X-Key": "${KEY"})], 3, "/connectors/0/jsonHeaders/X-Key", "'${KEY' is no reference to the environment"),
    ([hook(jsonHeaders={"X-Key": "$KEY"})], 3, "/connectors/0/jsonHeaders/X-Key", "'$KEY' is no reference"),
    ([hook(url="https://hooks.example/?token=x")], 3, "/connectors/0/apiEndpoint", "this URL holds what looks like a secret"),
]


@pytest.mark.parametrize(("connectors", "line", "pointer", "message"), WRONG, ids=[f"{one[2]}:{one[3][:25]}" for one in WRONG])
def test_what_is_wrong_is_told_with_its_line_and_place(
    connectors: list[dict[str, Any]], line: int, pointer: str, message: str, tmp_path: Path
) -> None:
    file = write(tmp_path, *connectors)
    done = typed("connector", "lint", file, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert (found[0]["line"], found[0]["pointer"]) == (line, pointer)
    assert message in found[0]["message"]


def test_findings_for_people_name_file_and_line(tmp_path: Path) -> None:
    file = write(tmp_path, TOKENS, hook("ODER"), hook(url="x"))
    done = typed("connector", "lint", file)
    first, second = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "2 findings\n")
    assert first.startswith(f"{file}:4:")
    assert second.startswith(f"{file}:5:")


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (("lint", "nowhere.json"), ("list", "--connectors", "nowhere.json"), ("list",), ("test",)):
        done = typed("connector", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "connectors file" in done.stderr
    twice = tmp_path / "c.json"
    twice.write_text('{"connectors": [], "connectors": []}')
    assert "c.json:1:20: /connectors: this member stands here twice" in typed("connector", "lint", str(twice)).stdout


def test_the_list_masks_what_is_secret(server: Server, tmp_path: Path) -> None:
    own = hook(
        secret="whsec_abc",
        platform="standard",
        events=["event"],
        latencyThreshold=9,
        jsonHeaders={"client_secret": "s3cret", "X-Key": "${KEY}", "Ocp-Apim-Subscription-Key": "s3cret", "X-Auth": "s3cret"},
        oauthConfig={**CLIENT, "clientSecret": "c1ient"},
    )
    asked = hook("LOSSES", "https://hooks.example/?token=t0ken&x=1", events=["VOID_CART"])
    file = write(tmp_path, own, asked)
    done = typed("connector", "list", "--connectors", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].split() == [
        "Webhook",
        "ORDER",
        "https://hooks.example/orders",
        "event,",
        "standard's,",
        "OAuth,",
        "signed,",
        "over",
        "9",
        "ms",
        "told",
    ]
    told = typed("connector", "list", "--connectors", file, "--json").stdout
    first, second = json.loads(told)
    masked = dict.fromkeys(("client_secret", "Ocp-Apim-Subscription-Key", "X-Auth"), "***")
    assert first["jsonHeaders"] == {**masked, "X-Key": "${KEY}"}
    assert (first["secret"], first["oauthConfig"]["clientSecret"]) == ("***", "***")
    assert second["apiEndpoint"] == "https://hooks.example/?token=***&x=1"
    assert not any(word in done.stdout + told for word in ("s3cret", "c1ient", "t0ken", "whsec_abc"))
    key = server.minted(connectors=[own])
    env = {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}
    assert json.loads(typed("connector", "list", "--sandbox", key, "--json", env=env).stdout) == [first]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where the connectors point to."""
    with receiving() as one:
        one.answers["/token"] = (200, {"access_token": "tok-1-abcdef", "expires_in": 3600})
        yield one


def checks(file: str, *words: str, code: int) -> list[tuple[str, str, bool, str]]:
    """What a test of connectors says."""
    done = typed(
        "connector", "test", *words, "--connectors", file, "--json", env={"PAIR": "a-pair-of-words", "SIGN": "s1gn-with-me"}
    )
    assert done.returncode == code, done.stdout + done.stderr
    return [tuple(one.values()) for one in json.loads(done.stdout)]  # type: ignore[misc]


def test_a_receiver_is_asked_who_is_there_and_sent_an_empty_object(receiver: Receiver, tmp_path: Path) -> None:
    config = {**CLIENT, "url": f"{receiver.url}/token"}
    file = write(tmp_path, hook(url=f"{receiver.url}/orders", oauthConfig=config, jsonHeaders={"X-Key": "${PAIR}"}))
    told = checks(file, code=0)
    assert [one[:3] for one in told] == [("ORDER", "HEAD or OPTIONS", True), ("ORDER", "token", True), ("ORDER", "POST {}", True)]
    assert told[1][3] == "a token for 3590 s"
    assert [(one.method, one.path) for one in receiver.came] == [
        ("HEAD", "/orders"),
        ("OPTIONS", "/orders"),
        ("POST", "/token"),
        ("POST", "/token"),
        ("POST", "/orders"),
    ]
    probe = receiver.came[-1]
    assert (probe.raw, probe.headers["mockspi-probe"], probe.headers["x-key"]) == (b"{}", "true", "a-pair-of-words")
    assert probe.headers["authorization"] == "Bearer tok-1-abcdef"


def test_every_platform_can_be_probed(receiver: Receiver, tmp_path: Path) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    file = write(
        tmp_path,
        hook("A", f"{receiver.url}/a", platform="emporix", events=["cart.created"], secret="${SIGN}"),
        hook("B", f"{receiver.url}/b", platform="next-commerce", events=["cart.abandoned"], secret="${SIGN}"),
        hook("C", f"{receiver.url}/c", platform="standard", events=["event"], secret=secret),
        hook("D", f"{receiver.url}/d", platform="emporix", profile="emporix-svix", events=["cart.created"], secret=secret),
    )
    assert all(one[2] for one in checks(file, code=0))
    signed = [one for one in receiver.came if one.method == "POST"]
    headers = ("emporix-event-signature", "x-29next-signature", "webhook-signature", "svix-signature")
    assert all(name in one.headers for name, one in zip(headers, signed, strict=True))


@pytest.mark.parametrize(
    ("own", "check", "said"),
    [
        ({"path": "/locked"}, "POST {}", "401 in "),
        ({"url": "http://127.0.0.1:9/x"}, "HEAD or OPTIONS", "refused"),
        ({"url": "http://169.254.169.254/x"}, "sending", "--allow-outbound"),
        ({"jsonHeaders": {"X-Key": "${NOT_SET}"}}, "sending", "NOT_SET is not set"),
        ({"netSuiteOAuth": True}, "token", "NetSuite's OAuth needs an ERP configuration"),
        ({"oauthConfig": {**CLIENT, "url": "http://127.0.0.1:9/token"}}, "token", "gave no token"),
    ],
    ids=["401", "nobody", "not-allowed", "variable", "netsuite", "token"],
)
def test_what_does_not_go_well_is_told(own: dict[str, Any], check: str, said: str, receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers["/locked"] = (401, {})
    path = own.pop("path", "/orders")
    file = write(tmp_path, hook(**{"url": receiver.url + path, **own}))
    bad = [one for one in checks(file, code=1) if not one[2]]
    assert [one[3] for one in bad if one[1] == check and said in one[3]], bad
    done = typed("connector", "test", "ORDER", "--connectors", file)
    assert (done.returncode, f"failed  ORDER  {check}: " in done.stdout) == (1, True)


def test_a_token_endpoint_and_an_spi_are_tried_too(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers["/token"] = (403, {"error": "unauthorized_client"})
    file = write(
        tmp_path,
        {**TOKENS, "apiEndpoint": f"{receiver.url}/token?grant_type=client_credentials"},
        spi("GET_CUSTOMER", "https://erp.example/people?locale=fr_FR"),
        spi("TAX_SERVICE", "/tax"),
    )
    told = checks(file, code=1)
    where = receiver.url.removeprefix("http://")
    assert told[0] == (
        "OAUTH-OAuth",
        "token",
        False,
        f"the token endpoint at {where} gave no token: answered 403, unauthorized_client",
    )
    assert told[1] == ("GET_CUSTOMER", "GET /people/{customerId}", True, "200 by GET_CUSTOMER")
    assert [one[1] for one in told[2:]][:1] == ["POST /tax/calculateTax"]
    assert all(one[2] for one in told[1:])
    assert [one[0] for one in checks(file, "TAX_SERVICE", code=0)] == ["TAX_SERVICE"] * 4
    done = typed("connector", "test", "GET_CUSTMER", "--connectors", file)
    assert (done.returncode, "did you mean 'GET_CUSTOMER'?" in done.stderr) == (2, True)
