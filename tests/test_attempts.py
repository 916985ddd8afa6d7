"""What an answer means to each platform, and when it tries again."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from conftest import NOON
from receivers import message

from mockspi.webhooks.message import Heard, Message, Verdict
from mockspi.webhooks.profiles import PROFILES, configured, with_schedule

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


# --- what an answer means


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"{}", ""),
        (204, b"", ""),
        (200, b"thank you", ""),
        (200, b'["errorCode"]', ""),
        (200, b'{"errorCode": "", "errorMessage": null}', ""),
        (200, b'{"errorCode": " ", "errorMessage": []}', ""),
        (200, b'{"data": {"errorCode": "E1"}}', ""),
        (200, b"[" * 60_000, ""),
        (200, b"\xff\xfe", ""),
        (200, b'{"errorCode": "E1"}', "answered 200 with an error; errorCode E1"),
        (201, b'{"errorMessage": "no stock"}', "answered 201 with an error; errorMessage no stock"),
        (202, '\ufeff{"errorCode": 0}'.encode(), "answered 202 with an error; errorCode 0"),
        (200, '{"errorMessage": "kéin\\nOrt"}'.encode(), "answered 200 with an error; errorMessage kéin Ort"),
        (301, b"", "answered 301"),
        (400, b'{"errorCode": 2, "errorMessage": "api_key=abc no"}', "answered 400; errorCode 2, errorMessage api_key=*** no"),
        (410, b"", "answered 410"),
        (503, b"busy", "answered 503"),
    ],
)  # fmt: skip
def test_retail_cloud_judges_the_status_and_the_errors_in_the_body(status: int, body: bytes, reason: str) -> None:
    verdict = PROFILES["retail-cloud"].judge(Heard(status, (), body))
    assert (verdict.delivered, verdict.reason, verdict.disables) == (reason == "", reason, False)


def test_a_long_error_is_told_in_short() -> None:
    verdict = PROFILES["retail-cloud"].judge(Heard(200, (), json.dumps({"errorMessage": "x" * 5000}).encode()))
    assert len(verdict.reason) < 400


@pytest.mark.parametrize(
    ("profile", "good", "disabling"),
    [
        ("retail-cloud", {200, 201, 202, 204, 299}, set()),
        ("emporix", {200, 201, 202, 204, 299}, set()),
        ("emporix-svix", {200, 201, 202, 204, 299}, {410}),
        ("next-commerce", {200}, {410}),
        ("standard", {200, 201, 202, 204, 299}, {410}),
    ],
)
def test_which_statuses_mean_what(profile: str, good: set[int], disabling: set[int]) -> None:
    tried = (200, 201, 202, 204, 299, 301, 302, 307, 400, 401, 404, 410, 429, 500, 502, 503, 504)
    verdicts = {status: PROFILES[profile].judge(Heard(status)) for status in tried}
    assert {status for status, one in verdicts.items() if one.delivered} == good
    assert {status for status, one in verdicts.items() if one.disables} == disabling
    assert all(str(status) in one.reason for status, one in verdicts.items() if not one.delivered)
    assert PROFILES[profile].judge(Heard(None, error="connection refused")) == Verdict(
        delivered=False, reason="connection refused"
    )
    assert PROFILES[profile].judge(Heard(None)).reason == "no answer"


# --- when it is tried again


def times(profile: Any, one: Message, verdict: Verdict = Verdict(delivered=False), seed: str = "") -> list[int]:  # noqa: B008
    """The waits until there is no further attempt."""
    waits, at = [], NOON
    for attempts in itertools.count(1):
        due = profile.again(one, attempts, at, verdict, seed)
        if due is None:
            return waits
        waits.append(due - at)
        at = due
    raise AssertionError


def test_retail_cloud_never_retries_by_itself() -> None:
    way = PROFILES["retail-cloud"]
    assert times(way, message("retail-cloud")) == times(with_schedule(way, "1,2,3"), message("retail-cloud")) == []
    assert way.again(message("retail-cloud"), 0, NOON, Verdict(delivered=False)) == NOON


def test_next_commerce_retries_ten_times_exponentially_over_several_days() -> None:
    waits = times(PROFILES["next-commerce"], message("next-commerce"))
    assert waits == [5 * MINUTE * 2**n for n in range(10)]
    assert 3 * 24 * HOUR < sum(waits) < 4 * 24 * HOUR


@pytest.mark.parametrize("profile", ["standard", "emporix-svix"])
def test_the_examples_schedule_has_its_jitter_from_the_seed(profile: str) -> None:
    exact = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    exact = exact if profile == "standard" else [*exact[:6], 10 * HOUR]
    way = configured()[profile]
    waits = times(way, message(profile), seed="7")
    assert len(waits) == len(exact)
    assert all(0.8 * plain <= wait <= 1.2 * plain for wait, plain in zip(waits, exact, strict=True))
    assert waits != exact
    assert waits == times(way, message(profile, id="another"), seed="7"), "the same run has the same times"
    assert waits != times(way, message(profile), seed="8")
    assert waits != times(way, message(profile, body={"id": "c-2"}), seed="7")
    assert times(configured(options=[f"{profile}.jitter=0"])[profile], message(profile)) == exact


def test_what_was_delivered_or_disabled_is_not_tried_again() -> None:
    for verdict in (Verdict(delivered=True), Verdict(delivered=False, disables=True)):
        assert times(PROFILES["next-commerce"], message("next-commerce"), verdict) == []


DATE = "Sat, 21 Nov 2026 13:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (503, {"Retry-After": "7"}, 7 * SECOND),
        (429, {"retry-after": " 120 "}, 120 * SECOND),
        (503, {"Retry-After": "Sat, 21 Nov 2026 13:01:30 GMT", "Date": DATE}, 90 * SECOND),
        (503, {"Retry-After": "Sat, 21 Nov 2026 12:00:00 GMT", "Date": DATE}, 0),
        (503, {"Retry-After": "Sat, 21 Nov 2026 13:01:30 GMT"}, None),
        (503, {"Retry-After": "Sat, 21 Nov 2026 13:01:30", "Date": DATE}, None),
        (503, {"Retry-After": "Sat, 99 Nov 2026 13:01:30 GMT", "Date": DATE}, None),
        (503, {"Retry-After": "9" * 5000, "Date": DATE}, None),
        (503, {"Retry-After": "-5", "Date": DATE}, None),
        (500, {}, None),
        (429, {}, MINUTE),
        (502, {"Retry-After": "soon", "Date": DATE}, MINUTE),
        (504, {}, MINUTE),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(status: int, headers: dict[str, str], wait: int | None) -> None:
    heard = Heard(status, tuple(headers.items()))
    assert PROFILES["standard"].judge(heard).wait == wait
    assert PROFILES["next-commerce"].judge(heard).wait is None


@pytest.mark.parametrize(
    ("attempts", "asked", "wait"),
    [
        (1, 0, 5 * SECOND),
        (1, 30 * SECOND, 30 * SECOND),
        (1, HOUR, MINUTE),
        (2, MINUTE, 5 * MINUTE),
        (2, 7 * MINUTE, 7 * MINUTE),
        (2, HOUR, 10 * MINUTE),
    ],
)
def test_what_the_target_asks_for_is_honoured_within_bounds(attempts: int, asked: int, wait: int) -> None:
    way = configured(options=["standard.jitter=0"])["standard"]
    assert way.again(message("standard"), attempts, NOON, Verdict(delivered=False, wait=asked)) == NOON + wait


def test_a_schedule_can_be_shortened_by_one_setting() -> None:
    ways = configured("x0.001", ["standard.jitter=0"])
    assert times(ways["standard"], message("standard"))[:3] == [5, 300, 1800]
    assert times(ways["standard"], message("standard"), Verdict(delivered=False, wait=HOUR))[:2] == [60, 600]
    assert times(ways["next-commerce"], message("next-commerce"))[:2] == [300, 600]
    ways = configured("0,1,2.5")
    for name in ("standard", "emporix", "next-commerce"):
        assert times(ways[name], message(name)) == [0, 1000, 2500]
    assert with_schedule(PROFILES["standard"], "") is PROFILES["standard"]
