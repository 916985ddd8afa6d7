"""Webhooks sent once more: as their connector is now, with what is given again, or not at all; and those that wait for others."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, Server, serving, until
from hooked import Receiver, receiving
from selling import order, sold
from typed import typed

TOKEN = "Bearer very-private-token"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps its state."""
    return tmp_path_factory.mktemp("reposting")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server with a state folder, which commands look into as well."""
    with serving(folder, "--state", str(folder / "state")) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Who is sent to."""
    with receiving() as one:
        yield one


class Shop:
    """A sandbox with one connector, whose clock stands still."""

    def __init__(self, server: Server, **connector: Any) -> None:
        self.server = server
        self.key = server.minted(clock={"frozen": NOON})
        self.name = server.admin("GET", f"/sandboxes/{self.key}").json()["name"]
        self.connect(**connector)

    def connect(self, **connector: Any) -> None:
        said = [{"connectorType": "Webhook", "endpointName": "ORDER", **connector}] if connector else []
        assert self.ask("PUT", "/connectors", {"connectors": said}).status_code == 200

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self.server.admin(method, f"/sandboxes/{self.key}{path}", body, params=query)

    def all(self) -> list[Any]:
        found: list[Any] = self.ask("GET", "/webhooks").json()["webhooks"]
        return found

    def sold(self) -> Any:
        """What became of the event of an order."""
        assert self.ask("POST", "/orders", order("O-1", sold("P-1001"))).status_code == 200
        until(lambda: all(one["status"] != "waiting" for one in self.all()))
        return self.all()[-1]

    def repost(self, **body: Any) -> Any:
        return self.ask("POST", "/webhooks/repost", body)


def test_a_repost_goes_as_its_connector_is_now(server: Server, receiver: Receiver) -> None:
    receiver.answers = {"/orders": (500, {})}
    shop = Shop(server, apiEndpoint=f"{receiver.url}/orders", jsonHeaders={"Authorization": TOKEN, "X-Plain": "1"})
    failed = shop.sold()
    (again,) = shop.repost(ids=[failed["id"]]).json()["webhooks"]
    assert (failed["status"], again["status"], again["endpoint"]) == ("failed", "failed", "ORDER")
    shop.connect(apiEndpoint=f"{receiver.url}/fixed", jsonHeaders={"Authorization": "Basic another-secret"})
    (done,) = shop.repost(failed=True).json()["webhooks"]
    assert (done["status"], done["repostOf"], done["target"]) == ("delivered", again["id"], f"{receiver.url}/fixed")
    assert [(one.path, one.headers["authorization"]) for one in receiver.came] == [
        ("/orders", TOKEN), ("/orders", TOKEN), ("/fixed", "Basic another-secret"),
    ]  # fmt: skip
    assert receiver.came[0].body == receiver.came[2].body


def test_without_its_connector_it_is_refused_and_told_what_to_give(server: Server, receiver: Receiver) -> None:
    shop = Shop(server, apiEndpoint=receiver.hook, jsonHeaders={"Authorization": TOKEN, "X-Key": "k-1", "X-Plain": "1"})
    sent = shop.sold()
    shop.connect()
    for body, path in (({"ids": [sent["id"]]}, "/ids/0"), ({"ids": [sent["id"]], "headers": {"authorization": TOKEN}}, "/ids/0")):
        refused = shop.repost(**body)
        (wrong,) = refused.json()["errors"]
        assert (refused.status_code, wrong["path"]) == (400, path)
        assert ("'Authorization: ...'" in wrong["message"]) is ("headers" not in body)
        assert "--header 'X-Key: ...', best as ${NAME}, or put its connector ORDER back" in wrong["message"]
    assert len(shop.all()) == 1, "nothing was added"
    (again,) = shop.repost(ids=[sent["id"]], headers={"authorization": TOKEN, "X-Key": "k-2"}).json()["webhooks"]
    assert again["status"] == "delivered"
    came = receiver.came[-1].headers
    assert (came["authorization"], came["x-key"], came["x-plain"]) == (TOKEN, "k-2", "1")


def test_what_is_given_goes_to_the_one_target_that_lacks_it(server: Server, folder: Path, receiver: Receiver) -> None:
    receiver.answers = {"/a": (500, {}), "/b": (500, {}), "/orders": (500, {})}
    shop = Shop(server, apiEndpoint=f"{receiver.url}/orders", jsonHeaders={"Authorization": "Bearer of-C"})
    shop.sold()
    sent = {"event": "cart.abandoned", "secret": "sekret-of-A", "headers": {"Authorization": "Bearer of-A"}, "wait": False}
    shop.ask("POST", "/clock", {"frozen": NOON})
    for path in ("a", "b"):
        shop.ask("POST", "/webhooks", {**sent, "to": f"{receiver.url}/{path}"})
    shop.ask("POST", "/clock", {"advance": 864_000_000})
    c, a, b = shop.all()
    assert [one["status"] for one in (a, b, c)] == ["failed"] * 3
    before = len(receiver.came)
    again = {"secret": "sekret-of-A", "headers": {"Authorization": "Bearer of-A"}}
    refused = shop.repost(ids=[a["id"], b["id"], c["id"]], **again)
    assert refused.status_code == 400
    told = f"what is given would go to 2 targets ({receiver.url}/a, {receiver.url}/b): name them one by one"
    assert [(one["path"], one["message"].partition(": ")[2]) for one in refused.json()["errors"]] == [
        ("/ids/0", told), ("/ids/1", told),
    ]  # fmt: skip
    (unused,) = shop.repost(ids=[c["id"]], **again).json()["errors"]
    assert unused["message"].endswith(": the header authorization and the secret would fill nothing that was withheld")
    (unused,) = shop.repost(ids=[a["id"]], **{**again, "headers": {**again["headers"], "X-More": "1"}}).json()["errors"]
    assert unused["message"].endswith(": the header x-more would fill nothing that was withheld")
    assert len(shop.all()) == 3
    assert len(receiver.came) == before, "nothing went out"
    receiver.answers = {}
    assert [one["status"] for one in shop.repost(ids=[a["id"], c["id"]], **again).json()["webhooks"]] == ["delivered"] * 2
    signed, own = sorted(receiver.came[before:], key=lambda one: one.path)  # nobody says which goes first
    assert (signed.path, signed.headers["authorization"]) == ("/a", "Bearer of-A")
    assert signed.headers["x-29next-signature"] == hmac.new(b"sekret-of-A", signed.raw, hashlib.sha256).hexdigest()
    assert (own.path, own.headers["authorization"]) == ("/orders", "Bearer of-C")
    assert "sekret" not in str(own.headers)


def test_what_its_connector_excludes_by_now_is_left_out_and_what_was_left_out_does_not_come_back(
    server: Server, receiver: Receiver
) -> None:
    shop = Shop(server, apiEndpoint=receiver.hook, excludedFields=["tenders"])
    sent = shop.sold()
    for excluded in (["orderProductList"], []):
        shop.connect(apiEndpoint=receiver.hook, excludedFields=excluded)
        assert shop.repost(ids=[sent["id"]]).json()["webhooks"][0]["status"] == "delivered"
    first, second, third = (set(one.body) for one in receiver.came)
    assert "tenders" not in first | second | third
    assert second == first - {"orderProductList"}
    assert third == first


def test_one_that_is_named_twice_is_sent_again_once(server: Server, folder: Path, receiver: Receiver) -> None:
    shop = Shop(server, apiEndpoint=receiver.hook)
    sent = shop.sold()
    assert len(shop.repost(ids=[sent["id"], sent["id"]]).json()["webhooks"]) == 1
    words = ["webhook", "repost", sent["id"], sent["id"][:30], "--sandbox", shop.name, "--state", str(folder / "state")]
    assert len(typed(*words, "--json").stdout.split('"repostOf"')) == 2
    assert len(receiver.came) == 3


def test_what_is_given_is_for_one_sandbox(server: Server, folder: Path, receiver: Receiver) -> None:
    shops = [Shop(server), Shop(server)]
    sent = {"event": "VOID_CART", "to": receiver.hook, "headers": {"Authorization": TOKEN}}
    ids = [shop.ask("POST", "/webhooks", sent).json()["id"] for shop in shops]
    state = ("--state", str(folder / "state"))
    refused = typed("webhook", "repost", *ids, "--header", f"Authorization: {TOKEN}", *state)
    assert (refused.returncode, len(receiver.came)) == (2, 2)
    assert f"of several sandboxes ({shops[0].name}, {shops[1].name}); say --sandbox" in refused.stderr
    done = typed("webhook", "repost", ids[0], "--header", f"Authorization: {TOKEN}", "--sandbox", shops[0].name, *state)
    assert done.returncode == 0


def test_a_token_of_a_connector_that_is_gone_cannot_be_given(server: Server, receiver: Receiver) -> None:
    receiver.answers = {"/token": (200, {"access_token": "tok-1-abcdef"}), "/hook": [(500, {})]}
    config = {"url": f"{receiver.url}/token", "clientId": "us", "clientSecret": "spelt-out"}
    shop = Shop(server, apiEndpoint=receiver.hook, oauthConfig=config)
    sent = shop.sold()
    shop.connect()
    (wrong,) = shop.repost(failed=True).json()["errors"]
    assert wrong["path"] == "/failed"
    assert "give the client of its token" in wrong["message"]
    shop.connect(apiEndpoint=receiver.hook, oauthConfig=config)
    assert shop.repost(ids=[sent["id"]]).json()["webhooks"][0]["status"] == "delivered"


def test_what_cannot_work_is_refused_whole(server: Server, folder: Path, receiver: Receiver) -> None:
    receiver.answers = {"/a": (500, {}), "/gone": (410, {})}
    shop = Shop(server)
    sent = {"event": "VOID_CART", "profile": "next-commerce", "order": ""}
    shop.ask("POST", "/webhooks", {**sent, "to": f"{receiver.url}/gone"})
    shop.ask("POST", "/webhooks", {"event": "VOID_CART", "to": f"{receiver.url}/a"})
    refused = shop.repost(failed=True).json()["errors"]
    assert len(refused) == 1
    assert "the target is disabled (answered 410: the target wants nothing any more): enable it first" in refused[0]["message"]
    done = typed("webhook", "repost", "--failed", "--sandbox", shop.name, "--state", str(folder / "state"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mockspi: nothing is sent again; ")
    assert len(shop.all()) == 2
    assert len(receiver.came) == 2


def test_the_command_knows_the_connectors_of_a_file_and_of_a_sandbox(server: Server, folder: Path, receiver: Receiver) -> None:
    receiver.answers = {"/hook": [(500, {}), (500, {})]}
    shop = Shop(server, apiEndpoint=receiver.hook, jsonHeaders={"Authorization": TOKEN})
    shop.sold()
    words = ["webhook", "repost", "--failed", "--sandbox", shop.name, "--state", str(folder / "state")]
    assert typed(*words).returncode == 1, "it was tried, with the header"
    assert typed(*words).stdout.startswith("delivered  ORDER  ")
    assert {one.headers["authorization"] for one in receiver.came} == {TOKEN}
    assert shop.ask("POST", "/reset", {"connectors": True}).status_code == 200, "so that those of the server's file count"
    file = folder / "connectors.json"
    hook = {"connectorType": "Webhook", "endpointName": "ORDER", "apiEndpoint": receiver.hook, "jsonHeaders": {"X-Key": "filed"}}
    file.write_text(json.dumps({"connectors": [hook]}))
    words[2:3] = [shop.all()[0]["id"]]
    assert typed(*words).returncode == 2
    assert typed(*words, "--connectors", str(file)).returncode == 0
    assert receiver.came[-1].headers["x-key"] == "filed"


def test_one_that_waits_says_for_whom(server: Server, folder: Path, receiver: Receiver) -> None:
    receiver.answers = {"/hook": [(500, {})]}
    shop = Shop(server)

    def sent(**more: Any) -> Any:
        body = {"event": "VOID_CART", "to": receiver.hook, "profile": "next-commerce", **more}
        return shop.ask("POST", "/webhooks", body).json()

    first, second, third = sent(), sent(), sent()
    assert "waitsFor" not in first
    for one in (second, third):
        assert (one["status"], one["waitsFor"], one["reason"]) == ("waiting", first["id"], f"waits for {first['id']}")
    state = ("--sandbox", shop.name, "--state", str(folder / "state"))
    rows = typed("webhook", "list", *state).stdout.splitlines()[2:]
    assert "; next 20" in rows[0]
    assert rows[1].endswith(f"  waits for {first['id']}")
    assert f"waitsFor    {first['id']}" in typed("webhook", "show", second["id"], *state).stdout
    behind = sent(trouble=["reorder"], order="k")
    assert behind["reason"] == "waits for the next of its order"
    sent(order="k")
    shop.ask("POST", "/clock", {"advance": 86_400_000})
    assert [one["status"] for one in shop.all()] == ["delivered"] * 5
    assert not any("reason" in one or "waitsFor" in one for one in shop.all())
