"""Events that are received: each is kept once, however often it is delivered, with what came of it.

Rules: what was heard is a duplicate the second time and changes nothing; a refusal is not remembered, so that a repost is
tried again; what is refused leaves no trace but that it was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mockspi.clock import Clock
from mockspi.errors import Failure
from mockspi.exchange import Json
from mockspi.store.base import Criterion, Records

APPLIED, HELD, REFUSED, KEPT = "applied", "held", "refused", "kept"


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as it was delivered; ``id`` is its sender's, ``reference`` what another telling of the same has in common."""

    event: str
    endpoint: str
    body: Json
    id: str = ""
    reference: str = ""
    findings: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event; ``moved`` is what it did to the stock by itself."""

    state: str
    why: str = ""
    moved: Sequence[Json] = field(default=())


def take_in(
    records: Records, incoming: Incoming, clock: Clock, text: Callable[..., str], act: Callable[[int], Outcome]
) -> tuple[Json, bool]:
    """Keep an event and let it act; the record of it, and whether it is a duplicate."""
    same = [f"{incoming.event} id {incoming.id}"] * bool(incoming.id) + [incoming.reference] * bool(incoming.reference)
    known = records.find("received", Criterion("same", tuple(same)), limit=1).records if same else []
    before = known[0] if known else None
    if before and before["state"] != REFUSED:
        before |= {"duplicates": before["duplicates"] + 1, "times": before["times"] + 1}
        records.put("received", before)
        return before, True
    number = before["number"] if before else records.next_number()
    event: Json = {
        "eventId": before["eventId"] if before else clock.new_id("EV"),
        "number": number,
        "event": incoming.event,
        "endpoint": incoming.endpoint,
        "at": clock.now(),
        "id": incoming.id,
        "same": same,
        "duplicates": 0,
        "times": before["times"] + 1 if before else 1,
        "findings": list(incoming.findings),
        **{name: incoming.body[name] for name in ("orderId", "cartId") if is_name(incoming.body.get(name))},
    }
    settle(records, event, incoming.body, text, lambda: act(number))
    return event, False


def settle(records: Records, event: Json, body: Json, text: Callable[..., str], act: Callable[[], Outcome]) -> None:
    """Let an event act, and keep what came of it."""
    for name in ("why", "errorCode", "errors", "moved", "body"):
        event.pop(name, None)
    try:
        with records.part():
            outcome = act()
    except Failure as no:
        event |= {"state": REFUSED, "why": text(no.code, **no.facts), "errorCode": no.code}
        if no.errors:
            event["errors"] = list(no.errors)
    else:
        event |= {"state": outcome.state, "why": outcome.why}
        if outcome.moved:
            event["moved"] = list(outcome.moved)
        if outcome.state == HELD or "orderId" in event:
            event["body"] = body
    records.put("received", event)


def told(event: Json) -> Json:
    """A received event as tests are told of it."""
    renamed = {"state": "status", "why": "reason", "times": "attempts"}
    hidden = ("same", "body", "number", "id")
    shown = {renamed.get(name, name): value for name, value in event.items() if name not in hidden and value != ""}
    return {**shown, "id": event["id"] or event["eventId"], "direction": "received"}


def is_name(value: object) -> bool:
    """Whether a value can name a record."""
    return isinstance(value, str) and value != ""


def failure_of(event: Json) -> Mapping[str, object]:
    """What its sender is answered: nothing, or why it was refused."""
    if event["state"] != REFUSED:
        return {}
    errors = {"errors": event["errors"]} if "errors" in event else {}
    return {"errorCode": event["errorCode"], "errorMessage": event["why"], **errors}
