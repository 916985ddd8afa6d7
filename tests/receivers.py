"""Each platform's published rule of verification, written here once more, for receivers that are not ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from conftest import NOON
from hooked import Receiver, Rule
from standardwebhooks import Webhook, WebhookVerificationError

from mockspi.webhooks import message as said_of
from mockspi.webhooks import trouble
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.profiles import PROFILES

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def next_commerce(headers: Mapping[str, str], body: bytes) -> bool:
    """As its documentation has it: the JSON is read and written again before it is signed."""
    again = json.dumps(json.loads(body))
    return headers.get("x-29next-signature") == hmac.new(SECRET.encode(), again.encode(), hashlib.sha256).hexdigest()


def emporix(headers: Mapping[str, str], body: bytes) -> bool:
    """As its HMAC page has it: sorted members, whole numbers as integers, Base64."""

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: whole(member) for name, member in value.items()}
        if isinstance(value, list):
            return [whole(member) for member in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    text = json.dumps(whole(json.loads(body)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    made = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()
    return headers.get("emporix-event-signature") == made


def standard(headers: Mapping[str, str], body: bytes) -> bool:
    """As the standard's own library does it, against this machine's clock."""
    named = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
    try:
        Webhook(SECRET).verify(body, named)
    except WebhookVerificationError:
        return False
    return True


def retail_cloud(headers: Mapping[str, str], body: bytes) -> bool:
    """What a merchant asks for: the static header of the connector."""
    return headers.get("api-key") == "let-me-in"


RULES: dict[str, Rule] = {
    "retail-cloud": retail_cloud,
    "emporix": emporix,
    "emporix-svix": standard,
    "next-commerce": next_commerce,
    "standard": standard,
}

CART = {"id": "c-1", "currency": "EUR", "metadata": {"version": 1.0, "createdAt": "2026-01-01T00:00:00Z"}, "siteCode": "é"}
STATIC = {"api-key": "let-me-in"}


def message(profile: str, url: str = "http://127.0.0.1:9/hook", **said: Any) -> said_of.Message:
    """One message for a target."""
    target = said_of.Target(url, profile, method=said.pop("method", "POST"), headers=said.pop("headers", STATIC))
    return said_of.Message(
        **{"id": "msg_1", "event": f"{profile}/cart.created@1", "body": CART, "target": target, "at": NOON, **said}
    )


def now() -> int:
    """Now, as the standard's library sees it."""
    return time.time_ns() // 1_000_000


def deliver(profile: str, receiver: Receiver, **said: Any) -> tuple[said_of.Wire, said_of.Heard, said_of.Verdict]:
    """One attempt, for real."""
    one, way = message(profile, receiver.hook, at=now(), **said), PROFILES[profile]
    wire = trouble.compose(way, one, now(), SECRET)
    heard = Outbound().send(wire, one.target.url, way.timeout)
    return wire, heard, way.judge(heard)


def headers_of(wire: said_of.Wire) -> dict[str, str]:
    """By lower-case names."""
    return {name.lower(): value for name, value in wire.headers}
