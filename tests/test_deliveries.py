"""Every example of every event, delivered to a receiver that is not ours and checks as its platform says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hooked import Receiver, receiving
from receivers import RULES, SECRET, deliver, now

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
        receiving(rule=RULES["retail-cloud"]) as retail,
        receiving(rule=RULES["emporix"]) as emporix,
        receiving(rule=RULES["emporix-svix"]) as svix,
        receiving(rule=RULES["next-commerce"]) as commerce,
        receiving(rule=RULES["standard"]) as standard,
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
            came = receiver.came[-1]
            assert (came.method, came.raw) == (method, wire.body)
            assert not problems(event.body, came.body)
            verify(profile, came.headers, came.raw, SECRET, now())
