"""The one way through: guard, route, check, answer, check the reply. It knows no web framework."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from mockspi.clock import WatchedClock, random_id
from mockspi.contract import Call, Contract, Policy, read_leniently
from mockspi.editions import Edition
from mockspi.errors import BrokenRequest, Failure, InternalError, MethodNotAllowed, Refusal, WouldWait
from mockspi.exchange import Exchange, Json, Reply, Request, without_nulls
from mockspi.routes import RouteTable
from mockspi.rules.judging import Judge, Ruling
from mockspi.rules.matching import Asked
from mockspi.sandbox import Sandbox
from mockspi.settings import MAIN
from mockspi.tokens import MOST as MOST_FOR_A_TOKEN
from mockspi.tokens import Tokens
from mockspi.webhooks.happening import Happened, Watched
from mockspi.webhooks.receiving import Doorkeeper, NotHeard

if TYPE_CHECKING:
    from mockspi.connectors import Placement
    from mockspi.webhooks import emitting

log = logging.getLogger("mockspi")

UNAUTHORIZED = Reply(401, lasting=True)
NOT_HEARD = "DELIVERY_NOT_HEARD"  #: the code of a finding: why nobody's connector was meant
_NOBODY = Sandbox("", "")


@dataclass(frozen=True, slots=True)
class _Visit:
    """Whose call it is, what is served to it, and at which moment of real time all of it happens."""

    sandbox: Sandbox
    edition: Edition
    real: int
    findings: list[Json] = field(default_factory=list)  #: what is noteworthy about it, for the journal
    happened: Happened | None = None  #: what it does to the retail world, where events follow from that


@dataclass(frozen=True, slots=True)
class Service:
    """Answers every call. ``opened_by`` knows the sandbox of an api_key, ``editions`` what is served under the name of a
    fixture set.

    Every exchange is kept by ``journal``, which is told whether it may wait, before ``notices`` hear of it.
    """

    opened_by: Callable[[str], Sandbox | None]
    table: RouteTable
    editions: Callable[[str], Edition]
    real: Callable[[], int]
    policy: Policy
    max_body: int
    journal: Callable[[Exchange, bool], None] | None = None
    notices: tuple[Callable[[Exchange], None], ...] = ()
    rules: Judge | None = None
    pages: Mapping[str, Callable[[Request], Reply]] = field(default_factory=dict)  #: what is served beside the contracts
    outbox: emitting.Add | None = None  #: where the events go that a call causes
    doorkeeper: Doorkeeper | None = None  #: who delivers events without an api_key
    tokens: Tokens | None = None  #: what opens a sandbox in the place of its api_key
    own: Callable[[Sequence[Json]], Iterable[Placement]] = lambda _: ()  #: where connectors of a sandbox's own put events
    patient: bool = True  #: whether it may wait for others who write

    def at_once(self) -> Service:
        """The same where nobody may wait, for calls that write no records: ``handle`` raises WouldWait, and nothing was done."""
        return replace(self, rules=self.rules.at_once() if self.rules else None, patient=False)

    def handle(self, request: Request) -> Reply:
        """The reply to a request; always one, whatever happens."""
        return self.answered(request)[0].reply

    def answered(self, request: Request) -> tuple[Exchange, Sandbox | None]:
        """The exchange that a request makes, and whose it is. The whole call happens at one moment of time."""
        start, real = perf_counter(), self.real()
        contract: Contract | None = None
        rule, findings, happened = "", list[Json](), None
        sandbox, reply = self.opened(request, real, findings)
        if sandbox is not None:
            happened = Happened() if sandbox.connectors and self.outbox else None
            contract, reply, rule = self._served(request, sandbox, real, findings, happened)
        if request.method == "HEAD":
            reply = reply.without_body()
        owner, name, milliseconds = sandbox or _NOBODY, contract.id if contract else "", (perf_counter() - start) * 1000
        clock = owner.timing.now(real)
        exchange = Exchange(name, request, reply, owner.name, owner.space, milliseconds, real, clock, rule, findings)
        if happened is not None:
            self._emit(exchange, contract, happened, owner)
        else:
            self._tell(exchange)
        return exchange, sandbox

    def _emit(self, exchange: Exchange, contract: Contract | None, happened: Happened, sandbox: Sandbox) -> None:
        """The exchange is told, and what it causes is put into the outbox, where nobody may wait for us meanwhile."""
        from mockspi.webhooks import emitting  # heavy: only for sandboxes with connectors

        found = emitting.safely(
            lambda: emitting.emitted(exchange, contract, happened, sandbox.connectors), sandbox, exchange.contract
        )
        if found and not self.patient:
            raise WouldWait  # before anything was told
        self._tell(exchange)
        if self.outbox:
            emitting.enqueue(found, sandbox, self.outbox)

    def _tell(self, exchange: Exchange) -> None:
        """Before the reply goes out. A token that was issued is nobody's call."""
        if self.journal and (exchange.sandbox or exchange.reply.status >= 400):
            self.journal(exchange, self.patient)
        for notice in self.notices:
            notice(exchange)

    def opened(self, request: Request, real: int, findings: list[Json]) -> tuple[Sandbox | None, Reply]:
        """The sandbox, and what is answered where there is none."""
        try:
            sandbox = self._heard(request, self.guard(request), real)
        except NotHeard as reason:
            findings.append({"code": NOT_HEARD, "message": str(reason)})
            return None, UNAUTHORIZED
        except Failure as failure:  # a key may open a sandbox of its own, and there may be too many
            return None, self._refusal(None, request, failure, _Visit(_NOBODY, self.editions(MAIN), 0))
        if sandbox is None and self.tokens and request.path in self.tokens.paths:
            return None, self.tokens.issue(request)
        return sandbox, UNAUTHORIZED

    def _heard(self, request: Request, known: Sandbox | None, real: int) -> Sandbox | None:
        """The sandbox of a call, of which the api_key opens one or none."""
        if self.doorkeeper is None or not self._receives(request.path, known):
            return known
        return self.doorkeeper.opened(request, known, real)

    def _receives(self, path: str, known: Sandbox | None) -> bool:
        """Whether events are delivered to a path, of the sandbox that is known or of any."""
        if self.table.knows(path):
            return self.table.receives(path)
        return self._table(path, known).receives(path) if known else bool(self.doorkeeper and self.doorkeeper.maps(path))

    def _table(self, path: str, sandbox: Sandbox) -> RouteTable:
        """Where a path leads: in the server's table, else in that of the sandbox's own connectors."""
        if not sandbox.own or self.table.knows(path):
            return self.table
        own = RouteTable((), self.table.base, (), self.own(sandbox.own))
        return own if own.knows(path) else self.table

    def guard(self, request: Request) -> Sandbox | None:
        """The sandbox that the api_key opens; keys are found by their hash, in a time that tells nothing. Else a token's."""
        given = set(request.values("api_key"))
        if len(given) == 1:
            return self.opened_by(given.pop())
        return self.tokens.opened_by(request) if self.tokens and not given else None

    def reads(self, request: Request) -> int:
        """How many bytes of a body are waited for: none of who may not call."""
        if self.guard(request) is not None:
            return self.max_body
        if self.doorkeeper and self._receives(request.path, None):
            return self.max_body if self.doorkeeper.expects(request) else 0
        return MOST_FOR_A_TOKEN if self.tokens and request.path in self.tokens.paths else 0

    def _served(
        self, request: Request, sandbox: Sandbox, real: int, findings: list[Json], happened: Happened | None
    ) -> tuple[Contract | None, Reply, str]:
        """The same as ``_admitted``, from one edition of the sandbox's fixture set."""
        try:
            edition = self.editions(sandbox.fixtures)
        except Failure as failure:
            return None, self._refusal(None, request, failure, _Visit(sandbox, self.editions(MAIN), real)), ""
        contract, reply, rule = self._admitted(request, _Visit(sandbox, edition, real, findings, happened))
        if edition.note:
            reply = replace(reply, headers=(*reply.headers, ("Mockspi-Fixtures", edition.note)))
        return contract, reply, rule

    def _admitted(self, request: Request, visit: _Visit) -> tuple[Contract | None, Reply, str]:
        """The contract, the reply, and the name of the rule that acted."""
        contract: Contract | None = None
        ruling: Ruling | None = None
        try:
            if request.path in self.pages:
                return None, self._page(request), ""
            table = self._table(request.path, visit.sandbox)
            if request.method == "OPTIONS" and (methods := table.methods(request.path)):
                return None, Reply(204, headers=(("Allow", ", ".join(methods)),)), ""
            if request.method == "HEAD" and table.receives(request.path):
                return None, Reply(200), ""  # how a sender asks whether somebody is there
            contract, path = table.find(request)
            asked = Asked(contract.id, path, request.query, lambda: read_leniently(request, self.max_body))
            ruling = self._ruling(asked, request, visit)
            if ruling and (told := ruling.reply(asked)):
                stands = self._stands(contract, ruling, asked, visit)
                reply = replace(told, lasting=stands, regardless=stands)
            else:
                reply = self._answer(contract, request, path, visit)
                if reply.lasting and self.rules and not self.rules.rests(asked, visit.sandbox, visit.edition.book):
                    reply = replace(reply, lasting=False)
        except Failure as failure:
            reply = self._refusal(contract, request, failure, visit)
        except WouldWait:
            raise
        except Exception:  # noqa: BLE001  # the last door: whatever it is, the caller gets a reply
            reply = self._refusal(None, request, self._defect(contract, request, "", exc_info=True), visit)
        return contract, ruling.spoil(reply) if ruling else reply, ruling.name if ruling else ""

    def _stands(self, contract: Contract, ruling: Ruling, asked: Asked, visit: _Visit) -> bool:
        """Whether the reply of a rule is all that a call causes, each time."""
        if not self.rules or contract.received or visit.sandbox.connectors:
            return False
        return self.rules.stands(ruling, asked, visit.sandbox, visit.edition.book)

    def _ruling(self, asked: Asked, request: Request, visit: _Visit) -> Ruling | None:
        return self.rules.ruling(asked, visit.sandbox, request, visit.edition.book, visit.real) if self.rules else None

    def _page(self, request: Request) -> Reply:
        allowed = (("Allow", "GET, HEAD, OPTIONS"),)
        if request.method == "OPTIONS":
            return Reply(204, headers=allowed)
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(method=request.method, path=request.path, headers=allowed)
        return self.pages[request.path](request)

    def _answer(self, contract: Contract, request: Request, path: Mapping[str, str], visit: _Visit) -> Reply:
        if contract.streams and not self.patient:
            raise WouldWait
        inputs, body = contract.check(request, path, self.max_body)
        visit.findings.extend(contract.findings(body))
        sandbox, store = visit.sandbox, visit.edition.store
        text = visit.edition.messages.speak(request, sandbox.locale)
        view = (store.write if contract.writes else store.view)(sandbox.space)
        noted = Happened()
        with view as seen:
            records = seen if visit.happened is None else Watched(seen, noted)
            clock = WatchedClock(sandbox.clock(records.next_number, visit.real))
            call = Call(inputs, body, records, clock.handed, text, self.policy, request.headers, visit.findings)
            found = contract.answer(call)
            reply = found if isinstance(found, Reply) else self._checked(contract, request, found)
        if visit.happened is not None:  # only what was not undone
            visit.happened.add(noted)
        reads = request.method in ("GET", "POST") and not contract.writes
        lasting = reads and not sandbox.connectors and not clock.asked and reply.chunks is None
        return reply if reply.lasting == lasting else replace(reply, lasting=lasting)

    def _checked(self, contract: Contract, request: Request, found: Json) -> Reply:
        """The reply, or the defect: raised, so that what was written with it is undone."""
        document, reply = Reply.without_nulls(found)
        if wrong := contract.check_reply(document):
            raise self._defect(contract, request, "; ".join(f"{one.path}: {one.message}" for one in wrong))
        return reply

    def _refusal(self, contract: Contract | None, request: Request, failure: Failure, visit: _Visit) -> Reply:
        text = visit.edition.messages.speak(request, visit.sandbox.locale)
        body: Json = {"errorCode": failure.code, "errorMessage": text(failure.code, **failure.facts)}
        if isinstance(failure, Refusal) and contract:
            body.update(contract.refused())
        if failure.errors:
            teach = visit.edition.teacher if isinstance(failure, BrokenRequest) else None
            body["errors"] = teach.taught(contract, request, failure.errors) if teach else failure.errors
        body.update(failure.extra)
        return Reply.of(without_nulls(body), failure.status, failure.headers)

    def _defect(self, contract: Contract | None, request: Request, wrong: str, **options: Any) -> InternalError:
        """A fault of ours: the caller gets an id, the log gets the rest."""
        error_id = f"ERR-{random_id()}"
        name = contract.id if contract else "no contract"
        log.error("%s: %s %s (%s) %s", error_id, request.method, request.path, name, wrong, **options)
        return InternalError(errorId=error_id, extra={"errorId": error_id})
