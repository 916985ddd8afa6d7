"""How each platform delivers: real requests to receivers that are not ours, and what is told of every option."""

from __future__ import annotations

import json
import uuid
from dataclasses import Field, fields
from typing import Any

import pytest
from conftest import NOON, ROOT
from hooked import receiving
from receivers import CART, RULES, SECRET, deliver, headers_of, message, now

from mockspi.contracts.events import EVENTS
from mockspi.errors import UsageError
from mockspi.event import Event
from mockspi.webhooks.emporix import without
from mockspi.webhooks.making import examples
from mockspi.webhooks.message import Heard, Verdict
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.profiles import PROFILES, configured
from mockspi.webhooks.signing import verify
from mockspi.webhooks.way import Unsendable, Way

HOUR = 3_600_000


# --- what goes on the wire


@pytest.mark.parametrize("profile", PROFILES)
def test_a_receiver_with_the_platforms_own_rule_accepts(profile: str) -> None:
    with receiving(rule=RULES[profile]) as receiver:
        wire, heard, verdict = deliver(profile, receiver)
        assert (heard.status, verdict) == (200, Verdict(delivered=True))
        (came,) = receiver.came
        assert (came.method, came.path, came.raw) == ("POST", "/hook", wire.body)
        assert came.headers["content-type"] == "application/json"
        assert came.headers["api-key"] == "let-me-in"


def test_retail_cloud_sends_the_body_and_static_headers_and_signs_nothing() -> None:
    one = message(
        "retail-cloud", method="PUT", headers={"Authorization": "Basic x", "content-type": "application/json; charset=utf-8"}
    )
    wire = PROFILES["retail-cloud"].compose(one, NOON, SECRET)
    assert (wire.method, json.loads(wire.body)) == ("PUT", CART)
    assert headers_of(wire) == {"authorization": "Basic x", "content-type": "application/json; charset=utf-8"}


def test_a_targets_header_does_not_replace_a_signature() -> None:
    wire = PROFILES["standard"].compose(message("standard", headers={"Webhook-Signature": "v1,mine"}), NOON, SECRET)
    assert [value[:3] for name, value in wire.headers if name.lower() == "webhook-signature"] == ["v1,"]
    assert "mine" not in headers_of(wire)["webhook-signature"]


def test_emporix_tells_when_it_was_published_and_signs_only_with_a_secret() -> None:
    way = PROFILES["emporix"]
    signed, unsigned = (headers_of(way.compose(message("emporix"), NOON + HOUR, secret)) for secret in (SECRET, ""))
    assert signed["emporix-event-publish-time"] == "2027-01-15T08:00:00.000Z"
    assert set(signed) - set(unsigned) == {"emporix-event-signature"}


def test_emporix_options() -> None:
    wrapped = configured(options=["emporix.envelope=type-payload", "emporix.sent=canonical"])["emporix"]
    wire = wrapped.compose(message("emporix"), NOON, SECRET)
    assert json.loads(wire.body) == {"type": "cart.created", "payload": CART}
    assert wire.body.startswith(b'{"payload":{"currency":"EUR","id":"c-1"')
    assert b'"version":1}' in wire.body
    verify("emporix", headers_of(wire), wire.body, SECRET, NOON)
    with receiving(rule=RULES["emporix"]) as receiver:
        assert Outbound().send(wire, receiver.hook, 5000).status == 200


def test_emporix_leaves_out_fields_of_the_root_only() -> None:
    assert without(CART, ["currency", "version", "metadata/version"]) == {
        name: CART[name] for name in ("id", "metadata", "siteCode")
    }
    assert without(CART, None) == without(CART, []) == CART


@pytest.mark.parametrize("given", ["", None, "a7a26ff2-e851-45b6-9634-d595f45458b7"])
def test_next_commerce_has_an_event_id_of_the_message(given: str | None) -> None:
    body = {"event_id": given, "webhook": {"id": 1, "target": "https://example.com/webhook/"}}

    def sent(named: str, **more: Any) -> Any:
        return json.loads(
            PROFILES["next-commerce"].compose(message("next-commerce", id=named, body=body, **more), NOON, SECRET).body
        )

    assert sent("a")["event_id"] == sent("a", at=NOON + 1)["event_id"] != sent("b")["event_id"]
    assert uuid.UUID(sent("a")["event_id"])
    own = "11111111-2222-4333-8444-555555555555"
    assert sent(own)["event_id"] == own
    assert sent("a")["webhook"] == {"id": 1, "target": "http://127.0.0.1:9/hook"}


@pytest.mark.parametrize("event", [one for one in EVENTS if one.platform == "next-commerce"], ids=lambda one: str(one.id))
def test_the_id_and_the_target_of_an_example_are_nobodys(event: Event) -> None:
    for shown in examples(event).values():
        one = message("next-commerce", body=shown["body"], event=event.id)
        sent = json.loads(PROFILES["next-commerce"].compose(one, NOON, SECRET).body)
        assert sent["event_id"] == str(uuid.uuid5(uuid.NAMESPACE_OID, "msg_1")) != shown["body"]["event_id"]
        assert sent["webhook"] == {**shown["body"]["webhook"], "target": one.target.url}
        assert sent["data"] == shown["body"]["data"]


def test_next_commerce_keeps_what_somebody_chose() -> None:
    body = {"event_id": "mine", "webhook": {"target": "https://shop.example/"}}
    wire = PROFILES["next-commerce"].compose(message("next-commerce", body=body), NOON, "")
    assert json.loads(wire.body) == body
    assert "x-29next-signature" not in headers_of(wire)


def test_standard_keeps_the_id_and_makes_the_time_anew_unless_told_otherwise() -> None:
    made = [headers_of(PROFILES["standard"].compose(message("standard"), NOON + late, SECRET)) for late in (0, HOUR)]
    assert [one["webhook-id"] for one in made] == ["msg_1", "msg_1"]
    assert [int(one["webhook-timestamp"]) for one in made] == [NOON // 1000, (NOON + HOUR) // 1000]
    kept = configured(options=["standard.restamp=false"])["standard"]
    assert headers_of(kept.compose(message("standard"), NOON + HOUR, SECRET)) == made[0]


def test_svix_names() -> None:
    wire = PROFILES["emporix-svix"].compose(message("emporix-svix"), now(), SECRET)
    assert {"svix-id", "svix-timestamp", "svix-signature"} <= set(headers_of(wire))
    verify("emporix-svix", headers_of(wire), wire.body, SECRET, now())


@pytest.mark.parametrize(
    ("profile", "said", "secret", "told"),
    [
        ("standard", {}, "", "the secret is missing or is none"),
        ("standard", {}, "whsec_", "the secret is missing or is none"),
        ("standard", {}, "whsec_not base64!", "the secret is missing or is none"),
        ("standard", {"id": "a.b"}, SECRET, "the id 'a.b' has a dot"),
        ("standard", {"body": {"a": float("nan")}}, SECRET, "cannot be sent as JSON"),
        ("next-commerce", {"body": {"a": float("inf")}}, SECRET, "cannot be sent as JSON"),
        ("emporix", {"body": {"a": 10**400}}, SECRET, "a number that JavaScript cannot hold"),
        ("emporix", {"body": {"a": json.loads("[" * 700 + "]" * 700)}}, SECRET, "nested too deep"),
        ("emporix", {"body": {"a": float("nan")}}, SECRET, "cannot be sent as JSON"),
    ],
)
def test_what_cannot_be_sent_says_why(profile: str, said: dict[str, Any], secret: str, told: str) -> None:
    with pytest.raises(Unsendable, match=told) as caught:
        PROFILES[profile].compose(message(profile, **said), NOON, secret)
    assert SECRET not in str(caught.value)
    assert "base64!" not in str(caught.value)


# --- options


@pytest.mark.parametrize(
    ("schedule", "options", "told"),
    [
        ("soon", [], "the schedule is 'soon': a factor such as x0.01"),
        ("", ["emporix.envelop=none"], "emporix has no option 'envelop'; did you mean 'envelope'"),
        ("", ["emporix.delays=1"], "emporix has no option 'delays'"),
        ("", ["emporix.seed=1"], "emporix has no option 'seed'"),
        ("", ["emporics.envelope=none"], "no profile is called 'emporics'; did you mean 'emporix'"),
        ("", ["emporix.envelope=all"], "emporix.envelope is 'all': one of none, type-payload is expected"),
        ("", ["standard.restamp=1"], "standard.restamp is '1': true or false is expected"),
        ("", ["standard.jitter=2"], "standard.jitter is '2': a number from 0 to 1 is expected"),
        ("", ["standard.timeout=20s"], "standard.timeout is '20s': a number of milliseconds is expected"),
    ],
)
def test_a_wrong_option_is_one_sentence(schedule: str, options: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        configured(schedule, options)
    assert told in str(caught.value)


def test_options_change_only_what_they_name() -> None:
    ways = configured(options=["next-commerce.timeout=1500", "next-commerce.success=2xx", "next-commerce.gone_disables=false"])
    assert ways["next-commerce"].timeout == 1500
    assert ways["next-commerce"].judge(Heard(204)).delivered
    assert not ways["next-commerce"].judge(Heard(410)).disables
    assert {name: way for name, way in ways.items() if name != "next-commerce"} == {
        name: way for name, way in PROFILES.items() if name != "next-commerce"
    }


def row(name: str, way: Way, one: Field[Any]) -> str:
    """An option's line of the page."""
    default = getattr(way, one.name)
    shown = " ".join(map(spoken, default)) or "none" if one.name == "delays" else f"`{str(default).lower()}`"
    return f"| {name} | `{one.name}` | {shown} | {one.metadata['source']} | {one.metadata['about']} |"


def spoken(wait: int) -> str:
    """Milliseconds in the largest unit that fits."""
    return next(f"{wait // size}{unit}" for size, unit in ((HOUR, "h"), (60_000, "m"), (1000, "s")) if wait % size == 0)


def test_the_page_tells_every_option_with_its_default_and_where_it_is_from() -> None:
    page = (ROOT / "docs" / "webhooks-profiles.md").read_text("utf-8")
    told = [line for line in page.splitlines() if line.startswith(tuple(f"| {name} |" for name in PROFILES))]
    ways = {name: way for name, way in PROFILES.items() if isinstance(way, Way)}
    assert told == [row(name, way, one) for name, way in ways.items() for one in fields(way) if one.metadata]
    assert set(ways) == set(PROFILES)
