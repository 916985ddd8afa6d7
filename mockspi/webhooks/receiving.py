"""Who delivers an event: the sandbox whose webhook connector has this address and declares the signature or headers that came.

A connector with a ``secret`` wants the signature of its profile over the raw bytes; one without wants every header of its own
that is a secret. Both are compared in constant time.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mockspi.connectors import Placement
from mockspi.connectors.checking import meant
from mockspi.connectors.references import resolved
from mockspi.connectors.shapes import WEBHOOK, signs
from mockspi.contract import Contract
from mockspi.errors import UsageError
from mockspi.event import EMPORIX, RETAIL_CLOUD
from mockspi.exchange import Json, Request
from mockspi.masking import is_secret_header
from mockspi.sandbox import Sandbox
from mockspi.webhooks.signing import EMPORIX_SVIX, SignatureWrong, verify

ASKING = ("HEAD", "OPTIONS")  #: whether somebody is there
_PLAIN = ("content-type", "accept", "user-agent")


class NotHeard(Exception):
    """Nobody's delivery; the sentence says why, and never a secret."""


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Knows the sandboxes that are delivered to; ``listening`` are those with webhook connectors."""

    listening: Callable[[], Sequence[Sandbox]]
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def expects(self, request: Request) -> bool:
        """Whether a delivery without a key may be somebody's, so that its body is worth reading."""
        return any(_may_sign(connector, request) for _, connector in self._meant(request))

    def maps(self, path: str) -> bool:
        """Whether a connector that a sandbox has of its own has this path."""
        return any(_is_meant(one, path) for sandbox in self.listening() for one in sandbox.own or ())

    def opened(self, request: Request, known: Sandbox | None, real: int) -> Sandbox | None:
        """The sandbox of a delivery; ``known`` is what its api_key opens. NotHeard where a check fails."""
        if known is not None:
            signed = [one for one in known.connectors if _is_meant(one, request.path) and signs(one)]
            if signed and request.method not in ASKING:
                self._first([(known, one) for one in signed], request, real)
            return known
        meant_here = list(self._meant(request))
        if request.method in ASKING:
            return meant_here[0][0] if meant_here else None
        return self._first(meant_here, request, real) if meant_here else None

    def _first(self, meant_here: Sequence[tuple[Sandbox, Json]], request: Request, real: int) -> Sandbox:
        """The one sandbox that a delivery is right for."""
        right, wrong = dict[str, Sandbox](), list[str]()
        for sandbox, connector in meant_here:
            try:
                self._check(connector, request, (real, sandbox.timing.now(real)))
                right[sandbox.name] = sandbox
            except (NotHeard, SignatureWrong, UsageError) as reason:
                wrong.append(str(reason))
        if len(right) > 1:
            raise NotHeard(f"it is right for {len(right)} sandboxes: {', '.join(right)}; give each a secret of its own")
        if not right:
            raise NotHeard("; ".join(dict.fromkeys(wrong)))
        return next(iter(right.values()))

    def _check(self, connector: Json, request: Request, times: tuple[int, int]) -> None:
        """NotHeard or SignatureWrong unless a delivery is as its connector says, at the real time or the sandbox's."""
        for name, text in _secret_headers(connector).items():
            given = request.headers.get(name.lower(), "")
            if not hmac.compare_digest(_bytes(given), _bytes(resolved(text, self.environ))):
                raise NotHeard(f"the header {name} is missing or wrong")
        if not signs(connector):
            return
        secret, profile = resolved(connector["secret"], self.environ), _profile(connector, request)
        try:
            verify(profile, request.headers, request.body, secret, times[0])
        except SignatureWrong:
            verify(profile, request.headers, request.body, secret, times[1])

    def _meant(self, request: Request) -> Iterator[tuple[Sandbox, Json]]:
        for sandbox in self.listening():
            for connector in sandbox.connectors:
                if _is_meant(connector, request.path) and (signs(connector) or _secret_headers(connector)):
                    yield sandbox, connector


def placements(found: Sequence[Json], contracts: Sequence[Contract]) -> Iterator[Placement]:
    """Where webhook connectors put events on a server of ours: those that are sent one event each."""
    for connector in found:
        events = (
            {one.name for each in meant(connector) for one in each.events} if connector["connectorType"] == WEBHOOK else set()
        )
        if len(events) == 1 and (path := _path(connector)):
            yield from (Placement(one, path) for one in contracts if {one.path.rpartition("/")[2]} == events)


def _may_sign(connector: Json, request: Request) -> bool:
    """Whether the headers of a delivery are those of a connector, as far as they can be known without its body."""
    return request.method in ASKING or all(name.lower() in request.headers for name in _secret_headers(connector))


def _profile(connector: Json, request: Request) -> str:
    profile = str(connector.get("profile") or connector.get("platform", RETAIL_CLOUD))
    return EMPORIX_SVIX if profile == EMPORIX and "svix-signature" in request.headers else profile


def _secret_headers(connector: Json) -> dict[str, str]:
    headers: dict[str, Any] = connector.get("jsonHeaders") or {}
    return {name: str(text) for name, text in headers.items() if name.lower() not in _PLAIN and _tells(name, str(text))}


def _tells(name: str, text: str) -> bool:
    return is_secret_header(name) or "${" in text


def _is_meant(connector: Json, path: str) -> bool:
    return connector["connectorType"] == WEBHOOK and _path(connector) == f"/{path.strip('/')}"


def _path(connector: Json) -> str:
    """The path of its address; nothing for the root."""
    path = urlsplit(connector["apiEndpoint"]).path.strip("/")
    return f"/{path}" if path else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
