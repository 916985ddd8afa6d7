"""What was sent, in the shape in which tests ask about calls: each webhook that is delivered or has failed is one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mockspi.admin.route import Desk
from mockspi.errors import BrokenRequest, UsageError
from mockspi.exchange import Json
from mockspi.journal import Entry
from mockspi.store.outbox_log import Delivery, Wanted
from mockspi.verifying import Expected
from mockspi.webhooks.asking import events_named
from mockspi.webhooks.making import chosen


def expected(body: Json, path: str) -> Expected:
    """One webhook of a question; ``contract`` is the name of an event."""
    wrong = [name for name in ("query", "path") if body.get(name)]
    if wrong:
        raise BrokenRequest(errors=[{"path": f"{path}/{name}", "message": "a webhook that was sent has none"} for name in wrong])
    try:
        name = chosen(body["contract"]).name
    except UsageError as error:
        raise BrokenRequest(errors=[{"path": f"{path}/contract", "message": str(error)}]) from error
    return Expected(body["contract"], frozenset(events_named(name)), body.get("match") or {}, status=body.get("status"))


def entries(desk: Desk, space: str, since: int) -> Iterator[Entry]:
    """Those that were finished after the one with this number, in that order."""
    for one in desk.sender.outbox.search(Wanted(space=space, done_after=since)):
        yield _entry(one)


def _entry(one: Delivery) -> Entry:
    return Entry(
        number=one.done or 0, time=one.at, clock=one.at, sandbox=one.space, contract=one.event,
        method=json.loads(one.target)["method"], path=one.url, query=(), headers={}, body=json.loads(one.body),
        status=one.status or 0, reply_headers=(), reply_body=None, milliseconds=0.0, rule="", findings=[], cut={}, trouble={},
    )  # fmt: skip
