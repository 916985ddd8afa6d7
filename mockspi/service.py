"""The one way through: guard, route, check, answer, check the reply. It knows no web framework."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from mockspi.clock import random_id
from mockspi.contract import Call, Contract, Policy, read_leniently
from mockspi.errors import Failure, InternalError, MethodNotAllowed, Refusal
from mockspi.exchange import Exchange, Json, Reply, Request, without_nulls
from mockspi.messages import Messages
from mockspi.routes import RouteTable
from mockspi.rules.judging import Judge, Ruling
from mockspi.rules.matching import Asked
from mockspi.sandbox import Sandbox
from mockspi.store.base import Store

log = logging.getLogger("mockspi")

UNAUTHORIZED = Reply(401)
_NOBODY = Sandbox("", "")


@dataclass(frozen=True, slots=True)
class Service:
    """Answers every call. ``opened_by`` knows the sandbox of an api_key; ``notices`` hear of every exchange."""

    opened_by: Callable[[str], Sandbox | None]
    table: RouteTable
    store: Store
    messages: Messages
    real: Callable[[], int]
    policy: Policy
    max_body: int
    notices: tuple[Callable[[Exchange], None], ...] = ()
    rules: Judge | None = None
    pages: Mapping[str, Callable[[Request], Reply]] = field(default_factory=dict)  #: what is served beside the contracts

    def handle(self, request: Request) -> Reply:
        """The reply to a request; always one, whatever happens."""
        start = perf_counter()
        sandbox, reply = self.opened(request)
        contract: Contract | None = None
        rule = ""
        if sandbox is not None:
            contract, reply, rule = self._admitted(request, sandbox)
        if request.method == "HEAD":
            reply = reply.without_body()
        if self.notices:
            self._tell(contract, request, reply, sandbox, (perf_counter() - start) * 1000, rule)
        return reply

    def _tell(
        self, contract: Contract | None, request: Request, reply: Reply, sandbox: Sandbox | None, milliseconds: float, rule: str
    ) -> None:
        """The exchange, for the log and the journal, before the reply goes out."""
        real = self.real()
        owner, name = sandbox or _NOBODY, contract.id if contract else ""
        clock = owner.timing.now(real)
        exchange = Exchange(name, request, reply, owner.name, owner.space, milliseconds, real, clock, rule)
        for notice in self.notices:
            notice(exchange)

    def opened(self, request: Request) -> tuple[Sandbox | None, Reply]:
        """The sandbox, and what is answered where there is none."""
        try:
            return self.guard(request), UNAUTHORIZED
        except Failure as failure:  # a key may open a sandbox of its own, and there may be too many
            return None, self._refusal(None, request, failure, _NOBODY)

    def guard(self, request: Request) -> Sandbox | None:
        """The sandbox that the api_key opens; keys are found by their hash, in a time that tells nothing."""
        given = set(request.values("api_key"))
        return self.opened_by(given.pop()) if len(given) == 1 else None

    def _admitted(self, request: Request, sandbox: Sandbox) -> tuple[Contract | None, Reply, str]:
        """The contract, the reply, and the name of the rule that acted."""
        contract: Contract | None = None
        ruling: Ruling | None = None
        try:
            if request.path in self.pages:
                return None, self._page(request), ""
            if request.method == "OPTIONS" and (methods := self.table.methods(request.path)):
                return None, Reply(204, headers=(("Allow", ", ".join(methods)),)), ""
            contract, path = self.table.find(request)
            asked = Asked(contract.id, path, request.query, lambda: read_leniently(request, self.max_body))
            ruling = self.rules.ruling(asked, sandbox, request) if self.rules else None
            reply = (ruling.reply(asked) if ruling else None) or self._answer(contract, request, path, sandbox)
        except Failure as failure:
            reply = self._refusal(contract, request, failure, sandbox)
        except Exception:  # noqa: BLE001  # the last door: whatever it is, the caller gets a reply
            reply = self._refusal(None, request, self._defect(contract, request, "", exc_info=True), sandbox)
        return contract, ruling.spoil(reply) if ruling else reply, ruling.name if ruling else ""

    def _page(self, request: Request) -> Reply:
        allowed = (("Allow", "GET, HEAD, OPTIONS"),)
        if request.method == "OPTIONS":
            return Reply(204, headers=allowed)
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(method=request.method, path=request.path, headers=allowed)
        return self.pages[request.path](request)

    def _answer(self, contract: Contract, request: Request, path: Mapping[str, str], sandbox: Sandbox) -> Reply:
        inputs, body = contract.check(request, path, self.max_body)
        text = self.messages.speak(request, sandbox.locale)
        view = (self.store.write if contract.writes else self.store.view)(sandbox.space)
        with view as records:
            clock = sandbox.clock(records.next_number, self.real)
            found = contract.answer(Call(inputs, body, records, clock, text, self.policy))
            return found if isinstance(found, Reply) else self._checked(contract, request, without_nulls(found))

    def _checked(self, contract: Contract, request: Request, document: Json) -> Reply:
        """The reply, or the defect: raised, so that what was written with it is undone."""
        if wrong := contract.check_reply(document):
            raise self._defect(contract, request, "; ".join(f"{one.path}: {one.message}" for one in wrong))
        return Reply.of(document)

    def _refusal(self, contract: Contract | None, request: Request, failure: Failure, sandbox: Sandbox) -> Reply:
        body: Json = {
            "errorCode": failure.code,
            "errorMessage": self.messages.speak(request, sandbox.locale)(failure.code, **failure.facts),
        }
        if isinstance(failure, Refusal) and contract:
            body.update(contract.refused())
        if failure.errors:
            body["errors"] = failure.errors
        body.update(failure.extra)
        return Reply.of(without_nulls(body), failure.status, failure.headers)

    def _defect(self, contract: Contract | None, request: Request, wrong: str, **options: Any) -> InternalError:
        """A fault of ours: the caller gets an id, the log gets the rest."""
        error_id = f"ERR-{random_id()}"
        name = contract.id if contract else "no contract"
        log.error("%s: %s %s (%s) %s", error_id, request.method, request.path, name, wrong, **options)
        return InternalError(errorId=error_id, extra={"errorId": error_id})
