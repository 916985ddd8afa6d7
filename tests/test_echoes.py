"""Secrets that a target answers with: masked in the log, in the reason, and in what monitoring is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import NOON, Server, serving, until
from hooked import receiving
from selling import order, sold

TOP = 's3cr3t/of+"ours"'
MONITORING = "EXPORT_MONITORING_EVENTS"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the secret."""
    with serving(tmp_path_factory.mktemp("echoes"), env={"TOP": TOP}) as one:
        yield one


def answers() -> dict[str, bytes]:
    """The secret in an answer, as different writers of JSON have it."""
    plain = json.dumps({"errorCode": f"K-{TOP}", "errorMessage": f"the key {TOP} is not known"})
    return {
        "plain": plain.encode(),
        "slashes": plain.replace("/", "\\/").encode(),
        "letters": plain.replace("s3cr3t", "\\u00733cr3t").encode(),
        "cut-by-the-reason": json.dumps({"errorMessage": "x" * 278 + TOP}).encode(),
        "cut-by-the-alarm": json.dumps({"errorMessage": "x" * 490 + TOP}).encode(),
    }


@pytest.mark.parametrize("status", [401, 200])
@pytest.mark.parametrize("header", ["${TOP}", "Bearer ${TOP}"])
@pytest.mark.parametrize("way", answers())
def test_a_secret_that_the_target_echoes_is_told_to_nobody(status: int, header: str, way: str, server: Server) -> None:
    with receiving(answers={"/orders": (status, answers()[way])}) as receiver:
        own = {"connectorType": "Webhook", "endpointName": "ORDER", "apiEndpoint": f"{receiver.url}/orders",
               "jsonHeaders": {"X-Shop": header}}  # fmt: skip
        other = {"connectorType": "Webhook", "endpointName": MONITORING, "apiEndpoint": f"{receiver.url}/monitoring"}
        key = server.minted(clock={"frozen": NOON}, connectors=[own, other])

        def ask(path: str) -> Any:
            return server.admin("GET", f"/sandboxes/{key}/webhooks{path}").json()

        assert server.admin("POST", f"/sandboxes/{key}/orders", order("O-1", sold("P-1001"))).status_code == 200
        until(lambda: ask("?status=waiting")["totalCount"] == 0 and receiver.at("/monitoring"))
        sent, alarm = receiver.came
        assert sent.headers["x-shop"] == header.replace("${TOP}", TOP)
        (failed,) = ask("?event=ORDER&body=true")["webhooks"]
        assert failed["status"] == "failed"
        assert "errorMessage" in failed["reason"]
        assert alarm.body["eventType"] == "RECEIVED_ERROR"
        assert len(alarm.body["errorMessage"]) >= 23
        for text in (str(alarm.body), alarm.raw.decode(), failed["reason"], json.dumps(ask("?body=true"))):
            assert "s3c" not in text
