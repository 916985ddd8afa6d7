"""Tokens in the place of an api_key: what a POS's OAuth connector fetches, by client credentials (RFC 6749, 4.4; assumed).

The client is a sandbox: its name and its api_key. A token tells whose it is and until when, sealed with that key; so every
worker knows it, nobody keeps it, and it ends with the sandbox.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl, unquote_plus

from mockspi.exchange import Json, Reply, Request
from mockspi.sandbox import Sandbox

LIFE = 3600  #: seconds of the sandbox's clock
MOST = 8192  #: bytes of a request for a token
GRANT = "client_credentials"
_FORM = "application/x-www-form-urlencoded"
_KEPT_BY_NOBODY = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_CHALLENGE = (("WWW-Authenticate", 'Basic realm="mockspi"'),)


class _Refused(Exception):
    """OAuth's own way to say no."""

    def __init__(self, status: int, error: str, about: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(error)
        body = {"error": error, "error_description": about}
        self.reply = Reply.of(body, status, (*_KEPT_BY_NOBODY, *headers))


@dataclass(frozen=True, slots=True)
class Tokens:
    """The token endpoint, at several ``paths``, and the sandboxes that its tokens open; ``named`` finds one by its name."""

    paths: frozenset[str]
    named: Callable[[str], Sandbox | None]
    real: Callable[[], int]

    def opened_by(self, request: Request) -> Sandbox | None:
        """The sandbox of a call with a token that we issued and that has not expired by the sandbox's clock."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        told, _, seal = token.strip().partition(".")
        if scheme.lower() != "bearer" or not seal:
            return None
        try:
            facts: Json = json.loads(base64.urlsafe_b64decode(told))
            sandbox, until = self._of(str(facts["sub"])), int(facts["exp"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if sandbox is None or not hmac.compare_digest(_seal(sandbox, told), seal.encode("utf-8", "surrogatepass")):
            return None
        return sandbox if sandbox.timing.now(self.real()) < until else None

    def issue(self, request: Request) -> Reply:
        """What a request for a token is answered."""
        try:
            return self._issued(request)
        except _Refused as refused:
            return refused.reply

    def _issued(self, request: Request) -> Reply:
        if request.method != "POST":
            raise _Refused(405, "invalid_request", "a token is asked for with POST", (("Allow", "POST"),))
        form = _form(request)
        grant = form.get("grant_type") or "".join(request.values("grant_type")[:1])
        sandbox = self._client(request, form)
        if not grant:
            raise _Refused(400, "invalid_request", f"grant_type is missing; {GRANT} is expected, in the form or the query")
        if grant != GRANT:
            raise _Refused(400, "unsupported_grant_type", f"{GRANT} is expected")
        until = sandbox.timing.now(self.real()) + LIFE * 1000
        facts = {"sub": sandbox.name, "exp": until, "jti": secrets.token_hex(6)}
        told = base64.urlsafe_b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode()
        body = {"access_token": f"{told}.{_seal(sandbox, told).decode()}", "token_type": "Bearer", "expires_in": LIFE}
        return Reply.of(body, headers=_KEPT_BY_NOBODY)

    def _client(self, request: Request, form: dict[str, str]) -> Sandbox:
        """The sandbox whose name and key a request brings: in a Basic header, or in the form."""
        header = request.headers.get("authorization", "")
        if header and "client_secret" in form:
            raise _Refused(400, "invalid_request", "the client comes in the header or in the form, not in both")
        name, key = _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
        sandbox = self._of(name)
        given = [one.encode("utf-8", "surrogatepass") for one in (key, key.removeprefix(" "), unquote_plus(key))]
        known = (sandbox.key if sandbox else secrets.token_hex(8)).encode("utf-8", "surrogatepass")
        if not any(hmac.compare_digest(known, one) for one in given) or sandbox is None:
            about = "the client_id is the name of a sandbox, the client_secret its api_key"
            raise _Refused(401, "invalid_client", about, _CHALLENGE)
        return sandbox

    def _of(self, name: str) -> Sandbox | None:
        """The sandbox with exactly this name."""
        found = self.named(name) if name else None
        return found if found is not None and found.name == name else None


def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if not request.body or kind != _FORM:
        return {}
    if len(request.body) > MOST:
        raise _Refused(400, "invalid_request", f"at most {MOST} bytes are expected")
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Refused(400, "invalid_request", "a member of the form is given twice")
    return dict(pairs)


def _basic(header: str) -> tuple[str, str]:
    """Id and secret of a Basic header; the vendor documents a space before the secret."""
    scheme, _, text = header.partition(" ")
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    name, _, key = pair.partition(":")
    return unquote_plus(name.strip()), key


def _seal(sandbox: Sandbox, told: str) -> bytes:
    """What only who knows the sandbox's key can put behind a token."""
    key = sha256(f"mockspi token\0{sandbox.space}\0{sandbox.key}".encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(hmac.digest(key, told.encode(), "sha256")).rstrip(b"=")
