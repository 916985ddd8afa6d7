"""Connectors files with much wrong at once, with what would steer a terminal, and receivers that refuse inside a 200."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Server
from hooked import receiving
from test_connector_cli import CLIENT, checks, hook, spi, write
from typed import typed

STEERING = "http://127.0.0.1:9/\r\nmade-up: line\x1b[31m"


def found(file: str) -> list[str]:
    """The places of all findings, in their order."""
    done = typed("connector", "lint", file, "--json")
    assert done.returncode == 1
    return [one["pointer"].removeprefix("/connectors/") for one in json.loads(done.stdout)]


def test_lint_tells_everything_at_once_and_nothing_that_follows_from_it(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        hook("ODER", jsonHeaders={"a b": "x", "client_secret": "x"}, color=1),
        hook("X", "zzz", events=["ORDER", 5], platform="emporixx", secret=7),
        {"connectorType": "Webhook", "apiEndpoint": "zzz", "jsonHeaders": 5},
        hook("Y", 5, events=[], oauthConfig={**CLIENT, "url": "x", "scop": "x"}),  # type: ignore[arg-type]
        hook("Z", events=["ORDER"], oauthConfig={"url": 5}, netSuiteOAuth=True),
        spi("GET_CUSTMER", "/x", integrationType="GET"),
        5,  # type: ignore[arg-type]
    )
    assert found(file) == [
        "0/endpointName", "0/jsonHeaders/a b", "0/jsonHeaders/client_secret", "0/color",
        "1/apiEndpoint", "1/events/1", "1/platform", "1/secret",
        "2/endpointName", "2/jsonHeaders",
        "3/apiEndpoint", "3/events", "3/oauthConfig/scop",
        "4/oauthConfig/url", "4/netSuiteOAuth",
        "5/endpointName", "5/integrationType",
        "6",
    ]  # fmt: skip
    (tmp_path / "c.json").write_text('{"connectors": 5, "color": 1}')
    done = typed("connector", "lint", file)
    assert (done.returncode, done.stderr) == (1, "2 findings\n")


def test_a_url_with_control_characters_is_refused_and_nothing_steers_the_terminal(server: Server, tmp_path: Path) -> None:
    file = write(
        tmp_path, hook(url=STEERING, jsonHeaders={"X\r\n\x1b[31mY": "x"}, oauthConfig={**CLIENT, "url": STEERING}),
        spi("GET_CUSTOMER", "/people\x1b[31m"),
    )  # fmt: skip
    places = ["0/apiEndpoint", "0/jsonHeaders/X\r\n\x1b[31mY", "0/oauthConfig/url", "1/apiEndpoint"]
    assert found(file) == places
    for words in (("lint", file), ("list", "--connectors", file), ("test", "--connectors", file)):
        done = typed("connector", *words)
        assert done.returncode == (1 if words[0] == "lint" else 2)
        assert "a URL without control characters" in done.stdout + done.stderr
        assert all(line.isprintable() for line in (done.stdout + done.stderr).split("\n")), words
        assert len((done.stdout + done.stderr).splitlines()) == (5 if words[0] == "lint" else 1)
    key = server.minted()
    asked = server.admin("POST", f"/sandboxes/{key}/connectors", {"connectors": [hook(url=STEERING)]})
    assert (asked.status_code, asked.json()["errors"][0]["path"]) == (400, "/connectors/0/apiEndpoint")
    sent = server.admin("POST", f"/sandboxes/{key}/webhooks", {"event": "VOID_CART", "to": STEERING})
    assert (sent.status_code, sent.json()["errors"][0]["path"]) == (400, "/to")
    for words in (("replay", str(tmp_path), "--against", STEERING), ("received", "--admin-token", "x", "--admin-url", STEERING)):
        done = typed(*words)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr


def test_the_list_shows_nothing_that_steers_the_terminal(tmp_path: Path) -> None:
    file = write(tmp_path, hook("A\x1b[31m", events=["ORDER"]))
    done = typed("connector", "list", "--connectors", file)
    assert (done.returncode, "A\ufffd[31m" in done.stdout, "\x1b" in done.stdout) == (0, True, False)
    with receiving() as target:
        file = write(tmp_path, hook("A\x1b[31m", target.hook, events=["ORDER"]))
        done = typed("connector", "test", "--connectors", file)
        assert (done.returncode, "A\ufffd[31m" in done.stdout, "\x1b" in done.stdout) == (0, True, False)


@pytest.mark.parametrize("text", ["${BAD NAME}", "$FOO", "${A"])
def test_what_refers_wrongly_to_the_environment_is_not_sent(text: str, tmp_path: Path) -> None:
    with receiving() as target:
        file = write(tmp_path, hook(url=target.hook, jsonHeaders={"X-Key": text}))
        (told,) = checks(file, code=1)
        assert told[:3] == ("ORDER", "/jsonHeaders/X-Key", False)
        assert f"{text!r} is no reference to the environment" in told[3]
        assert target.came == []


@pytest.mark.parametrize(
    ("own", "answer", "ok", "said"),
    [
        ({}, (200, {"errorCode": "NOPE"}), False, "answered 200 with an error; errorCode NOPE"),
        ({}, (400, {"errorCode": "NOPE"}), True, "400 in "),
        ({"platform": "emporix", "events": ["cart.created"]}, (200, {"errorCode": "NOPE"}), True, "200 in "),
    ],
    ids=["a failure", "who refuses an empty object", "another platform"],
)
def test_an_error_inside_a_200_is_a_failure_for_retail_cloud(
    own: dict[str, Any], answer: tuple[int, Any], ok: bool, said: str, tmp_path: Path
) -> None:
    with receiving((200, {}), (200, {}), answer) as target:
        file = write(tmp_path, hook(url=target.hook, **own))
        told = checks(file, code=0 if ok else 1)[-1]
        assert (told[1], told[2], said in told[3]) == ("POST {}", ok, True), told
