"""Tokens for targets that want OAuth: fetched by client credentials, kept until they expire, never told to anybody."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from mockspi.connectors.checking import NO_ERP
from mockspi.connectors.references import resolved
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import maskable, unechoed
from mockspi.webhooks.message import Heard, Target, Wire

TIMEOUT = 10_000  #: milliseconds in which a token endpoint must answer
_SHORTEST, _MARGIN, _UNSAID = 1_000, 10_000, 300_000
_MOST = 256
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_lock = threading.Lock()
_known: dict[str, tuple[str, int]] = {}  #: digest of all that a token is fetched with: the token, and when it expires


class NoToken(UsageError):
    """The token endpoint gave none; the text says what it answered, and no secret."""


class Sends(Protocol):
    """The client through which everything goes out."""

    def send(self, wire: Wire, url: str, timeout: int) -> Heard:
        """One request, and what came of it."""


def authorization(target: Target, outbound: Sends, now: int, *, again: bool = False) -> dict[str, str]:
    """The header that carries a target's token; none where it wants none.

    ``now`` is real time. ``again`` fetches a new one, after the target answered 401 to the one that was kept.
    """
    config = target.oauth
    if config is None:
        return {}
    key = sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    with _lock:
        token, until = _known.get(key, ("", 0))
    if again or until <= now:
        token, until = fetched(config, outbound, now)
        with _lock:
            if len(_known) >= _MOST:
                _known.clear()
            _known[key] = token, until
    prefix = config.get("prefix", "Bearer")
    return {config.get("oauthHeader", "Authorization"): f"{prefix} {token}" if prefix else token}


def fetched(config: Json, outbound: Sends, now: int) -> tuple[str, int]:
    """A new token, and the real time until which it is used."""
    if config.get("netSuite"):
        raise UsageError(NO_ERP)
    url = resolved(str(config.get("url", "")))
    wire = request(config, url)
    heard = outbound.send(wire, url, TIMEOUT)
    told = _json(heard.body)
    token = told.get("access_token")
    if heard.status != 200 or not isinstance(token, str) or not token:
        raise NoToken(
            f"the token endpoint at {urlsplit(url).netloc} gave no token: {_answer(heard, told, _secrets(config, wire))}"
        )
    seconds = str(told.get("expires_in", told.get("expired_in", "")))  # the vendor's own endpoint spells it so
    life = int(float(seconds) * 1000) if _NUMBER.fullmatch(seconds) else _UNSAID
    return token, now + max(life - _MARGIN, min(life, _SHORTEST))


def request(config: Json, url: str) -> Wire:
    """The request for a token: client credentials, in the Basic header that the vendor documents unless told otherwise."""
    form: dict[str, str] = {} if "grant_type" in parse_qs(urlsplit(url).query) else {"grant_type": "client_credentials"}
    if "scope" in config:
        form["scope"] = resolved(config["scope"])
    headers = {name: resolved(text) for name, text in config.get("secretHeaders", {}).items()}
    kept = {name: text for name, text in headers.items() if name.lower() != "content-type" or not form}
    if "clientId" in config and "clientSecret" in config:
        gap = "" if config.get("basic") == "plain" else " "
        pair = f"{resolved(config['clientId'])}:{gap}{resolved(config['clientSecret'])}"
        kept["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if form:
        kept["Content-Type"] = "application/x-www-form-urlencoded"
    return Wire("POST", tuple(kept.items()), urlencode(form).encode())


def _secrets(config: Json, wire: Wire) -> list[str]:
    """What nobody may read who reads an answer to this request."""
    found = [resolved(config["clientSecret"])] if "clientSecret" in config else []
    for name, text in wire.headers:
        if name.lower() != "content-type":
            found += [text, text.partition(" ")[2]]  # what stands behind Basic is the secret too
    return maskable(found)


def _answer(heard: Heard, told: Json, secrets: Collection[str]) -> str:
    if heard.status is None:
        return heard.error or "no answer"
    error = told.get("error")
    if isinstance(error, str) and error.isprintable():
        return f"answered {heard.status}, {unechoed(error, secrets)[:100]}"
    return f"answered {heard.status}" + ("" if heard.status != 200 else " without an access_token")


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
