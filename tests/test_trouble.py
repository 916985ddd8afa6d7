"""Deliberate trouble: what a receiver that checks must refuse, and what the outbox is asked to do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conftest import NOON
from hooked import receiving
from receivers import CART, RULES, SECRET, deliver, headers_of, message, now

from mockspi.errors import UsageError
from mockspi.webhooks import trouble
from mockspi.webhooks.profiles import PROFILES
from mockspi.webhooks.signing import SIGNATURES, SignatureWrong, verify

HOUR = 3_600_000


REFUSED = {
    "tampered": {"emporix", "emporix-svix", "next-commerce", "standard"},
    "wrong-secret": {"retail-cloud", "emporix", "emporix-svix", "next-commerce", "standard"},
    "missing-header": {"retail-cloud", "emporix", "emporix-svix", "next-commerce", "standard"},
    "stale": {"emporix-svix", "standard"},  # nobody else signs a time
}


@pytest.mark.parametrize("word", REFUSED)
@pytest.mark.parametrize("profile", PROFILES)
def test_trouble_is_refused_where_it_can_be_seen_and_only_there(profile: str, word: str) -> None:
    with receiving(rule=RULES[profile]) as receiver:
        wire, heard, verdict = deliver(profile, receiver, trouble=(word,))
        refused = profile in REFUSED[word]
        assert (heard.status, verdict.delivered) == ((401, False) if refused else (200, True))
        assert receiver.came[0].raw == wire.body
        json.loads(wire.body)
    if profile in SIGNATURES:
        if refused:
            with pytest.raises(SignatureWrong):
                verify(profile, headers_of(wire), wire.body, SECRET, now())
        else:
            verify(profile, headers_of(wire), wire.body, SECRET, now())


def test_a_stale_delivery_is_rightly_signed_for_its_time() -> None:
    stale = trouble.compose(PROFILES["standard"], message("standard", trouble=("stale",)), NOON, SECRET)
    verify("standard", headers_of(stale), stale.body, SECRET, NOON - 24 * HOUR)
    published = headers_of(trouble.compose(PROFILES["emporix"], message("emporix", trouble=("stale",)), NOON, SECRET))
    assert published["emporix-event-publish-time"] == "2027-01-14T08:00:00.000Z"


def test_without_trouble_nothing_is_different_and_several_words_add_up() -> None:
    one = message("standard")
    assert trouble.compose(PROFILES["standard"], one, NOON, SECRET) == PROFILES["standard"].compose(one, NOON, SECRET)
    both = trouble.compose(PROFILES["standard"], replace(one, trouble=("tampered", "missing-header")), NOON, SECRET)
    assert json.loads(both.body) == {"tampered": True, **CART}
    assert "webhook-signature" not in headers_of(both)
    assert trouble.tampered(b"{}") == b'{"tampered":true}'


def test_what_the_outbox_is_asked_to_do() -> None:
    assert trouble.plan(()) == trouble.plan(("tampered",)) == trouble.Plan(copies=1, after_next=False, delay=0)
    assert trouble.plan(("duplicate", "reorder", "delay")) == trouble.Plan(copies=2, after_next=True, delay=30_000)
    assert trouble.plan(("delay:90",)).delay == 90_000
    assert trouble.known(["duplicate", "delay:5"]) == ("duplicate", "delay:5")
    with pytest.raises(UsageError, match=r"no trouble is called 'stail'; did you mean 'stale'\?; there are duplicate"):
        trouble.known(["stail"])
