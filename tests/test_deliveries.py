"""Every example of every event, delivered to a receiver that is not ours and checks as its platform says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from receivers import RULES, SECRET, Receiver, deliver, now, receiving

from mockspi.contracts.events import EVENTS
from mockspi.event import EMPORIX, Event
from mockspi.schema import problems
from mockspi.webhooks.making import examples, make
from mockspi.webhooks.message import Verdict
from mockspi.webhooks.signing import EMPORIX_SVIX, verify

WAYS = [(one, one.platform) for one in EVENTS] + [(one, EMPORIX_SVIX) for one in EVENTS if one.platform == EMPORIX]


@pytest.fixture(scope="module")
def receivers() -> Iterator[dict[str, Receiver]]:
    """One receiver for each profile, with its platform's rule."""
    with (
        receiving(RULES["retail-cloud"]) as retail,
        receiving(RULES["emporix"]) as emporix,
        receiving(RULES["emporix-svix"]) as svix,
        receiving(RULES["next-commerce"]) as commerce,
        receiving(RULES["standard"]) as standard,
    ):
        yield dict(zip(("retail-cloud", "emporix", "emporix-svix", "next-commerce", "standard"),
                       (retail, emporix, svix, commerce, standard), strict=True))  # fmt: skip


@pytest.mark.parametrize(("event", "profile"), WAYS, ids=[f"{event.id} {profile}" for event, profile in WAYS])
def test_every_example_of_every_event_is_accepted(event: Event, profile: str, receivers: dict[str, Receiver]) -> None:
    receiver = receivers[profile]
    for example in examples(event):
        for method in event.methods:
            body = make(event, example=example)
            wire, heard, verdict = deliver(profile, receiver, body=body, event=event.id, method=method)
            assert (heard.status, verdict) == (200, Verdict(delivered=True)), example
            came = receiver.heard[-1]
            assert (came.method, came.body) == (method, wire.body)
            assert not problems(event.body, json.loads(came.body))
            verify(profile, came.headers, came.body, SECRET, now())
