"""The one way through: guard, route, check, answer, check the reply. It knows no web framework."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from mockspi.clock import random_id
from mockspi.contract import Call, Contract, Policy
from mockspi.errors import Failure, InternalError, Refusal
from mockspi.exchange import Exchange, Json, Reply, Request, without_nulls
from mockspi.messages import Messages
from mockspi.routes import RouteTable
from mockspi.sandbox import Sandbox
from mockspi.store.base import Store

log = logging.getLogger("mockspi")

UNAUTHORIZED = Reply(401)


@dataclass(frozen=True, slots=True)
class Service:
    """Answers every call. ``opened_by`` knows the sandbox of an api_key; ``notice`` hears of every exchange."""

    opened_by: Callable[[str], Sandbox | None]
    table: RouteTable
    store: Store
    messages: Messages
    real: Callable[[], int]
    policy: Policy
    max_body: int
    notice: Callable[[Exchange], None] | None = None

    def handle(self, request: Request) -> Reply:
        """The reply to a request; always one, whatever happens."""
        start = perf_counter()
        sandbox = self.guard(request)
        contract, reply = (None, UNAUTHORIZED) if sandbox is None else self._admitted(request, sandbox)
        if request.method == "HEAD":
            reply = reply.without_body()
        if self.notice:
            name = contract.id if contract else ""
            opened = sandbox.name if sandbox else ""
            self.notice(Exchange(name, request, reply, opened, (perf_counter() - start) * 1000))
        return reply

    def guard(self, request: Request) -> Sandbox | None:
        """The sandbox that the api_key opens; keys are found by their hash, in a time that tells nothing."""
        given = set(request.values("api_key"))
        return self.opened_by(given.pop()) if len(given) == 1 else None

    def _admitted(self, request: Request, sandbox: Sandbox) -> tuple[Contract | None, Reply]:
        contract: Contract | None = None
        try:
            if request.method == "OPTIONS" and (methods := self.table.methods(request.path)):
                return None, Reply(204, headers=(("Allow", ", ".join(methods)),))
            contract, path = self.table.find(request)
            return contract, self._answer(contract, request, path, sandbox)
        except Failure as failure:
            return contract, self._refusal(contract, request, failure, sandbox)
        except Exception:  # noqa: BLE001  # the last door: whatever it is, the caller gets a reply
            return contract, self._refusal(None, request, self._defect(contract, request, "", exc_info=True), sandbox)

    def _answer(self, contract: Contract, request: Request, path: Mapping[str, str], sandbox: Sandbox) -> Reply:
        inputs, body = contract.check(request, path, self.max_body)
        text = self.messages.speak(request, sandbox.locale)
        view = self.store.write(sandbox.name) if contract.writes else nullcontext(self.store.read(sandbox.name))
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
