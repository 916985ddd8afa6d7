"""A sandbox without a server: the bridge for ``requests``, and the application for other clients."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses
from bridged import BASE, got
from conftest import ROOT, Server, clean_environment

from mockspi.adminclient import Refused
from mockspi.testing import AppBox, app, responses_mock


@pytest.fixture
def box() -> Iterator[AppBox]:
    with responses_mock(base_url=BASE) as one:
        yield one


# --- the calls


def test_replies_are_those_of_a_server(server: Server) -> None:
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/sa/customers/C-1001", {}),
        ("HEAD", "/sa/customers/C-1001", {}),
        ("OPTIONS", "/sa/customers/C-1001", {}),
        ("PATCH", "/sa/customers/C-1001", {}),
        ("GET", "/sa/customers?lastName=m%C3%BCller&pageSize=2", {}),
        ("GET", "/sa/customers/C%2F1", {}),
        ("GET", "/sa/nothing", {}),
        ("POST", "/sa/orders/search", {"json": {"customerId": "C-1001"}}),
        ("POST", "/sa/orders/search", {"data": b"\xff\xfe"}),
        ("POST", "/sa/orders/search", {"data": "a=1"}),
        ("POST", "/sa/orders/search", {"json": {"orderStatus": "nonsense"}}),
    ]
    language = {"Accept-Language": "de"}
    real = [server.call(method, path, headers=language, **options) for method, path, options in calls]
    with responses_mock(base_url=BASE) as box:
        bridged = [
            requests.request(method, BASE + path, params=box.params, headers=language, timeout=5, **options)
            for method, path, options in calls
        ]
    for call, one, other in zip(calls, bridged, real, strict=True):
        assert (one.status_code, one.content) == (other.status_code, other.content), call
        for name in ("Content-Type", "Content-Length", "Allow"):
            assert one.headers.get(name) == other.headers.get(name), (call, name)


def test_a_wrong_key_is_a_401_without_a_body(box: AppBox) -> None:
    reply = requests.get(f"{BASE}/sa/customers/C-1001", params={"api_key": "wrong"}, timeout=5)
    assert (reply.status_code, reply.content) == (401, b"")


@pytest.mark.parametrize(
    "base", ["https://pos-merchant.example", "http://merchant.example:8443/own/api/v2/", "https://Merchant.example/spi/1.0"]
)
def test_the_base_url_may_be_any(base: str) -> None:
    with responses_mock(base_url=base, api_key="key-of-the-configuration") as box:
        assert box.api_key == "key-of-the-configuration"
        url = f"{base.rstrip('/')}/sa/customers/C-1001?api_key=key-of-the-configuration"
        assert requests.get(url, timeout=5).json()["profile"]["customerId"] == "C-1001"
        box.verify("GET_CUSTOMER", path={"customerId": "C-1001"}, exactly=1)


def test_the_vendors_sample_paths_are_answered_too(box: AppBox) -> None:
    url = "https://pos-merchant.example/merchant/spi/sample/endpoint/sa/customers/C-1001"
    assert requests.get(url, params=box.params, timeout=5).status_code == 200


def test_a_session_with_a_body_from_a_file_is_answered(box: AppBox, tmp_path: Any) -> None:
    (tmp_path / "search.json").write_text('{"customerId": "C-1001"}')
    with requests.Session() as session, (tmp_path / "search.json").open("rb") as file:
        headers = {"Content-Type": "application/json"}
        reply = session.post(f"{BASE}/sa/orders/search", params=box.params, data=file, headers=headers, timeout=5)
    assert reply.json()["orders"]


def test_other_hosts_are_refused_unless_they_pass(box: AppBox, server: Server) -> None:
    with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
        requests.get("https://elsewhere.example/", timeout=5)
    with responses_mock(passthrough=[server.root]):
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200


def test_a_mock_of_ones_own_keeps_its_answers() -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://elsewhere.example/rates", json={"usd": 1})
        with responses_mock(mock=mock) as box:
            assert got(box).status_code == 200
        assert requests.get("https://elsewhere.example/rates", timeout=5).json() == {"usd": 1}
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{BASE}/sa/customers/C-1001", timeout=5)


def test_when_the_block_ends_nothing_is_mocked_and_the_sandbox_is_gone(server: Server) -> None:
    with responses_mock() as box:
        assert box.records("customers").get("C-1001")
    assert server.call("GET", "/sa/customers/C-1001").status_code == 200
    with pytest.raises(Refused, match="No sandbox"):
        box.records("customers").get("C-1001")


# --- what is wrong on purpose


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("reset", requests.exceptions.ConnectionError, "Connection reset by peer"),
        ("empty", requests.exceptions.ConnectionError, "Remote end closed connection without response"),
        ("truncate", requests.exceptions.ChunkedEncodingError, "IncompleteRead"),
        ("timeout", requests.exceptions.ReadTimeout, "read timeout=5"),
    ],
)
def test_a_fault_is_the_exception_that_a_socket_would_have_made(fault: str, kind: Any, words: str, box: AppBox) -> None:
    box.rule("GET_CUSTOMER", fault=fault, times={"first": 1})
    with pytest.raises(kind, match=words):
        got(box)
    assert got(box).status_code == 200


def test_garbage_is_no_json(box: AppBox) -> None:
    box.rule("GET_CUSTOMER", fault="garbage")
    reply = got(box)
    assert reply.status_code == 200
    assert len(reply.content) == int(reply.headers["Content-Length"])
    with pytest.raises(requests.exceptions.JSONDecodeError):
        reply.json()


def test_a_call_without_a_timeout_does_not_hang_the_test_and_is_told_that_it_would(box: AppBox) -> None:
    box.rule(fault="timeout")
    with pytest.raises(requests.exceptions.ReadTimeout, match="no timeout: against a real server it would hang for ever"):
        got(box, timeout=None)


@pytest.mark.parametrize("timeout", [0.2, (5, 0.2), pytest.param(None, id="none")])
def test_a_delay_is_waited_for_unless_the_client_gives_up(timeout: Any, box: AppBox) -> None:
    box.rule("GET_CUSTOMER", delay=300)
    if timeout is None:
        begun = time.monotonic()
        assert got(box, timeout=timeout).status_code == 200
        assert time.monotonic() - begun >= 0.3
    else:
        with pytest.raises(requests.exceptions.ReadTimeout):
            got(box, timeout=timeout)


def test_a_dribbled_reply_is_whole_unless_the_client_gives_up(box: AppBox) -> None:
    box.rule("GET_CUSTOMER", dribble={"bytes": 1024, "interval": 20})
    assert got(box).json()["profile"]["customerId"] == "C-1001"
    with pytest.raises(requests.exceptions.ConnectionError, match=r"read timeout=0\.01"):
        got(box, timeout=0.01)


# --- the application


def test_the_application_answers_flasks_client_and_any_other() -> None:
    with app() as box:
        found = box.client.get(box.url("GET_CUSTOMER", customerId="C-1001"))
        assert found.json["profile"]["customerId"] == "C-1001"
        status: list[str] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/spi/1.0/sa/custmers", "QUERY_STRING": f"api_key={box.api_key}",
                   "wsgi.url_scheme": "http", "SERVER_NAME": "mockspi.test", "SERVER_PORT": "80"}  # fmt: skip
        list(box.wsgi(environ, lambda line, headers, _=None: status.append(line)))  # type: ignore[arg-type,return-value]  # enough
        assert status == ["404 NOT FOUND"]
        box.verify("GET_CUSTOMER", exactly=1)


def test_without_the_extra_one_is_told_what_to_install() -> None:
    code = "import sys; sys.modules['responses'] = None\nimport mockspi.testing\nmockspi.testing.responses_mock"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert "ImportError: responses_mock needs requests and responses: pip install 'mockspi[testing]'" in done.stderr
