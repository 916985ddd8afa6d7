"""What the service does when mockspi itself is at fault."""

from __future__ import annotations

import dataclasses
import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockspi import building, settings
from mockspi.contract import Call, Contract
from mockspi.contracts import SPIS
from mockspi.exchange import Json, Reply, Request
from mockspi.routes import RouteTable
from mockspi.service import Service
from mockspi.settings import MAIN
from mockspi.store.records import SqliteRecords

KEY = (("api_key", "mockspi-staging"),)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service over the sample set, in the test process."""
    return building.build(settings.load({"state": str(tmp_path)}, {})).service()


def with_answer(service: Service, name: str, answer: object) -> Service:
    """The same service, one contract of which answers differently."""
    changed = [dataclasses.replace(one, answer=answer) if one.id == name else one for one in SPIS]
    return dataclasses.replace(service, table=RouteTable(changed, "/spi", ("1.0",), ()))


def create(service: Service, **more: str) -> Reply:
    body = json.dumps({"profile": {"customerId": "C-NEW", "lastName": "New", **more}}).encode()
    return service.handle(Request("POST", "/spi/1.0/sa/customers", KEY, {"content-type": "application/json"}, body))


def customer(service: Service) -> Json:
    found: Json = json.loads(service.handle(Request("GET", "/spi/1.0/sa/customers/C-NEW", KEY)).body)
    return found


def original(name: str) -> Contract:
    return next(one for one in SPIS if one.id == name)


def test_a_reply_that_breaks_its_promise_is_a_500_and_undoes_what_was_written(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: Call) -> Json:
        stored = original("CREATE_CUSTOMER").answer(call)
        assert isinstance(stored, dict)
        return {**stored, "orderCount": "none"}

    logging.getLogger("mockspi").propagate = True
    with caplog.at_level(logging.ERROR, "mockspi"):
        reply = create(with_answer(service, "CREATE_CUSTOMER", broken))
    told = json.loads(reply.body)
    assert (reply.status, told["errorCode"]) == (500, "INTERNAL_ERROR")
    assert told["errorId"] in caplog.text
    assert "/orderCount" in caplog.text
    assert customer(service)["errorCode"] == "CUSTOMER_NOT_FOUND"


def test_an_answer_that_fails_is_a_500_without_its_trace(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    def failing(call: Call) -> Json:
        raise LookupError("a secret of the inside")

    logging.getLogger("mockspi").propagate = True
    with caplog.at_level(logging.ERROR, "mockspi"):
        reply = create(with_answer(service, "CREATE_CUSTOMER", failing))
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert "a secret of the inside" in caplog.text


def test_a_store_that_another_process_holds_is_a_503_that_says_when(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockspi.store.sqlite._WAIT_SECONDS", 0.05)
    with sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        reply = create(service)
        holder.execute("ROLLBACK")
    holder.close()
    assert (reply.status, json.loads(reply.body)["errorCode"]) == (503, "STORE_BUSY")
    assert ("Retry-After", "1") in reply.headers
    assert create(service).status == 200


def test_a_full_disk_is_a_507_that_says_so_and_nothing_is_half_written(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("mockspi").propagate = True
    with caplog.at_level(logging.ERROR, "mockspi"), full(service):
        reply = create(service, firstName="A" * 20_000)
    assert (reply.status, json.loads(reply.body)["errorCode"]) == (507, "STORE_FULL")
    assert "disk" in json.loads(reply.body)["errorMessage"]
    assert "Traceback" not in caplog.text
    assert customer(service)["errorCode"] == "CUSTOMER_NOT_FOUND"
    assert create(service).status == 200
    assert customer(service)["profile"]["customerId"] == "C-NEW"


@contextmanager
def full(service: Service) -> Iterator[None]:
    """The file of the records does not grow any more."""
    records = service.editions(MAIN).store.read("")
    assert isinstance(records, SqliteRecords)
    records.connection.execute("PRAGMA main.max_page_count = 1")
    yield
    records.connection.execute("PRAGMA main.max_page_count = 1000000000")


def test_a_call_sees_one_state_whatever_is_written_meanwhile(service: Service) -> None:
    def twice(call: Call) -> Json:
        before = call.records.get("customers", "C-NEW")
        writer = threading.Thread(target=create, args=(service,))
        writer.start()
        writer.join()
        assert call.records.get("customers", "C-NEW") == before
        return {"customers": [], "totalCount": 0, "pageNumber": 1, "pageSize": 25}

    asked = Request("GET", "/spi/1.0/sa/customers", (*KEY, ("lastName", "New")))
    assert json.loads(with_answer(service, "SEARCH_CUSTOMERS", twice).handle(asked).body)["totalCount"] == 0
    assert customer(service)["profile"]["customerId"] == "C-NEW"
