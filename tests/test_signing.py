"""Signatures: known answers, other people's libraries, and everything that must be refused with a reason and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from receivers import RULES, SECRET
from standardwebhooks import Webhook

from mockspi.webhooks.message import Message, Target
from mockspi.webhooks.profiles import PROFILES
from mockspi.webhooks.signing import (
    SIGNATURES,
    SignatureWrong,
    canonical,
    emporix_signature,
    next_signature,
    standard_signature,
    verify,
)

NOW = 1_614_265_330_000
OTHER = "whsec_" + base64.b64encode(b"another secret of this length").decode()
SIGNING = sorted(SIGNATURES)
ODD = ["v1,", "v1,,", "v1,A v1,B", "0", "9" * 13, "é", "\ud800"]
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
BODIES = some.dictionaries(some.text(max_size=8), JSON, max_size=5)


def sent(profile: str, body: Any, now: int = NOW, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """What a profile puts on the wire."""
    message = Message("msg_1", f"{profile}/X", body, Target("http://127.0.0.1:1/", profile), now)
    wire = PROFILES[profile].compose(message, now, secret)
    return {name.lower(): value for name, value in wire.headers}, wire.body


def reason(profile: str, headers: Mapping[str, str], raw: bytes, secret: str = SECRET, now: int = NOW) -> str:
    """Why it is refused: in a sentence that says nothing of the secret, unless it would say the same of another."""
    told = sentence(profile, headers, raw, secret, now)
    assert len(secret) < 8 or secret not in told or told == sentence(profile, headers, raw, secret[::-1], now)
    return told


def sentence(profile: str, headers: Mapping[str, str], raw: bytes, secret: str, now: int) -> str:
    """Why it is refused."""
    with pytest.raises(SignatureWrong) as caught:
        verify(profile, headers, raw, secret, now)
    assert caught.value.reason == str(caught.value)
    return caught.value.reason


# --- known answers


def test_the_standards_own_answer() -> None:
    made = standard_signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_emporix_answer() -> None:
    body = {"tenant": "acme", "cartId": "c1", "quantity": 2.0, "itemId": "0", "priceId": "p1"}
    assert emporix_signature("password123", body) == "fp2dMoxcLS83WfrIK4HFoRXRRTt1hE7S/KDZlizTBfQ="


def test_next_commerce_answer() -> None:
    made = next_signature("key", b"The quick brown fox jumps over the lazy dog")
    assert made == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('{"b":1.0,"a":[1.50,-0.0,1e2]}', '{"a":[1.5,0,100],"b":1}'),
        ("[1e-7,1.5e-7,0.000001,0.00001234]", "[1e-7,1.5e-7,0.000001,0.00001234]"),
        ("[1e21,1.5e+22,1e20,123456789012345680000]", "[1e+21,1.5e+22,100000000000000000000,123456789012345680000]"),
        ("[9007199254740992,9007199254740993,-12.5]", "[9007199254740992,9007199254740992,-12.5]"),
        ('{"\U0001f600":1,"\ue000":2,"10":3,"9":4}', '{"10":3,"9":4,"\U0001f600":1,"\ue000":2}'),
        (r'["é","\u2028","\u0001\b","\ud83d",true,null]', '["é","\u2028","\\u0001\\b","\ud83d",true,null]'),
    ],
)
def test_canonical_json_is_what_javascript_writes(raw: str, text: str) -> None:
    """The right side is Node's JSON.stringify with sorted members."""
    assert canonical(json.loads(raw)) == text


# --- others' libraries


@settings(max_examples=60, deadline=None)
@given(body=BODIES)
def test_others_accept_what_is_sent(body: dict[str, Any]) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    for profile in SIGNING:
        if profile == "emporix" and not plain(body):
            continue  # the rule in Python writes vast and tiny numbers, and sorts some letters, unlike JavaScript
        assert RULES[profile](*sent(profile, body, now)), profile


def plain(value: Any) -> bool:
    """Whether Python's json writes this as JavaScript does."""
    if isinstance(value, dict):
        return all(plain(name) and plain(member) for name, member in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, str):
        return all(ord(letter) < 0xD800 for letter in value)
    return not isinstance(value, (int, float)) or value == 0 or 1e-4 <= abs(value) < 1e15


@settings(max_examples=60, deadline=None)
@given(raw=some.text(max_size=200).map(str.encode))
def test_what_the_standards_library_signs_is_accepted(raw: bytes) -> None:
    signature = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW / 1000, UTC), raw.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW // 1000), "webhook-signature": signature}
    verify("standard", headers, raw, SECRET, NOW)


def test_bodies_that_are_no_text_are_signed_like_others() -> None:
    raw = b"\xff\x00\xfe"
    headers = {"webhook-id": "m", "webhook-timestamp": str(NOW // 1000)}
    verify("standard", {**headers, "webhook-signature": standard_signature(SECRET, "m", NOW // 1000, raw)}, raw, SECRET, NOW)
    verify("next-commerce", {"x-29next-signature": next_signature(SECRET, raw)}, raw, SECRET, NOW)


# --- what is refused


@settings(max_examples=60, deadline=None)
@given(body=BODIES, at=some.integers(0, 10**6))
def test_what_is_sent_is_accepted_and_nothing_that_differs(body: dict[str, Any], at: int) -> None:
    for profile in SIGNING:
        headers, raw = sent(profile, body)
        verify(profile, headers, raw, SECRET, NOW)
        assert "another secret" in reason(profile, headers, raw, OTHER)
        index = at % len(raw)
        changed = raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :]
        if not same(profile, raw, changed):
            reason(profile, headers, changed)
        for name in [one for one in headers if one.startswith(("webhook-", "svix-")) or one == SIGNATURES[profile].lower()]:
            kept = {other: value for other, value in headers.items() if other != name}
            assert "is missing" in reason(profile, kept, raw)


def same(profile: str, raw: bytes, changed: bytes) -> bool:
    """Whether a change is none in the form that is signed, such as 0 for -0."""
    try:
        return profile == "emporix" and canonical(json.loads(raw)) == canonical(json.loads(changed))
    except (ValueError, OverflowError):
        return False


@settings(max_examples=200, deadline=None)
@given(
    profile=some.sampled_from([*PROFILES, "", "unheard-of"]),
    values=some.lists(some.text(max_size=80) | some.sampled_from(ODD), min_size=3, max_size=3),
    raw=some.binary(max_size=60) | some.sampled_from([b"[" * 100_000, b"NaN", b"1e999", b"9" * 400, b"9" * 5000]),
    secret=some.text(max_size=40) | some.sampled_from([SECRET, "whsec_", "whsec_é", " ", "\ud800"]),
)  # fmt: skip
@example(profile="emporix", values=["A" * 43 + "="] * 3, raw=b"[" * 100_000, secret="s")
@example(profile="emporix", values=["A" * 43 + "="] * 3, raw=b"9" * 400, secret="s")
@example(profile="emporix", values=["A" * 43 + "="] * 3, raw=b"[NaN]", secret="s")
@example(profile="emporix", values=["A" * 43 + "="] * 3, raw=b"\xff", secret="s")
@example(profile="standard", values=["v1,AAAA", "é", "0"], raw=b"", secret="whsec_!")
@example(profile="standard", values=["v1,AAAA", "é", "0"], raw=b"", secret=" ")
def test_whatever_comes_nothing_but_a_reason_is_raised(profile: str, values: list[str], raw: bytes, secret: str) -> None:
    names = ("webhook-signature", "webhook-id", "webhook-timestamp", "x-29next-signature", "emporix-event-signature")
    headers = dict(zip(names, [*values, values[0], values[0]], strict=True))
    for now in (0, NOW):
        if profile == "retail-cloud":
            verify(profile, headers, raw, secret, now)
        else:
            assert reason(profile, headers, raw, secret, now)


@pytest.mark.parametrize(
    ("profile", "header", "value", "told"),
    [
        ("next-commerce", "x-29next-signature", "A" * 64, "64 hexadecimal digits"),
        ("next-commerce", "x-29next-signature", "sha256=" + "a" * 64, "64 hexadecimal digits"),
        ("next-commerce", "x-29next-signature", "é" * 64, "64 hexadecimal digits"),
        ("emporix", "emporix-event-signature", "a" * 64, "32 bytes in Base64"),
        ("standard", "webhook-signature", "g0hM9SsE", "v1, a comma and Base64"),
        ("standard", "webhook-signature", "v1,a,b", "v1, a comma and Base64"),
        ("standard", "webhook-signature", "v1,é", "v1, a comma and Base64"),
        ("standard", "webhook-timestamp", "today", "whole seconds"),
        ("standard", "webhook-timestamp", "-1", "whole seconds"),
        ("standard", "webhook-timestamp", "1614265330.0", "whole seconds"),
        ("standard", "webhook-timestamp", "９", "whole seconds"),
        ("emporix-svix", "svix-timestamp", "1e9", "whole seconds"),
    ],
)
def test_a_malformed_header_is_named_with_what_is_expected(profile: str, header: str, value: str, told: str) -> None:
    headers, raw = sent(profile, {"a": 1})
    said = reason(profile, {**headers, header: value}, raw)
    assert header in said.lower()
    assert told in said


@pytest.mark.parametrize(
    ("late", "told"), [(300_000, ""), (301_000, "301 s old"), (-300_000, ""), (-301_000, "301 s in the future")]
)
def test_time_is_tolerated_five_minutes_both_ways(late: int, told: str) -> None:
    headers, raw = sent("standard", {"a": 1})
    if told:
        assert told in reason("standard", headers, raw, now=NOW + late)
    else:
        verify("standard", headers, raw, SECRET, NOW + late)


def test_the_tolerance_can_be_chosen() -> None:
    headers, raw = sent("standard", {"a": 1})
    verify("standard", headers, raw, SECRET, NOW + 86_400_000, tolerance=86_400_000)
    with pytest.raises(SignatureWrong, match="1 s are tolerated"):
        verify("standard", headers, raw, SECRET, NOW + 2000, tolerance=1000)


def test_secrets_can_be_rotated() -> None:
    headers, raw = sent("standard", {"a": 1}, secret=f"{OTHER} {SECRET}")
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (SECRET, OTHER):
        verify("standard", headers, raw, secret, NOW)
    once, raw = sent("standard", {"a": 1})
    verify("standard", once, raw, f"{OTHER} {SECRET}", NOW)
    verify("standard", {**once, "webhook-signature": f"v1a,AAAA {once['webhook-signature']}"}, raw, SECRET, NOW)


@pytest.mark.parametrize("profile", SIGNING)
def test_without_a_secret_nothing_is_accepted(profile: str) -> None:
    headers, raw = sent(profile, {"a": 1})
    assert "no secret" in reason(profile, headers, raw, "")


def test_next_commerce_signs_bytes_not_meaning() -> None:
    headers, raw = sent("next-commerce", {"é": [1, 2]})
    assert b'{"\\u00e9": [1, 2]' in raw
    reason("next-commerce", headers, json.dumps(json.loads(raw), separators=(",", ":")).encode())
    reason("next-commerce", headers, json.dumps(json.loads(raw), ensure_ascii=False).encode())


def test_emporix_signs_meaning_not_bytes() -> None:
    headers, raw = sent("emporix", {"b": 1.0, "a": 2})
    assert raw == b'{"b":1.0,"a":2}'
    verify("emporix", headers, b'{ "a": 2, "b": 1 }', SECRET, NOW)


def test_an_unknown_profile_is_no_way_in() -> None:
    assert "no profile is called 'standart'; there are retail-cloud, emporix" in reason("standart", {}, b"")
