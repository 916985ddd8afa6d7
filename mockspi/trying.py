"""Connectors tried out: does the receiver answer, does the token endpoint give a token, does mockspi answer at an SPI's URL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mockspi import building, connectors, examples, settings
from mockspi.clock import system_now
from mockspi.connectors.checking import meant
from mockspi.connectors.references import broken
from mockspi.connectors.shapes import OAUTH, WEBHOOK
from mockspi.contracts import SPIS
from mockspi.errors import UsageError
from mockspi.exchange import Exchange, Json
from mockspi.fixtures.reading import sample_set
from mockspi.schema import did_you_mean
from mockspi.service import Service
from mockspi.webhooks import oauth
from mockspi.webhooks.message import Heard, Message, Target, Wire
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.profiles import PROFILES
from mockspi.webhooks.references import resolved
from mockspi.webhooks.subscriptions import target, token_of

_PATIENCE = 10_000  #: milliseconds
_KEY = "a-key-to-try"
_UNWANTED = (401, 403, 404, 405, 407)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: whether it went well, and what came back."""

    connector: str
    check: str
    ok: bool
    said: str

    def told(self) -> Json:
        """For programs."""
        return asdict(self)


def tried(file: Path, name: str, allow: Sequence[str]) -> Iterator[Check]:
    """What comes of every connector of a file, or of the one with this endpoint name."""
    known = connectors.loaded(file)
    wanted = [one for one in known if name in ("", one["endpointName"])]
    if not wanted:
        names = [one["endpointName"] for one in known]
        raise UsageError(f"{file} has no connector {name!r}{did_you_mean(name, names)}; it has {', '.join(names) or 'none'}")
    outbound = Outbound(allow)
    spis = [one for one in wanted if one["connectorType"] != WEBHOOK and one["endpointName"] != OAUTH]
    answers = _Answers(file) if spis else None
    for one in wanted:
        if wrong := [Check(one["endpointName"], each.path, ok=False, said=each.message) for each in broken(one)]:
            yield from wrong
        elif answers and one in spis:
            yield from answers.of(one)
        elif one["endpointName"] == OAUTH:
            config = {"url": one["apiEndpoint"], "secretHeaders": one.get("jsonHeaders", {}), **one.get("oauthConfig", {})}
            yield _token(OAUTH, Target(one["apiEndpoint"], "", OAUTH, oauth=config), outbound)
        else:
            yield from _webhook(known, one, outbound)


def _webhook(known: Sequence[Json], connector: Json, outbound: Outbound) -> Iterator[Check]:
    """HEAD or OPTIONS, the token, and an empty object, sent as an event is."""
    name, event = connector["endpointName"], next(meant(connector)).events[0]
    where = target(known, connector, event)
    try:
        where = resolved(where, os.environ)
        outbound.check(where.url)
        heard = [outbound.send(Wire(method, (), b""), where.url, _PATIENCE) for method in ("HEAD", "OPTIONS")]
        there = any(one.status is not None and one.status < 400 for one in heard)
        yield Check(name, "HEAD or OPTIONS", there, ", ".join(map(_told, heard)))
        if token_of(known, connector):
            fetched = _token(name, where, outbound)
            yield fetched
            if not fetched.ok:
                return
            where = replace(where, headers={**where.headers, **oauth.authorization(where, outbound, system_now())})
        yield _probe(name, event.id, where, outbound)
    except UsageError as error:
        yield Check(name, "sending", ok=False, said=str(error))


def _probe(name: str, event: str, where: Target, outbound: Outbound) -> Check:
    """An empty object with the connector's headers and signature: it changes nothing, but shows who is let in."""
    message = Message(f"probe-{uuid.uuid4()}", event, {}, where, system_now())
    wire = PROFILES[where.profile].compose(message, system_now(), where.secret)
    heard = outbound.send(replace(wire, headers=(*wire.headers, ("Mockspi-Probe", "true"))), where.url, _PATIENCE)
    ok = heard.status is not None and heard.status < 500 and heard.status not in _UNWANTED and not 300 <= heard.status < 400
    verdict = PROFILES[where.profile].judge(heard)
    if heard.status is not None and 200 <= heard.status < 300 and not verdict.delivered:
        return Check(name, f"{where.method} {{}}", ok=False, said=f"{_told(heard)}: {verdict.reason}")
    return Check(name, f"{where.method} {{}}", ok, _told(heard))


def _token(name: str, where: Target, outbound: Outbound) -> Check:
    try:
        _, until = oauth.fetched(where.oauth or {}, outbound, now := system_now())
    except UsageError as error:
        return Check(name, "token", ok=False, said=str(error))
    return Check(name, "token", ok=True, said=f"a token for {max(0, until - now) // 1000} s")


def _told(heard: Heard) -> str:
    return f"{heard.status} in {heard.milliseconds} ms" if heard.status is not None else heard.error or "no answer"


class _Answers:
    """A mockspi in this process under the URLs of a file, that keeps nothing."""

    def __init__(self, file: Path) -> None:
        own = {"state": settings.MEMORY, "connectors": str(file), "api_key": (f"trying={_KEY}",)}
        self._kept: list[Exchange] = []
        house = building.build(settings.load(own, {}))
        self._service: Service = house.service(self._kept.append)
        self._table = house.table()

    def of(self, connector: Json) -> Iterator[Check]:
        """The first example of each of its operations, where the connector puts it."""
        name = connector["endpointName"]
        for contract in (one for one in SPIS if name in (one.id, one.name, *one.also)):
            route = next(one for one in self._table.paths(contract) if one.kind == "connector")
            example = examples.of(contract, sample_set().examples())[0]
            asked = examples.request(example, "", _KEY, path=route.path, extra=dict(route.query))
            reply = self._service.handle(asked)
            met = self._kept[-1].contract
            said = f"{reply.status} by {met or 'no contract'}"
            yield Check(name, f"{asked.method} {route.path}", met == contract.id and reply.status == example.status, said)
