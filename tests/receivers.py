"""Receivers that are not ours: plain http.server, and each platform's published rule of verification, written here once more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from conftest import NOON
from standardwebhooks import Webhook, WebhookVerificationError

from mockspi.webhooks import message as said_of
from mockspi.webhooks import trouble
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.profiles import PROFILES

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Rule = Callable[[Mapping[str, str], bytes], bool]


@dataclass
class Heard:
    """One request as it came: names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A running receiver; it answers each request by ``answers`` in turn, the last for ever: status, headers, body."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(200, {}, b"{}")])


@contextmanager
def receiving(rule: Rule = lambda headers, body: True, **given: Any) -> Iterator[Receiver]:
    """A receiver that answers 401 where its rule says no."""
    receiver = Receiver(**given)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            receiver.heard.append(Heard(self.command, self.path, headers, body))
            answers = receiver.answers
            status, more, told = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status if rule(headers, body) else 401)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = answer

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked may go before the whole answer came
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
    one, way = message(profile, receiver.url, at=now(), **said), PROFILES[profile]
    wire = trouble.compose(way, one, now(), SECRET)
    heard = Outbound().send(wire, one.target.url, way.timeout)
    return wire, heard, way.judge(heard)


def headers_of(wire: said_of.Wire) -> dict[str, str]:
    """By lower-case names."""
    return {name.lower(): value for name, value in wire.headers}
