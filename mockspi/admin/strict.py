"""The strict question at the end of a test: was there any call that no contract or expectation covers?"""

from __future__ import annotations

from collections.abc import Sequence

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.admin.verify import CallShape, CountShape, DifferenceReply, NearMiss, count, expected, path_values_of, strays
from mockspi.errors import BrokenRequest
from mockspi.exchange import Json, Reply
from mockspi.journal import Entry
from mockspi.schema import Anything, Flag, Id, Integer, Many, Part, Shape, Text, validate
from mockspi.store.rows import Filter
from mockspi.verifying import Verification

_MOST_EXPECTED, _MOST_TOLD = 200, 100


class ExpectShape(CallShape):
    """A call that is expected, and how often; at least once unless given."""

    contract = Id(required=True)
    count = Part(CountShape)


class StrictRequest(Shape):
    """An empty object asks of the contracts only."""

    expect = Many(
        ExpectShape, validate=validate.Length(0, _MOST_EXPECTED), about="every call must be one of these; without it any may come"
    )


class UncoveredReply(Shape):
    """A call that nothing covers."""

    number = Integer(required=True)
    contract = Text(required=True, about="empty where the call met none")
    method = Text(required=True)
    path = Text(required=True)
    status = Integer(required=True)
    why = Text(required=True)
    errors = Anything(about="of the reply, where it was refused: the same as the caller got")
    expect = Integer(about="index of the expectation that came closest")
    differences = Many(DifferenceReply, about="from that expectation")


class UnmetReply(Shape):
    """An expectation that does not hold."""

    expect = Integer(required=True, about="its index")
    contract = Text(required=True)
    count = Integer(required=True, about="how many calls matched")
    nearMisses = Many(NearMiss)


class StrictReply(Shape):
    """Whether every call was covered and every expectation held; of very many uncovered calls the first are told."""

    ok = Flag(required=True)
    calls = Integer(required=True, about="how many were looked at")
    dropped = Integer(required=True, about="how many the journal had dropped: nothing is known of those")
    uncoveredCount = Integer(required=True)
    uncovered = Many(UncoveredReply, required=True)
    unmet = Many(UnmetReply, required=True)
    unauthorized = Integer(about="where no call came: those since the sandbox was made whose api_key opened no sandbox")


def check(desk: Desk, inputs: Json, body: Json) -> Reply:
    """Look at every call that the journal holds."""
    space, wanted = desk.sandbox(inputs).space, body.get("expect")
    asked = [
        Verification(
            expected(one, f"/expect/{index}"), count(one.get("count") or {}, f"/expect/{index}/count"), (), path_values_of(desk)
        )
        for index, one in enumerate(wanted or ())
    ]
    calls, uncovered, many = 0, [], 0
    for entry in desk.journal.entries(space, Filter()):
        calls += 1
        for one in asked:
            one.feed([entry])
        if wrong := uncovered_by(entry, asked, only=wanted is not None):
            many += 1
            uncovered += [wrong] if many <= _MOST_TOLD else []
    unmet = [{"expect": index, **told(one)} for index, one in enumerate(asked) if not one.holds]
    dropped = desk.journal.level(space).dropped
    found: Json = {"ok": not many and not unmet, "calls": calls, "dropped": dropped, "uncoveredCount": many}
    stray = {} if calls else strays(desk, desk.sandbox(inputs))
    return Reply.of({**found, "uncovered": uncovered, "unmet": unmet, **stray})


def told(question: Verification) -> Json:
    """An expectation that does not hold."""
    answer = question.told()
    answer.pop("ok")
    return {"contract": question.wanted.contract if question.wanted else "", **answer}


def uncovered_by(entry: Entry, asked: Sequence[Verification], *, only: bool) -> Json:
    """What is told of a call that nothing covers; nothing where something does.

    A call that was refused is covered by an expectation that names its status, and by no other.
    """
    why, refused = refusal(entry)
    near: list[tuple[int, int, list[Json]]] = []
    for index, one in enumerate(asked):
        if one.wanted is None:
            continue
        found = one.wanted.differences(entry, one.path_values)
        if not found and (not why or one.wanted.status == entry.outcome):
            return {}
        near.append((len(found), index, found))
    if not why and not only:
        return {}
    facts = {"number": entry.number, "contract": entry.contract, "method": entry.method, "path": entry.path}
    shown: Json = {**facts, "status": entry.status, "why": why or "no expectation covers it", **refused}
    if near and not why:
        _, index, differences = min(near, key=lambda one: one[:2])
        shown |= {"expect": index, "differences": differences}
    return shown


def refusal(entry: Entry) -> tuple[str, Json]:
    """Why a call was not what a contract promises, with the errors that its caller got; nothing where a rule answered it."""
    if entry.rule or entry.status < 400:
        return "", {}
    reply = entry.reply_body if isinstance(entry.reply_body, dict) else {}
    errors = {"errors": reply["errors"]} if reply.get("errors") else {}
    code = reply.get("errorCode", entry.status)
    if entry.status >= 500:
        return f"mockspi failed: {code}", errors
    return (f"no contract: {code}" if not entry.contract else f"the contract refused it: {code}"), errors


ROUTES = (
    AdminRoute(
        "CHECK_STRICTLY",
        "POST /sandboxes/{sandbox}/strict",
        "Whether any call came that no contract or expectation covers, and whether every expectation holds.",
        check,
        StrictReply,
        StrictRequest,
        fails=(BrokenRequest, SandboxNotFound),
        exact=True,
    ),
)
