"""The questions that tests ask over the admin port: has it happened, and wait until it has."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from mockspi.admin.journal import covered
from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.admin.sent import entries
from mockspi.admin.sent import expected as expected_sent
from mockspi.contract import refuse
from mockspi.contracts import TABLE
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json, Reply, Request, without_nulls
from mockspi.journal import Entry
from mockspi.rules.known import Known
from mockspi.rules.shapes import never_fits
from mockspi.sandbox import Sandbox
from mockspi.schema import Anything, Flag, Id, Integer, Many, Part, Shape, Text, validate
from mockspi.schema.validate import ValidationError
from mockspi.store.rows import Filter
from mockspi.verifying import Count, Expected, PathValues, Verification

MOST_WAITING = 96  #: calls of ``await`` at once
_PAUSE, _LONGEST_PAUSE = 0.02, 0.1  #: seconds between two looks; who has waited long looks less often
_PATIENCE = 0.02
_KNOWN = Known.of(TABLE)
_waiting = threading.BoundedSemaphore(MOST_WAITING)


class TooManyWaiting(Failure):
    """As many calls of await are waiting as may; ask again a moment later."""

    status = 503
    code = "TOO_MANY_WAITING"


def pointers(value: Any) -> None:
    """An object whose names are JSON pointers."""
    objects(value)
    for name in value:
        if not name.startswith("/"):
            raise ValidationError(f"{name!r} is no JSON pointer; such as /customer/email is expected")


def texts(value: Any) -> None:
    """An object that holds texts and numbers."""
    objects(value)
    for name, one in value.items():
        if not isinstance(one, (str, int, float)) or isinstance(one, bool):
            raise ValidationError(f"{name} is {type(one).__name__}; a text is expected")


def objects(value: Any) -> None:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValidationError("a JSON object is expected")


class CallShape(Shape):
    """A call that is expected."""

    contract = Id(about="endpoint name, with .operation for one of several")
    match = Anything(validate=pointers, about="JSON pointer into the body to value")
    query = Anything(validate=texts, about="query parameter to value")
    path = Anything(validate=texts, about="path parameter to value, such as customerId")
    status = Integer(about="status that the caller had; no status matches where a fault took the reply away")


class StepShape(CallShape):
    """One of a sequence."""

    contract = Id(required=True)


class CountShape(Shape):
    """How often; at least once unless given. exactly and never stand alone."""

    exactly = Integer(low=0)
    atLeast = Integer(low=0)
    atMost = Integer(low=0)
    never = Flag(validate=validate.Equal(True, error="true is expected"))


class VerifyRequest(CallShape):
    """What should have happened: a call so often, a sequence of calls (others may stand between), or both."""

    ONE_OF = ("contract", "order")
    count = Part(CountShape)
    order = Many(StepShape)
    sent = Flag(about="true: of webhooks that were sent and are delivered or have failed; contract is an event's name")


class AwaitRequest(VerifyRequest):
    """What should happen."""

    timeout = Integer(required=True, low=0, high=60_000, about="milliseconds to wait at most")


class DifferenceReply(Shape):
    """One way in which a call was another; got is left out where nothing came."""

    path = Text(required=True, about="contract, status, query/NAME, or the JSON pointer")
    expected = Anything()
    got = Anything()


class NearMiss(Shape):
    """A call that came close."""

    number = Integer(required=True)
    contract = Text(required=True)
    differences = Many(DifferenceReply, required=True)


class StepReply(Shape):
    """The first step of the sequence that did not come."""

    step = Integer(required=True, about="from 0")
    contract = Text(required=True)
    cameEarly = Integer(about="number of a call that is this step, but came before its turn")


class VerifyReply(Shape):
    """Whether it holds; what came closest where calls are missing."""

    ok = Flag(required=True)
    count = Integer(required=True, about="how many calls matched (steps, where only a sequence was asked for)")
    missing = Part(StepReply)
    nearMisses = Many(NearMiss)
    timedOut = Flag()
    unauthorized = Integer(about="where nothing came: calls since the sandbox was made whose api_key opened no sandbox")


def verify(desk: Desk, inputs: Json, body: Json) -> Reply:
    """Whether something has happened."""
    name, question, sent = desk.sandbox(inputs).space, asked(desk, body), body.get("sent", False)
    question.feed(_news(desk, name, 0, sent=sent))
    return Reply.of({**question.told(), **({} if sent else unauthorized(desk, inputs, question))})


def await_(desk: Desk, inputs: Json, body: Json) -> Reply:
    """Wait until something has happened."""
    name, question, sent = desk.sandbox(inputs).space, asked(desk, body), body.get("sent", False)
    if not _waiting.acquire(blocking=False):
        raise TooManyWaiting(headers=[("Retry-After", "1")], most=MOST_WAITING)
    try:
        held = wait(desk, name, question, time.monotonic() + body["timeout"] / 1000, sent=sent)
    finally:
        _waiting.release()
    if held:
        return Reply.of(question.told())
    return Reply.of({**question.told(), **({} if sent else unauthorized(desk, inputs, question)), "timedOut": True})


def unauthorized(desk: Desk, inputs: Json, question: Verification) -> Json:
    """Where a call is missing and none has come at all: how many came meanwhile with a key that opens no sandbox."""
    return {} if question.holds or question.last else strays(desk, desk.sandbox(inputs))


def strays(desk: Desk, sandbox: Sandbox) -> Json:
    """How many calls came since a sandbox was made with a key that opens none; nothing where none did."""
    count = desk.journal.store.count("", Filter(earliest=sandbox.created))
    return {"unauthorized": count} if count else {}


def wait(desk: Desk, name: str, question: Verification, deadline: float, *, sent: bool = False) -> bool:
    """Feed what happens until the answer is yes or time is over; an entry is read once."""
    begun = time.monotonic()
    while True:
        waited = time.monotonic() - begun
        question.feed(_news(desk, name, question.last, sent=sent))
        if question.holds:
            return True
        if (left := deadline - time.monotonic()) <= 0 or desk.stopping():
            return False
        time.sleep(min(_PAUSE + waited * _PATIENCE, _LONGEST_PAUSE, left))


def _news(desk: Desk, name: str, since: int, *, sent: bool) -> Iterable[Entry]:
    """What has happened after the entry with a number."""
    if sent:
        return entries(desk, name, since)
    return desk.journal.entries(name, Filter(since=since)) if not since or desk.journal.level(name).last > since else ()


def asked(desk: Desk, body: Json) -> Verification:
    """The question behind a body."""
    of = expected_sent if body.get("sent") else expected
    order = tuple(of(step, f"/order/{index}") for index, step in enumerate(body.get("order") or ()))
    wanted = of(body, "") if body.get("contract") else None

    return Verification(wanted, count(body.get("count") or {}), order, path_values_of(desk))


def path_values_of(desk: Desk) -> PathValues:
    """What finds the path parameters of an entry."""

    def path_values(entry: Entry) -> dict[str, str]:
        try:
            return desk.table.find(Request(entry.method, entry.path, tuple(entry.query)))[1]
        except Failure:
            return {}

    return path_values


def expected(body: Json, path: str) -> Expected:
    """One call of a question."""
    name = body["contract"]
    contracts = covered(name, f"{path}/contract")
    refuse(list(never_fits(body, _KNOWN, path)))
    query, path_values = ({key: str(value) for key, value in (body.get(part) or {}).items()} for part in ("query", "path"))
    return Expected(name, contracts, body.get("match") or {}, query, path_values, body.get("status"))


def count(body: Json, path: str = "/count") -> Count:
    """How often; what contradicts itself is refused."""
    body = without_nulls(body)
    bounds = {name for name in ("exactly", "atLeast", "atMost", "never") if name in body}
    if len(bounds) > 1 and bounds != {"atLeast", "atMost"}:
        raise BrokenRequest(errors=[{"path": path, "message": "exactly and never stand alone"}])
    if "never" in body:
        return Count(0, 0)
    if "exactly" in body:
        return Count(body["exactly"], body["exactly"])
    return Count(body.get("atLeast", 0 if "atMost" in body else 1), body.get("atMost"))


_ONE = (BrokenRequest, SandboxNotFound)
_AT = "/sandboxes/{sandbox}"
ROUTES = (
    AdminRoute(
        "VERIFY", f"POST {_AT}/verify", "Whether it happened.", verify, VerifyReply, VerifyRequest, fails=_ONE, exact=True
    ),
    AdminRoute(
        "AWAIT",
        f"POST {_AT}/await",
        "Wait until it has happened.",
        await_,
        VerifyReply,
        AwaitRequest,
        fails=(*_ONE, TooManyWaiting),
        exact=True,
    ),
)
