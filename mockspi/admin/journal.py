"""The journal over the admin port: read, exported and emptied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from mockspi.admin import har
from mockspi.admin.following import Following, TooManyFollowing
from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.contracts import TABLE
from mockspi.errors import BrokenRequest
from mockspi.exchange import Json, Reply
from mockspi.journal import Entry, lines
from mockspi.rules.matching import at, same, tokens
from mockspi.sandbox import Sandbox
from mockspi.schema import Anything, Choice, Integer, Many, Moment, Number, Shape, Text, did_you_mean, validate
from mockspi.store.rows import Filter

_LARGEST_PAGE = 500
_POINTER = validate.Regexp(r"/", error="a JSON pointer such as /body/email is expected")


class JournalQuery(Shape):
    """Which entries; all that is named must hold."""

    contract = Text(about="endpoint name, with .operation for one of several; none for calls that met no contract")
    path = Text(about="the exact path of the call")
    status = Integer(about="status of the reply as it was made, whatever a fault did to it on its way")
    since = Integer(low=0, about="only entries with a greater number")
    pointer = Text(validate=_POINTER, about="JSON pointer into the entry, such as /body/email or /reply/body/errorCode")
    equals = Text(about="what stands at the pointer, as text or as JSON")
    findings = Choice("true", about="only entries with findings")
    last = Integer(low=1, high=_LARGEST_PAGE, about="only so many of the newest, instead of a page")
    pageNumber = Integer(low=1, about="from 1, which holds the oldest")
    pageSize = Integer(low=1, high=_LARGEST_PAGE, about="100 unless given")
    format = Choice("json", "ndjson", "har", about="ndjson and har bring every entry that is meant, page or not")
    follow = Choice("true", about="with ndjson: go on with those that come; an empty line every second says that it does")


class FindingReply(Shape):
    """Something noteworthy about an exchange."""

    code = Text(required=True)
    message = Text(required=True)
    path = Text(about="JSON pointer into the body")


class EntryReply(Shape):
    """One exchange; secrets are masked, ``bodyCut`` is the size of a body of which only the beginning is kept."""

    number = Integer(required=True)
    time = Moment(required=True, about="real time of the reply")
    clock = Moment(required=True, about="the same in the sandbox's time")
    sandbox = Text(required=True)
    contract = Text(required=True, about="empty where no contract was found")
    method = Text(required=True)
    path = Text(required=True)
    query = Anything(required=True, about="name to value, to a list where a name came several times")
    headers = Anything(required=True)
    body = Anything(about="JSON, or text where it is none")
    bodyCut = Integer()
    reply = Anything(required=True, about="status, headers, body")
    milliseconds = Number(required=True)
    rule = Text(required=True, about="name of the rule that acted; empty for none")
    trouble = Anything(about="delay and fault that a rule put in the way of the reply")
    findings = Many(FindingReply, required=True)


class JournalReply(Shape):
    """Some entries, oldest first."""

    entries = Many(EntryReply, required=True)
    totalCount = Integer(required=True, about="how many are meant")
    dropped = Integer(required=True, about="how many older ones had to go since the last reset")
    lastNumber = Integer(required=True, about="of the newest entry; the next since")


def read(desk: Desk, inputs: Json, _: Json) -> Json | Reply:
    """The journal of a sandbox."""
    return shown(desk, desk.sandbox(inputs).space, inputs)


def read_refused(desk: Desk, inputs: Json, _: Json) -> Json | Reply:
    """The calls whose api_key opened no sandbox."""
    return shown(desk, "", inputs)


def clear(desk: Desk, inputs: Json, _: Json) -> Json:
    """Empty the journal of a sandbox."""
    sandbox = desk.sandbox(inputs)
    return {"done": f"{sandbox.name}: {empty(desk, sandbox)} journal entries dropped"}


def empty(desk: Desk, sandbox: Sandbox, *, records_too: bool = False) -> int:
    """Empty the journal of a sandbox; the rules that stay on are noted at its new beginning."""
    kept = desk.rules.kept(sandbox.space)
    rules, scenarios = [one["rule"] for one in kept["rules"]], [one["name"] for one in kept["scenarios"]]
    dropped = desk.journal.store.clear(sandbox.space, whole=records_too and not rules and not scenarios)
    if rules:
        note(desk, sandbox, "PUT /sandboxes/{sandbox}/rules", {}, {"rules": rules})
    if scenarios:
        note(desk, sandbox, "POST /sandboxes/{sandbox}/scenarios", {}, {"use": scenarios})
    return dropped


def note(desk: Desk, sandbox: Sandbox, call: str, query: Json, body: Json) -> None:
    """Keep a call of the admin port that changed what a sandbox answers."""
    desk.journal.store.note(sandbox.space, {"call": call, "query": query, "body": body, "time": desk.real()})


def clear_refused(desk: Desk, _: Json, __: Json) -> Json:
    """Forget the calls whose api_key opened no sandbox."""
    return {"done": f"{desk.journal.store.clear('')} journal entries dropped"}


def shown(desk: Desk, sandbox: str, inputs: Json) -> Json | Reply:
    """The entries that a query means, in the format that it asks for."""
    if ("pointer" in inputs) is not ("equals" in inputs):
        raise BrokenRequest(errors=[{"path": "/pointer", "message": "pointer and equals come together"}])
    wanted, form = chosen(inputs), inputs.get("format", "json")
    if "follow" in inputs and form != "ndjson":
        raise BrokenRequest(errors=[{"path": "/follow", "message": "only ndjson can be followed; add format=ndjson"}])
    if form == "ndjson":
        pieces = followed(desk, sandbox, wanted, inputs) if "follow" in inputs else lines(matching(desk, sandbox, wanted, inputs))
        return Reply(200, headers=(("Content-Type", "application/x-ndjson"),), chunks=pieces)
    if form == "har":
        root = "{0.scheme}://{0.netloc}".format(urlsplit(desk.base_url))
        pieces = har.written(matching(desk, sandbox, wanted, inputs), root)
        return Reply(200, headers=(("Content-Type", "application/json"),), chunks=pieces)
    level = desk.journal.level(sandbox)
    entries, total = page(desk, sandbox, wanted, inputs)
    last = max([level.last, *(one.number for one in entries)])
    told = {"entries": [one.told() for one in entries], "totalCount": total, "dropped": level.dropped, "lastNumber": last}
    return Reply.of(told)


def followed(desk: Desk, sandbox: str, wanted: Filter, inputs: Json) -> Following:
    """The entries that are meant, and those that come; ``last`` narrows the first of them."""
    asked, seen = dict(inputs), wanted.since

    def more() -> Iterator[bytes]:
        nonlocal seen
        level = desk.journal.level(sandbox).last
        if level > seen:
            yield from lines(matching(desk, sandbox, replace(wanted, since=seen, until=level), asked))
            seen = level
            asked.pop("last", None)

    return Following(more, desk.stopping)


def page(desk: Desk, sandbox: str, wanted: Filter, inputs: Json) -> tuple[list[Entry], int]:
    """Some of the entries that are meant, and how many there are."""
    size = inputs.get("last") or inputs.get("pageSize", 100)
    start = (inputs.get("pageNumber", 1) - 1) * size
    if "pointer" in inputs:
        found = list(matching(desk, sandbox, wanted, inputs))
        return (found[-size:] if "last" in inputs else found[start : start + size]), len(found)
    journal, total = desk.journal, desk.journal.store.count(sandbox, wanted)
    return (journal.newest(sandbox, wanted, size) if "last" in inputs else journal.page(sandbox, wanted, start, size)), total


def matching(desk: Desk, sandbox: str, wanted: Filter, inputs: Json) -> Iterator[Entry]:
    """Every entry that is meant; the newest only where ``last`` says so."""
    if "last" in inputs and "pointer" not in inputs:
        yield from desk.journal.newest(sandbox, wanted, inputs["last"])
        return
    for one in desk.journal.entries(sandbox, wanted):
        if "pointer" not in inputs or equals(at(one.told(), tokens(inputs["pointer"])), inputs["equals"]):
            yield one


def equals(found: Any, text: str) -> bool:
    """Whether a value is what a query says, as text or as JSON."""
    if found == text:
        return True
    try:
        return same(json.loads(text), found)
    except ValueError:
        return False


def chosen(inputs: Json) -> Filter:
    """The part of a query that the store can answer."""
    contracts = None
    if name := inputs.get("contract"):
        contracts = frozenset({""}) if name == "none" else covered(name, "/contract")
    return Filter(inputs.get("since", 0), contracts, inputs.get("path"), inputs.get("status"), "findings" in inputs)


def covered(name: str, path: str) -> frozenset[str]:
    """The ids of the contracts that a name means; unknown ones are refused with the nearest."""
    found = frozenset(one.id for one in TABLE if name in (one.id, one.name, *one.also))
    if not found:
        near = did_you_mean(name.upper(), [known for one in TABLE for known in (one.id, *one.also)])
        raise BrokenRequest(errors=[{"path": path, "message": f"no endpoint is called {name!r}{near}"}])
    return found


_ONE = (BrokenRequest, SandboxNotFound)
_AT = "/sandboxes/{sandbox}"
ROUTES = (
    AdminRoute(
        "GET_JOURNAL",
        f"GET {_AT}/journal",
        "What happened.",
        read,
        JournalReply,
        query=JournalQuery,
        fails=(*_ONE, TooManyFollowing),
    ),
    AdminRoute("CLEAR_JOURNAL", f"DELETE {_AT}/journal", "Empty the journal.", clear, Done, fails=_ONE),
    AdminRoute(
        "GET_REFUSED",
        "GET /journal",
        "Calls whose api_key opened no sandbox.",
        read_refused,
        JournalReply,
        query=JournalQuery,
        fails=(BrokenRequest, TooManyFollowing),
    ),
    AdminRoute("CLEAR_REFUSED", "DELETE /journal", "Forget those calls.", clear_refused, Done, fails=()),
)
