"""What a rule looks like, and everything that can be wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockspi.conforming import faults
from mockspi.exchange import Json, encode
from mockspi.rules.known import Known
from mockspi.schema import (
    Anything,
    Choice,
    Integer,
    Many,
    Number,
    Part,
    Problem,
    Shape,
    Text,
    did_you_mean,
    escape,
)

LONGEST = 600_000  #: milliseconds; no rule holds a call for longer than ten minutes
ACTIONS = ("reply", "error", "status", "quota", "fault", "dribble")
_POINTER = re.compile(r"(/([^~]|~[01])*)?\Z", re.DOTALL)
_HEADER, _HEADER_TEXT = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z"), re.compile(r"[\t\x20-\x7e\xa0-\xff]*\Z")
_SERVERS_OWN = ("content-length", "transfer-encoding", "connection")


class Members(Shape):
    """An object with any members."""

    OPEN = True


class Times(Shape):
    """Which of the calls that match are meant; one of these."""

    first = Integer(low=1, about="only the first n")
    after = Integer(low=0, about="all but the first n")
    every = Integer(low=1, about="every nth")


class When(Shape):
    """What a call must look like; every member that is given must hold, none means every call."""

    contract = Text(about="endpoint name, with .operation where only one is meant")
    match = Part(Members, about="JSON pointer into the body, then its value; null is a member that is not there")
    query = Part(Members, about="query parameter, then its value")
    path = Part(Members, about="path parameter, then its value")
    times = Part(Times)
    probability = Number(low=0, high=1, about="drawn from the sandbox's seed, where it has one")
    ttl = Integer(low=1, about="milliseconds of real time after which the rule is over")


class RuleReply(Shape):
    """A reply, not held to the contract; a body that is a text goes out as it stands."""

    status = Integer(low=200, high=599)
    headers = Part(Members)
    body = Anything()


class Quota(Shape):
    """So many calls in a window of the sandbox's time; the next gets 429."""

    limit = Integer(low=0, required=True)
    window = Integer(low=1, required=True, about="milliseconds")


class Dribble(Shape):
    """So many bytes at a time."""

    bytes = Integer(low=1, high=1_048_576, required=True)
    interval = Number(low=0, high=LONGEST, required=True, about="milliseconds")


class Lognormal(Shape):
    """As latencies are: mostly about the median, at times much longer."""

    median = Number(low=0, high=LONGEST, required=True)
    sigma = Number(low=0, high=5, required=True)


class Delay(Shape):
    """How long, in milliseconds; one of these."""

    fixed = Number(low=0, high=LONGEST)
    uniform = Many(Number(low=0, high=LONGEST), about="from, to")
    lognormal = Part(Lognormal)


class Then(Shape):
    """What happens: one of these, and perhaps a delay; a delay alone leaves the answer as it is."""

    reply = Part(RuleReply)
    error = Text(about="a code that the contract may answer with")
    extra = Part(Members, about="with error: further members of the body")
    status = Integer(low=400, high=599)
    retryAfter = Integer(low=0, about="with status: seconds")
    quota = Part(Quota)
    fault = Choice("reset", "empty", "truncate", "garbage", "timeout")
    dribble = Part(Dribble)
    delay = Part(Delay, error_messages={"type": 'one of fixed, uniform, lognormal is expected, such as {"fixed": 200}'})


class RuleShape(Shape):
    """When, then."""

    name = Text(about="how the journal calls it")
    when = Part(When)
    then = Part(Then, required=True)


class Scenario(Shape):
    """A named set of rules."""

    schema_ = Text(data_key="$schema")
    about = Text(required=True, about="what it shows")
    rules = Many(RuleShape, required=True)


def check(rule: Any, known: Known) -> list[Problem]:
    """Everything that is wrong with a rule."""
    if found := faults(RuleShape, rule):
        return found
    return [*_when(rule.get("when", {}), known), *check_then(rule["then"], rule.get("when", {}).get("contract"), known)]


def check_then(then: Json, contract: str | None, known: Known, path: str = "/then") -> Iterator[Problem]:
    """What is wrong with what a rule does, beyond its shape."""
    actions = [name for name in ACTIONS if name in then]
    if len(actions) > 1 or not (actions or "delay" in then):
        came = f"; {' and '.join(actions)} came" if actions else ""
        yield Problem(path, f"one of {', '.join(ACTIONS)} is expected, or a delay{came}")
    for name, owner in (("extra", "error"), ("retryAfter", "status")):
        if name in then and owner not in then:
            yield Problem(f"{path}/{name}", f"goes with {owner!r} only")
    yield from _error(then, contract, known, path)
    yield from _delay(then.get("delay"), f"{path}/delay")
    yield from _reply(then.get("reply", {}), f"{path}/reply")
    yield from _sendable(then.get("extra", {}), f"{path}/extra")


def _when(when: Json, known: Known) -> Iterator[Problem]:
    if (name := when.get("contract")) is not None and name not in known.names:
        yield Problem("/when/contract", f"no contract is called {name!r}{did_you_mean(name, known.names)}")
    yield from never_fits(when, known, "/when")
    for pointer in when.get("match", {}):
        if not _POINTER.match(pointer):
            yield Problem(f"/when/match/{escape(pointer)}", "a JSON pointer is expected, such as /profile/email")
    for part in ("query", "path"):
        for member, value in when.get(part, {}).items():
            if isinstance(value, (dict, list)) or value is None:
                yield Problem(f"/when/{part}/{escape(member)}", "a text, a number or true or false is expected")
    if "times" in when and len(when["times"]) != 1:
        yield Problem("/when/times", "one of first, after, every is expected")


def never_fits(when: Json, known: Known, path: str) -> Iterator[Problem]:
    """What no call to the contract that is named, or to any, can have."""
    name = when.get("contract")
    ids = known.ids(name)
    if not ids:
        return
    parameters = sorted(frozenset[str]().union(*(known.parameters[one] for one in ids)))
    for member in when.get("path") or {}:
        if member not in parameters:
            hint = did_you_mean(member, parameters) or f"; known: {', '.join(parameters) or 'none'}"
            whose = f"{name} has no" if name else "no contract has a"
            yield Problem(f"{path}/path/{escape(member)}", f"{whose} path parameter {member!r}{hint}")
    if when.get("match") and not ids & known.reading:
        yield Problem(f"{path}/match", f"{name} has no body, so nothing in it can match; 'path' and 'query' look at the rest")


def _error(then: Json, contract: str | None, known: Known, path: str) -> Iterator[Problem]:
    code = then.get("error")
    if code is None or (contract is not None and contract not in known.names):
        return
    codes = known.codes(contract)
    if code not in codes:
        whose = f"{contract} does not answer with" if contract else "no contract answers with"
        yield Problem(f"{path}/error", f"{whose} {code!r}{did_you_mean(code, codes) or '; known: ' + ', '.join(sorted(codes))}")


def _delay(delay: Json | None, path: str) -> Iterator[Problem]:
    if delay is None:
        return
    if len(delay) != 1:
        yield Problem(path, "one of fixed, uniform, lognormal is expected")
    bounds = delay.get("uniform", [0, 0])
    if len(bounds) != 2 or bounds[0] > bounds[1]:
        yield Problem(f"{path}/uniform", "two numbers are expected, the smaller first")


def _reply(reply: Json, path: str) -> Iterator[Problem]:
    for name, value in reply.get("headers", {}).items():
        where = f"{path}/headers/{escape(name)}"
        if not _HEADER.match(name) or not isinstance(value, str) or not _HEADER_TEXT.match(value):
            yield Problem(where, "a header name and a text on one line are expected")
        elif name.lower() in _SERVERS_OWN:
            yield Problem(where, "the server sends this header itself")
    if reply.get("status") in (204, 304) and "body" in reply:
        yield Problem(f"{path}/body", f"a reply with status {reply['status']} has no body")
    yield from _sendable(reply.get("body"), f"{path}/body")


def _sendable(value: Any, path: str) -> Iterator[Problem]:
    try:
        encode(value)
    except ValueError as error:
        yield Problem(path, f"this cannot be sent: {error}")


def check_all(rules: list[Any], known: Known, path: str = "/rules") -> list[Problem]:
    """Everything that is wrong with a list of rules."""
    return [Problem(f"{path}/{index}{one.path}", one.message) for index, rule in enumerate(rules) for one in check(rule, known)]


def plain(value: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Query or path parameters as they stand in a URL."""
    return tuple((name, str(one).lower() if isinstance(one, bool) else str(one)) for name, one in value.items())
