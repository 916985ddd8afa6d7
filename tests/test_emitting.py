"""What happens in a sandbox's world is sent to the connectors that subscribe: exactly that, in order, and never in circles."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import NOON, Server, serving, until
from hooked import Receiver, receiving
from selling import order, sold
from typed import typed

MONITORING = "EXPORT_MONITORING_EVENTS"
WEEK = 604_800_000


@pytest.fixture(scope="module", params=[1, 2], ids=["one-worker", "two-workers"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one worker, and one of two."""
    with serving(tmp_path_factory.mktemp("emitting"), "--workers", str(request.param)) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who is sent the events."""
    with receiving() as one:
        yield one


def connector(receiver: Receiver, name: str, *events: str, **more: Any) -> dict[str, Any]:
    """A webhook connector to a path of the receiver's own."""
    said = {"events": list(events)} if events else {}
    return {"connectorType": "Webhook", "endpointName": name, "apiEndpoint": f"{receiver.url}/{name}", **said, **more}


@dataclass
class World:
    """A sandbox whose clock stands still, and its receiver."""

    server: Server
    receiver: Receiver
    key: str

    def sell(self, *lines: dict[str, Any], order_id: str = "O-1") -> requests.Response:
        """An order arrives."""
        sent = order(order_id, *lines, lastDateToReturnTimeStamp=NOON + WEEK)
        return self.server.admin("POST", f"/sandboxes/{self.key}/orders", sent)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call of the POS."""
        return self.server.call(method, path, key=self.key, **options)

    def give_back(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Lines of the order come back."""
        body = {"orderId": "O-1", "returnProductList": list(lines), **more}
        told: dict[str, Any] = self.call("POST", "/sa/orders/return", json=body).json()
        return told

    def sent(self) -> list[tuple[str, Any]]:
        """Path and body of all that was sent, once nothing is under way any more."""
        until(lambda: not any(one["status"] == "waiting" for one in self.outbox()))
        return [(one.path[1:], one.body) for one in self.receiver.came]

    def outbox(self) -> list[dict[str, Any]]:
        """Every event that was to be sent."""
        found: list[dict[str, Any]] = self.server.admin("GET", f"/sandboxes/{self.key}/webhooks").json()["webhooks"]
        return found


def world(server: Server, receiver: Receiver, *connectors: dict[str, Any]) -> World:
    """A sandbox with these connectors."""
    return World(server, receiver, server.minted(clock={"frozen": NOON}, connectors=list(connectors)))


def test_an_order_that_arrives_is_exported_and_its_stock_told(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, "ORDER"), connector(receiver, "SALE_INVENTORY"))
    assert shop.sell(sold("P-1001", 2), sold("P-1007", item="2")).status_code == 200
    assert shop.sell(sold("P-1001", 2), sold("P-1007", item="2")).status_code == 200, "the same once more is answered the same"
    assert shop.sell(sold("P-1001", 99_999), order_id="O-2").status_code == 409, "and what is refused has not happened"
    (_, shelf), (_, exported) = sorted(shop.sent(), key=lambda one: one[0] == "ORDER")
    assert (exported["orderId"], exported["totalAmount"]) == ("O-1", 79.2)
    lines = [("P-1001", 2, "S-102"), ("P-1007", 1, "S-102")]
    assert [(one["productId"], one["quantity"], one["locationId"]) for one in shelf["productList"]] == lines
    assert (shelf["orderId"], shelf["requestId"], shelf["storeId"], shelf["orderDate"]) == ("O-1", "O-1", "S-102", NOON)


def test_a_return_updates_the_order_and_gives_its_stock_back(server: Server, receiver: Receiver) -> None:
    names = ("ORDER_UPDATE", "RETURN_INVENTORY", "INVENTORY_EXPORT_INA")
    shop = world(server, receiver, *(connector(receiver, name) for name in names))
    shop.sell(sold("P-1001", 3))
    assert shop.sent() == [], "nobody listens to sales, and who listens to returns is told of stock by them"
    told = shop.give_back({"orderItemId": "1", "quantity": 1})
    assert shop.give_back({"orderItemId": "1", "quantity": 1}) == told
    shop.give_back({"orderItemId": "1", "quantity": 1, "disposition": "DAMAGED"})
    first, second, back = sorted(shop.sent(), key=lambda one: one[0] == "RETURN_INVENTORY")
    assert [name for name, _ in (first, second, back)] == ["ORDER_UPDATE", "ORDER_UPDATE", "RETURN_INVENTORY"]
    assert [len(one[1]["returnProductList"]) for one in (first, second)] == [1, 2], "each as it was then"
    assert back[1]["returnOrderId"] == back[1]["requestId"] == told["returnOrderId"]
    assert back[1]["productList"] == [{"productId": "P-1001", "quantity": 1, "locationId": "S-102"}]


def test_stock_is_told_as_adjustments_where_nobody_listens_to_sales_and_returns(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, "STOCK", "INVENTORY_ADJUSTMENT"), connector(
        receiver, "INVENTORY_EXPORT_INA", "INVENTORY_BUCKET_ADJUSTMENT"))  # fmt: skip
    shop.sell(sold("P-1001", 3))
    told = shop.give_back({"orderItemId": "1", "quantity": 2, "storeId": "S-101"})
    (name, went), (_, came) = shop.sent()
    assert name == "STOCK"
    assert (went["eventType"], went["locationId"], went["adjustmentId"]) == ("INVENTORY_ADJUSTMENT", "S-102", "O-1@S-102")
    assert went["productList"] == [{"productId": "P-1001", "quantity": -3, "reason": "SALE"}]
    assert (came["locationId"], came["adjustmentId"]) == ("S-101", f"{told['returnOrderId']}@S-101")
    assert came["productList"] == [{"productId": "P-1001", "quantity": 2, "reason": "RETURN"}]


def test_monitoring_hears_of_errors_and_of_nothing_else(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, MONITORING, integrationType="HTTP_PUT"))
    assert shop.call("GET", "/sa/customers/C-1001").status_code == 200
    assert shop.call("GET", "/sa/customers/nobody").status_code == 200, "a business no"
    assert shop.call("POST", "/sa/orders/return", json={}).status_code == 400
    assert shop.call("GET", "/sa/nowhere").status_code == 404, "nobody knows whose this is"
    (_, refused), (_, broken) = shop.sent()
    facts = ("eventType", "endpointName", "connectorType", "integrationType", "httpStatus", "errorCode", "eventTime")
    assert [refused[name] for name in facts] == [
        "RECEIVED_ERROR",
        "GET_CUSTOMER",
        "SPI",
        "HTTP_GET",
        200,
        "CUSTOMER_NOT_FOUND",
        NOON,
    ]
    assert [broken[name] for name in facts[:6]] == ["RECEIVED_ERROR", "RETURN", "SPI", "HTTP_POST", 400, "REQUEST_INVALID"]
    assert refused["url"] == f"{server.base}/sa/customers/nobody?api_key=***"
    assert {one.method for one in receiver.came} == {"PUT"}
    assert receiver.most == 1


@pytest.mark.parametrize("fault", ["timeout", "reset", "empty"])
def test_a_timeout_is_told_and_no_latency_with_it(fault: str, server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, MONITORING, latencyThreshold=1))
    rule = {"when": {"contract": "GET_CUSTOMER"}, "then": {"fault": fault, "delay": {"fixed": 50}}}
    assert server.admin("POST", f"/sandboxes/{shop.key}/rules", {"rules": [rule]}).status_code == 200
    with pytest.raises(requests.RequestException):
        requests.get(server.url("/sa/customers/C-1001"), params={"api_key": shop.key}, timeout=0.5)
    ((_, told),) = shop.sent()
    assert (told["eventType"], told["timedOut"]) == ("THRESHOLD_EXCEEDED", True)
    assert "httpStatus" not in told


def test_a_reply_over_the_threshold_is_told_to_who_sets_one(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, MONITORING), connector(receiver, "SLOW", MONITORING, latencyThreshold=20),
                 connector(receiver, "SLOWER", MONITORING, latencyThreshold=9_000))  # fmt: skip
    rule = {"when": {"contract": "GET_CUSTOMER"}, "then": {"delay": {"fixed": 40}}}
    server.admin("POST", f"/sandboxes/{shop.key}/rules", {"rules": [rule]})
    assert shop.call("GET", "/sa/customers/C-1001").status_code == 200
    ((name, told),) = shop.sent()
    assert (name, told["eventType"], told["timedOut"], told["latencyThreshold"]) == ("SLOW", "THRESHOLD_EXCEEDED", False, 20)
    assert told["latency"] >= 40


def test_the_threshold_of_the_called_connector_counts_first(receiver: Receiver, tmp_path: Path) -> None:
    spi = {"connectorType": "SPI", "endpointName": "GET_CUSTOMER", "apiEndpoint": "/people", "latencyThreshold": 30}
    (tmp_path / "c.json").write_text(json.dumps({"connectors": [spi, connector(receiver, MONITORING)]}))
    with serving(tmp_path, "--connectors", "c.json") as server:
        shop = World(server, receiver, server.minted(clock={"frozen": NOON}))
        rule = {"then": {"delay": {"fixed": 60}}}
        server.admin("POST", f"/sandboxes/{shop.key}/rules", {"rules": [rule]})
        for path in ("/sa/customers/C-1001", "/sa/orders/O-7001"):
            assert shop.call("GET", path).status_code == 200
        ((_, told),) = shop.sent()
        assert told["latencyThreshold"] == 30


def test_monitoring_hears_of_webhooks_that_fail_and_never_of_its_own(server: Server, receiver: Receiver) -> None:
    receiver.answers = {"/ORDER": (503, {}), "/ORDER_UPDATE": (200, {"errorMessage": "not so"}), f"/{MONITORING}": (500, {})}
    shop = world(server, receiver, connector(receiver, "ORDER"), connector(receiver, "ORDER_UPDATE", latencyThreshold=1),
                 {**connector(receiver, "SALE_INVENTORY"), "apiEndpoint": "http://127.0.0.1:9/?token=t0p"},
                 connector(receiver, MONITORING), connector(receiver, "RETURN_INVENTORY", latencyThreshold=600_000))  # fmt: skip
    shop.sell(sold("P-1001"))
    shop.give_back({"orderItemId": "1", "quantity": 1})
    until(lambda: sum(name == MONITORING for name, _ in shop.sent()) >= 3)
    told = {(one["endpointName"], one["eventType"]): one for name, one in shop.sent() if name == MONITORING}
    facts = ("connectorType", "integrationType", "httpStatus", "eventTime")
    assert [told["ORDER", "RECEIVED_ERROR"][name] for name in facts] == ["Webhook", "HTTP_POST", 503, NOON]
    assert told["ORDER_UPDATE", "RECEIVED_ERROR"]["errorMessage"] == "not so"
    assert told["SALE_INVENTORY", "THRESHOLD_EXCEEDED"]["timedOut"] is True
    assert told["SALE_INVENTORY", "THRESHOLD_EXCEEDED"]["url"] == "http://127.0.0.1:9/?token=***"
    assert {name for name, _ in told} == {"ORDER", "ORDER_UPDATE", "SALE_INVENTORY"}, "and no alarm of an alarm"


def test_events_that_arrive_cause_none_and_monitoring_does_not_tell_of_itself(server: Server, receiver: Receiver) -> None:
    key = server.minted(clock={"frozen": NOON})
    hooks = server.base.rpartition("/")[0] + "/webhooks"
    itself = {"connectorType": "Webhook", "endpointName": MONITORING, "apiEndpoint": f"{hooks}/{MONITORING}?api_key={key}"}
    ours = [itself, connector(receiver, "ORDER"), connector(receiver, "SALE_INVENTORY")]
    assert server.admin("PUT", f"/sandboxes/{key}/connectors", {"connectors": ours}).status_code == 200
    shop = World(server, receiver, key)
    sent = order("O-1", sold("P-1001"))
    assert requests.post(f"{hooks}/ORDER", params={"api_key": key}, json=sent, timeout=30).status_code == 200
    rule = {"when": {"contract": MONITORING}, "then": {"status": 500}}
    server.admin("POST", f"/sandboxes/{key}/rules", {"rules": [rule]})
    shop.call("GET", "/sa/customers/nobody")
    assert shop.sent() == []
    assert [(one["event"], one["status"]) for one in shop.outbox()] == [(MONITORING, "failed")]


def test_members_that_a_connector_excludes_are_not_sent(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, "ORDER", excludedFields=["orderProductList", "tenders"]))
    shop.sell(sold("P-1001"))
    ((_, told),) = shop.sent()
    assert "orderProductList" not in told
    assert told["orderId"] == "O-1"


def test_many_calls_at_once_lose_no_event_and_none_is_sent_beside_another(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, connector(receiver, MONITORING))
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: shop.call("GET", f"/sa/customers/nobody-{n}").status_code, range(40)))
    assert set(done) == {200}
    told = shop.sent()
    assert sorted(body["url"].partition("?")[0].rpartition("-")[2] for _, body in told) == sorted(map(str, range(40)))
    assert receiver.most == 1


def test_a_receiver_that_is_not_there_disturbs_no_call(server: Server, receiver: Receiver) -> None:
    shop = world(server, receiver, {**connector(receiver, MONITORING), "apiEndpoint": "http://127.0.0.1:9/x"}, {
        **connector(receiver, "ORDER"), "apiEndpoint": "http://never.example:1/x"})  # fmt: skip
    assert shop.call("GET", "/sa/customers/nobody").json()["errorCode"] == "CUSTOMER_NOT_FOUND"
    assert shop.sell(sold("P-1001")).status_code == 200
    assert shop.sent() == []
    assert [one["status"] for one in shop.outbox()] == ["failed", "failed"]


def test_calls_that_are_made_again_send_nothing(server: Server, receiver: Receiver, tmp_path: Path) -> None:
    shop = world(server, receiver, connector(receiver, "ORDER_UPDATE"), connector(receiver, MONITORING))
    shop.sell(sold("P-1001"))
    shop.give_back({"orderItemId": "1", "quantity": 1})
    shop.call("GET", "/sa/customers/nobody")
    assert len(shop.sent()) == 2
    file = str(tmp_path / "bundle.gz")
    env = {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}
    name = server.admin("GET", f"/sandboxes/{shop.key}").json()["name"]
    assert typed("journal", "bundle", file, "--sandbox", name, env=env).returncode == 0
    replayed = typed("replay", file)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert len(receiver.came) == 2


def test_a_change_of_connectors_counts_from_the_next_call_on(server: Server, receiver: Receiver) -> None:
    shop, at = World(server, receiver, server.minted(clock={"frozen": NOON})), "/sandboxes/{}/connectors"
    told = []
    for method, body in (("GET", None), ("PUT", {"connectors": [connector(receiver, MONITORING)]}), ("DELETE", None)):
        assert server.admin(method, at.format(shop.key), body).status_code == 200
        for _ in range(6):  # whichever worker answers
            assert shop.call("GET", "/sa/customers/nobody").status_code == 200
        told.append(len(shop.sent()))
    assert told == [0, 6, 6]


def test_an_outbox_that_cannot_be_written_to_disturbs_no_call(receiver: Receiver, tmp_path: Path) -> None:
    with serving(tmp_path, "--state", "state") as server:
        shop = world(server, receiver, connector(receiver, MONITORING), connector(receiver, "ORDER"))
        with closing(sqlite3.connect(tmp_path / "state" / "outbox.sqlite")) as broken:
            broken.execute("DROP TABLE deliveries")
        assert shop.call("GET", "/sa/customers/nobody").json()["errorCode"] == "CUSTOMER_NOT_FOUND"
        assert shop.sell(sold("P-1001")).status_code == 200
        assert shop.call("GET", "/sa/orders/O-1").json()["orderId"] == "O-1"
        log = server.log.read_text()
    assert "retail-cloud/EXPORT_MONITORING_EVENTS is not sent to EXPORT_MONITORING_EVENTS" in log
    assert "retail-cloud/ORDER is not sent to ORDER" in log
