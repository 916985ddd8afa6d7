"""Webhooks sent by a server: when they are due by the sandbox's clock, in their order, judged, logged, tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, Server, serving, until
from hooked import Receiver, receiving
from processes import sender_of

DAY, MINUTE = 86_400_000, 60_000
WAITS = [5 * MINUTE * 2**n for n in range(10)]
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


@pytest.fixture(scope="module", params=["1", "2"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sender"), "--workers", request.param) as server:
        yield server


class Hooks:
    """The webhooks of a sandbox of the test's own, whose clock stands still."""

    def __init__(self, server: Server, **wanted: Any) -> None:
        self.server, self.key = server, server.minted(**({"clock": {"frozen": NOON}} | wanted))

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.server.admin(method, f"/sandboxes/{self.key}{path}", body, params=query)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def send(self, event: str, to: str, **more: Any) -> Any:
        return self.ask("POST", "/webhooks", {"event": event, "to": to, **more})

    def show(self, id_: str) -> Any:
        return self.ask("GET", f"/webhooks/{id_}")

    def advance(self, milliseconds: int) -> list[Any]:
        found = self.ask("POST", "/clock", {"advance": milliseconds})["fired"]
        return [one for one in found if one["kind"] == "WEBHOOK_ATTEMPT"]


@pytest.fixture
def hooks(served: Server) -> Hooks:
    return Hooks(served)


def test_a_receiver_that_is_down_for_two_days_gets_each_attempt_at_its_own_time(hooks: Hooks) -> None:
    with receiving() as gone:
        url = gone.hook
    sent = hooks.send("cart.abandoned", url, secret="hush-hush")
    assert (sent["status"], sent["attempts"], sent["due"]) == ("waiting", 1, NOON + WAITS[0])
    fired = hooks.advance(2 * DAY)
    times = [at for at in accumulate(WAITS, initial=NOON) if NOON < at <= NOON + 2 * DAY]
    assert [(one["id"], one["at"], one["status"]) for one in fired] == [(sent["id"], at, "waiting") for at in times]
    with receiving(port=int(url.split(":")[2].split("/")[0])) as back:
        (last,) = hooks.advance(2 * DAY)
        assert last["status"] == "delivered"
        (arrived,) = back.came
        made = hmac.new(b"hush-hush", arrived.raw, hashlib.sha256).hexdigest()
        assert arrived.headers["x-29next-signature"] == made
        assert arrived.body["event_id"] == sent["id"]
    found = hooks.show(sent["id"])
    assert [one["at"] for one in found["attemptLog"]] == [NOON, *times, last["at"]]
    assert [one["verdict"] for one in found["attemptLog"]] == ["failed"] * (len(times) + 1) + ["delivered"]
    assert all("refused" in one["error"].lower() for one in found["attemptLog"][:-1])
    assert "hush-hush" not in str(found)


def test_the_time_in_the_headers_is_that_of_the_attempt(hooks: Hooks) -> None:
    with receiving((500, {}), (503, {}), (200, {})) as target:
        sent = hooks.send("VOID_CART", target.hook, profile="standard", secret=SECRET)
        fired = hooks.advance(DAY)
        assert [one["status"] for one in fired] == ["waiting", "delivered"]
        stamps = [int(one.headers["webhook-timestamp"]) * 1000 for one in target.came]
        assert stamps == [at // 1000 * 1000 for at in (NOON, fired[0]["at"], fired[1]["at"])]
        assert {one.headers["webhook-id"] for one in target.came} == {sent["id"]}


def test_the_same_seed_gives_the_same_times_in_every_run(served: Server) -> None:
    with receiving(*[(500, {})] * 3) as target:
        runs = [Hooks(served, clock={"frozen": NOON}, seed=seed) for seed in ("one", "one", "two")]
        one, again, other = [run.send("VOID_CART", target.hook, profile="standard", secret=SECRET)["due"] for run in runs]
        assert one == again != other


def test_410_disables_a_target_of_this_sandbox_until_it_is_enabled(hooks: Hooks, served: Server) -> None:
    with receiving((410, {})) as target:
        first = hooks.send("cart.abandoned", target.hook)
        assert first["status"] == "failed"
        later = hooks.send("cart.abandoned", target.hook)
        assert (later["status"], later["attempts"]) == ("failed", 0)
        assert "410" in later["reason"]
        assert [one["target"] for one in hooks.ask("GET", "/webhooks/disabled")["disabled"]] == [target.hook]
        assert Hooks(served).send("cart.abandoned", target.hook)["status"] == "delivered", "another sandbox's"
        assert "1 target enabled" in hooks.ask("DELETE", "/webhooks/disabled", target=target.hook)["done"]
        assert hooks.send("cart.abandoned", target.hook)["status"] == "delivered"
        assert len(target.came) == 3


def test_what_is_due_by_a_running_clock_is_sent_without_being_asked(tmp_path: Path) -> None:
    with serving(tmp_path, "--webhook-schedule", "0.2,0.2") as server, receiving((500, {}), (500, {})) as target:
        hooks = Hooks(server, clock={})
        sent = hooks.send("cart.abandoned", target.hook, wait=False)
        until(lambda: hooks.show(sent["id"])["status"] == "delivered")
        assert [one["verdict"] for one in hooks.show(sent["id"])["attemptLog"]] == ["failed", "failed", "delivered"]
        text = server.admin("GET", "/metrics").text
        assert "mockspi_webhooks_attempted_total 3.0" in text
        assert "mockspi_webhooks_delivered_total 1.0" in text
        assert "mockspi_webhooks_waiting 0.0" in text


def test_the_next_of_the_same_cart_waits_and_others_do_not(hooks: Hooks) -> None:
    with receiving((500, {})) as target:
        of = {"profile": "next-commerce", "set": {"/cartId": "C-1"}}
        first = hooks.send("VOID_CART", target.hook, **of)
        second = hooks.send("SUSPEND_CART", target.hook, **of)
        other = hooks.send("VOID_CART", target.hook, set={"/cartId": "C-2"})
        assert [one["status"] for one in (first, second, other)] == ["waiting", "waiting", "delivered"]
        assert second["attempts"] == 0
        fired = hooks.advance(DAY)
        assert [(one["id"], one["at"] - NOON) for one in fired] == [(first["id"], WAITS[0]), (second["id"], WAITS[0])]


def test_trouble_duplicates_delays_and_swaps_on_purpose(hooks: Hooks) -> None:
    with receiving() as target:
        twice = hooks.send("VOID_CART", target.hook, trouble=["duplicate"])
        assert (twice["status"], twice["attempts"], len(target.came)) == ("delivered", 2, 2)
        assert target.came[0].raw == target.came[1].raw
        late = hooks.send("VOID_CART", target.hook, trouble=["delay:60"], order="")
        assert (late["status"], late["due"]) == ("waiting", NOON + MINUTE)
        assert [one["at"] for one in hooks.advance(DAY)] == [NOON + MINUTE]
        before = hooks.send("VOID_CART", target.hook, trouble=["reorder"], order="k", set={"/reasonCode": "FIRST"})
        assert before["status"] == "waiting"
        hooks.send("VOID_CART", target.hook, order="k", set={"/reasonCode": "SECOND"})
        hooks.advance(1)
        assert [one.body["reasonCode"] for one in target.came[-2:]] == ["SECOND", "FIRST"]
        assert hooks.show(before["id"])["trouble"] == ["reorder"]
    wrong = hooks.server.admin(
        "POST", f"/sandboxes/{hooks.key}/webhooks", {"event": "VOID_CART", "to": target.hook, "trouble": ["x"]}
    )
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["path"] == "/trouble"


def test_a_repost_has_a_new_id_and_says_of_what(hooks: Hooks) -> None:
    with receiving((200, {"errorMessage": "no such cart"})) as target:
        failed = hooks.send("VOID_CART", target.hook, trouble=["duplicate"])
        assert failed["status"] == "failed"
        assert "no such cart" in failed["reason"]
        (new,) = hooks.ask("POST", "/webhooks/repost", {"failed": True, "text": "NO SUCH"})["webhooks"]
        assert (new["status"], new["repostOf"], new["attempts"]) == ("delivered", failed["id"], 1)
        assert hooks.show(failed["id"])["repostedAs"] == new["id"] != failed["id"]
        assert target.came[0].raw == target.came[1].raw
        assert hooks.ask("POST", "/webhooks/repost", {"failed": True})["webhooks"] == [], "it was sent again already"
        (again,) = hooks.ask("POST", "/webhooks/repost", {"ids": [failed["id"]]})["webhooks"]
        assert again["repostOf"] == failed["id"]


def test_what_waits_cannot_be_reposted_and_what_is_unknown_is_not_found(hooks: Hooks) -> None:
    def asked(method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = hooks.server.admin(method, f"/sandboxes/{hooks.key}/webhooks{path}", body)
        return answer.status_code, answer.json()["errorCode"]

    with receiving((500, {})) as target:
        sent = hooks.send("cart.abandoned", target.hook)
    assert asked("POST", "/repost", {"ids": [sent["id"]]}) == (409, "WEBHOOK_UNDER_WAY")
    assert asked("POST", "/repost", {"ids": ["nothing"]}) == (404, "WEBHOOK_NOT_FOUND")
    assert asked("GET", "/nothing") == (404, "WEBHOOK_NOT_FOUND")
    assert asked("GET", "?event=NOTHING") == (400, "REQUEST_INVALID")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"event": "VOID_CAR"}, "/event"), ({"to": "http://192.0.2.1/"}, "/to"), ({"to": "http://h/${NOT_THERE}"}, "/headers"),
        ({"set": {"/cartIdd": "1"}}, "/set"), ({"data": {"cartId": 5}}, "/data"), ({"profile": "nobody"}, "/profile"),
        ({"method": "PUT"}, "/method"), ({"profile": "standard", "secret": "!"}, "/secret"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_with_its_place(hooks: Hooks, wrong: dict[str, Any], path: str) -> None:
    body = {"event": "VOID_CART", "to": "http://127.0.0.1:9/", **wrong}
    answer = hooks.server.admin("POST", f"/sandboxes/{hooks.key}/webhooks", body)
    assert answer.status_code == 400, answer.text
    assert [one["path"] for one in answer.json()["errors"]] == [path]
    assert hooks.ask("GET", "/webhooks")["totalCount"] == 0, "nothing of it is kept"


@pytest.mark.parametrize("profile", ["standard", "emporix-svix"])
@pytest.mark.parametrize("words", [["wrong-secret"], ["wrong-secret", "stale", "missing-header"]])
def test_a_wrong_secret_is_sent_though_there_is_no_right_one(hooks: Hooks, profile: str, words: list[str]) -> None:
    with receiving() as target:
        assert hooks.send("VOID_CART", target.hook, profile=profile, trouble=words)["status"] == "delivered"
        prefix = profile.replace("emporix-svix", "svix").replace("standard", "webhook")
        assert (f"{prefix}-signature" in target.came[0].headers) is (len(words) == 1)
        assert f"{prefix}-timestamp" in target.came[0].headers
    body = {"event": "VOID_CART", "to": target.hook, "profile": profile, "trouble": ["stale"]}
    refused = hooks.server.admin("POST", f"/sandboxes/{hooks.key}/webhooks", body)
    assert (refused.status_code, "the secret is missing" in refused.text) == (400, True), "nothing else makes up for it"


def test_reset_and_deletion_take_what_waits_along(hooks: Hooks) -> None:
    with receiving((410, {}), (500, {})) as target:
        hooks.send("cart.abandoned", target.hook)
        hooks.send("cart.abandoned", target.hook + "/other")
        hooks.ask("POST", "/reset", {"webhooks": True})
        assert hooks.ask("GET", "/webhooks")["webhooks"] == []
        assert hooks.ask("GET", "/webhooks/disabled")["disabled"] == []
        assert hooks.advance(DAY) == []
        hooks.send("cart.abandoned", target.hook + "/third")
        hooks.server.admin("DELETE", f"/sandboxes/{hooks.key}")
        assert len(target.came) == 3


def test_the_clock_set_back_sends_nothing_and_forward_again_what_is_due(hooks: Hooks) -> None:
    with receiving((500, {})) as target:
        hooks.send("cart.abandoned", target.hook)
        assert hooks.ask("POST", "/clock", {"frozen": NOON - DAY})["fired"] == []
        assert len(target.came) == 1
        fired = hooks.ask("POST", "/clock", {"frozen": NOON + WAITS[0]})["fired"]
        assert [one["at"] for one in fired if one["kind"] == "WEBHOOK_ATTEMPT"] == [NOON + WAITS[0]]


def test_a_target_that_hangs_holds_up_neither_others_nor_the_end(tmp_path: Path) -> None:
    with receiving(seconds=600) as slow, receiving() as quick, serving(tmp_path, "--state", str(tmp_path / "state")) as server:
        hanging, others = Hooks(server), Hooks(server)
        stuck = [hanging.send("VOID_CART", slow.hook, wait=False, order="")["id"] for _ in range(5)]
        until(lambda: len(slow.came) == 4)
        sent = others.send("VOID_CART", quick.hook, wait=False)
        until(lambda: others.show(sent["id"])["status"] == "delivered")
        log = hanging.show(stuck[0])["attemptLog"]
        assert [(one["verdict"], one["reason"]) for one in log] == [("unknown", "under way")]
        server.process.terminate()
        assert server.process.wait(20) == 0
        slow.seconds = 0
        with serving(tmp_path, "--state", str(tmp_path / "state")) as again:
            hanging.server = again
            until(lambda: all(hanging.show(one)["status"] == "delivered" for one in stuck))
            first, last = hanging.show(stuck[0])["attemptLog"]
            assert "never completed" in first["reason"]
            assert last["verdict"] == "delivered"


def test_only_so_many_are_kept_and_never_what_waits_is_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, "--outbox-entries", "3") as server, receiving(*[(500, {})] * 2, *[(200, {})] * 9) as target:
        hooks = Hooks(server)
        waiting = [hooks.send("cart.abandoned", target.hook + str(n), order="")["id"] for n in range(2)]
        done = [hooks.send("VOID_CART", target.hook, order="")["id"] for _ in range(5)]
        assert [one["id"] for one in hooks.ask("GET", "/webhooks")["webhooks"]] == [*waiting, done[-1]]
        assert "mockspi_webhooks_dropped_total 4.0" in server.admin("GET", "/metrics").text


def test_a_sender_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    with receiving(seconds=0.05) as target:
        with serving(tmp_path, "--state", str(tmp_path / "state")) as server:
            ids = [one["id"] for one in sent_to(server, target, 30)]
            until(lambda: target.came)
            os.kill(sender_of(server), signal.SIGKILL)
            server.process.wait(30)
        with serving(tmp_path, "--state", str(tmp_path / "state")) as server:
            asked = {"limit": 500, "status": "delivered"}
            until(lambda: server.admin("GET", "/sandboxes/staging/webhooks", params=asked).json()["totalCount"] == 30)
        assert {one.body["cartId"] for one in target.came} == {f"C-{number}" for number in range(30)}
        assert len(ids) == 30


def sent_to(server: Server, target: Receiver, many: int) -> list[Any]:
    return [
        server.admin("POST", "/sandboxes/staging/webhooks", {
            "event": "VOID_CART", "to": target.hook, "wait": False, "set": {"/cartId": f"C-{number}"},
        }).json()
        for number in range(many)
    ]  # fmt: skip
