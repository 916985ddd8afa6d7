"""Signatures both ways: as each platform makes them, and as a receiver must check them, on the raw bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from mockspi.errors import MockspiError
from mockspi.event import EMPORIX, NEXT_COMMERCE, RETAIL_CLOUD, STANDARD

EMPORIX_SVIX = "emporix-svix"
#: The header that carries each profile's signature; Retail Cloud documents none.
SIGNATURES = {
    EMPORIX: "emporix-event-signature",
    EMPORIX_SVIX: "svix-signature",
    NEXT_COMMERCE: "X-29Next-Signature",
    STANDARD: "webhook-signature",
}
_SAFE = 2**53


class SignatureWrong(MockspiError):
    """A delivery that its platform did not sign, or not like this; ``reason`` says what is wrong, never a secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def verify(profile: str, headers: Mapping[str, str], raw: bytes, secret: str, now: int, tolerance: int = 300_000) -> None:
    """SignatureWrong unless a delivery is signed as its platform does.

    ``headers`` by lower-case names, ``now`` and ``tolerance`` in milliseconds. Retail Cloud signs nothing, so nothing is checked.
    """
    if profile == RETAIL_CLOUD:
        return
    if profile not in _CHECKS:
        raise SignatureWrong(f"no profile is called {profile!r}; there are {', '.join((RETAIL_CLOUD, *_CHECKS))}")
    if not secret:
        raise SignatureWrong("there is no secret to check the signature with")
    _CHECKS[profile](headers, raw, secret, now, tolerance)


def next_signature(secret: str, raw: bytes) -> str:
    """Hex HMAC-SHA256 of the bytes."""
    return hmac.new(_bytes(secret), raw, hashlib.sha256).hexdigest()


def emporix_signature(secret: str, body: Any) -> str:
    """Base64 HMAC-SHA256 of the canonical JSON of a body; ValueError or RecursionError where it has none."""
    return _base64(hmac.digest(_bytes(secret), canonical(body).encode("utf-8", "backslashreplace"), "sha256"))


def standard_signature(secret: str, id: str, timestamp: int | str, raw: bytes) -> str:  # noqa: A002  # the standard's word
    """A ``v1`` signature for each of the secrets (several, with spaces between); ValueError where one is none."""
    content = b"%s.%s." % (_bytes(id), _bytes(str(timestamp))) + raw
    return " ".join("v1," + _base64(hmac.digest(one, content, "sha256")) for one in _keys(secret))


def canonical(value: Any) -> str:
    """JSON with sorted members and no spaces, with texts and numbers as JavaScript writes them: 1.0 is 1."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda one: one[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(name)}:{canonical(member)}" for name, member in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) or (type(value) is int and abs(value) > _SAFE):
        return _number(float(value))
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if value in (float("inf"), float("-inf")) or value != value:  # noqa: PLR0124  # not a number
        raise ValueError("a number that JSON cannot say")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        whole, _, rest = format(Decimal(repr(abs(value))), "f").partition(".")
        return ("-" if value < 0 else "") + whole + (f".{rest}" if rest.strip("0") else "")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent):+d}"


def _check_next(headers: Mapping[str, str], raw: bytes, secret: str, _now: int, _tolerance: int) -> None:
    given = _header(headers, SIGNATURES[NEXT_COMMERCE])
    if not re.fullmatch("[0-9a-f]{64}", given):
        _malformed(SIGNATURES[NEXT_COMMERCE], "64 hexadecimal digits in lower case")
    _equal([given], [next_signature(secret, raw)], SIGNATURES[NEXT_COMMERCE])


def _check_emporix(headers: Mapping[str, str], raw: bytes, secret: str, _now: int, _tolerance: int) -> None:
    given = _header(headers, SIGNATURES[EMPORIX])
    if not re.fullmatch("[A-Za-z0-9+/]{43}=", given):
        _malformed(SIGNATURES[EMPORIX], "32 bytes in Base64")
    try:
        made = emporix_signature(secret, json.loads(raw))
    except (ValueError, OverflowError, RecursionError):
        raise SignatureWrong("the body is not JSON, so it has no canonical form that could be signed") from None
    _equal([given], [made], SIGNATURES[EMPORIX])


def _check_standard(headers: Mapping[str, str], raw: bytes, secret: str, now: int, tolerance: int) -> None:
    prefix = "svix" if "svix-id" in headers and "webhook-id" not in headers else "webhook"
    name = f"{prefix}-signature"
    id_, stamp = _header(headers, f"{prefix}-id"), _header(headers, f"{prefix}-timestamp")
    given = [one for one in _header(headers, name).split(" ") if one]
    if not re.fullmatch("[0-9]{1,12}", stamp):
        _malformed(f"{prefix}-timestamp", "whole seconds")
    if not all(re.fullmatch("[a-z0-9]+,[A-Za-z0-9+/]+=*", one) for one in given):
        _malformed(name, "v1, a comma and Base64; several with a space between")
    if (age := now - int(stamp) * 1000) > tolerance:
        raise SignatureWrong(f"{prefix}-timestamp is {age // 1000} s old; {tolerance // 1000} s are tolerated")
    if -age > tolerance:
        raise SignatureWrong(f"{prefix}-timestamp is {-age // 1000} s in the future; {tolerance // 1000} s are tolerated")
    try:
        made = standard_signature(secret, id_, stamp, raw).split(" ")
    except ValueError:
        raise SignatureWrong("the secret is none: whsec_ and Base64 are expected") from None
    _equal(given, made, name)


_CHECKS: dict[str, Callable[[Mapping[str, str], bytes, str, int, int], None]] = {
    EMPORIX: _check_emporix,
    EMPORIX_SVIX: _check_standard,
    NEXT_COMMERCE: _check_next,
    STANDARD: _check_standard,
}


def _header(headers: Mapping[str, str], name: str) -> str:
    if not (value := headers.get(name.lower(), "").strip()):
        raise SignatureWrong(f"the header {name} is missing")
    return value


def _malformed(name: str, expected: str) -> NoReturn:
    raise SignatureWrong(f"the header {name} is malformed: {expected} are expected")


def _equal(given: list[str], made: list[str], name: str) -> None:
    """Each compared in constant time, so that nothing is told by how long it takes."""
    if not any(hmac.compare_digest(_bytes(one), _bytes(other)) for one in given for other in made):
        raise SignatureWrong(f"{name} does not fit body and secret: other bytes were signed, or with another secret")


def _keys(secret: str) -> list[bytes]:
    keys = [base64.b64decode(one.removeprefix("whsec_"), validate=True) for one in secret.split()]
    if not all(keys) or not keys:
        raise ValueError("no key")
    return keys


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
