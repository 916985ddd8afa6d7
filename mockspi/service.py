"""The one way through: guard, route, check, answer, check the reply. It knows no web framework."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from mockspi.clock import Clock
from mockspi.contract import Call, Contract, Policy
from mockspi.errors import Failure, InternalError, MethodNotAllowed, Refusal
from mockspi.exchange import Exchange, Json, Reply, Request, without_nulls
from mockspi.messages import Messages
from mockspi.routes import RouteTable
from mockspi.store.base import Store

log = logging.getLogger("mockspi")

UNAUTHORIZED = Reply(401)


@dataclass(frozen=True, slots=True)
class Service:
    """Answers every call. ``keys`` maps sandbox names to api_keys; ``notice`` hears of every exchange."""

    keys: Mapping[str, str]
    table: RouteTable
    store: Store
    messages: Messages
    clock: Clock
    policy: Policy
    max_body: int
    notice: Callable[[Exchange], None] | None = None
    pages: Mapping[str, Callable[[Request], Reply]] = field(default_factory=dict)  #: what is served beside the contracts

    def handle(self, request: Request) -> Reply:
        """The reply to a request; always one, whatever happens."""
        start = perf_counter()
        sandbox = self.guard(request)
        contract, reply = (None, UNAUTHORIZED) if sandbox is None else self._admitted(request, sandbox)
        if request.method == "HEAD":
            reply = reply.without_body()
        if self.notice:
            name = contract.id if contract else ""
            self.notice(Exchange(name, request, reply, sandbox or "", (perf_counter() - start) * 1000))
        return reply

    def guard(self, request: Request) -> str | None:
        """The sandbox that the api_key opens; every key is compared, in a time that tells nothing."""
        given = set(request.values("api_key"))
        if len(given) != 1:
            return None
        key = given.pop().encode("utf-8", "surrogatepass")
        opened = None
        for name, known in self.keys.items():
            if hmac.compare_digest(key, known.encode()):
                opened = name
        return opened

    def _admitted(self, request: Request, sandbox: str) -> tuple[Contract | None, Reply]:
        contract: Contract | None = None
        try:
            if request.path in self.pages:
                return None, self._page(request)
            if request.method == "OPTIONS" and (methods := self.table.methods(request.path)):
                return None, Reply(204, headers=(("Allow", ", ".join(methods)),))
            contract, path = self.table.find(request)
            return contract, self._answer(contract, request, path, sandbox)
        except Failure as failure:
            return contract, self._refusal(contract, request, failure)
        except Exception:  # noqa: BLE001  # the last door: whatever it is, the caller gets a reply
            return contract, self._refusal(None, request, self._defect(contract, request, "", exc_info=True))

    def _page(self, request: Request) -> Reply:
        allowed = (("Allow", "GET, HEAD, OPTIONS"),)
        if request.method == "OPTIONS":
            return Reply(204, headers=allowed)
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(method=request.method, path=request.path, headers=allowed)
        return self.pages[request.path](request)

    def _answer(self, contract: Contract, request: Request, path: Mapping[str, str], sandbox: str) -> Reply:
        inputs, body = contract.check(request, path, self.max_body)
        text = self.messages.speak(request)
        with self.store.write(sandbox) if contract.writes else nullcontext(self.store.read(sandbox)) as records:
            found = contract.answer(Call(inputs, body, records, self.clock, text, self.policy))
            return found if isinstance(found, Reply) else self._checked(contract, request, without_nulls(found))

    def _checked(self, contract: Contract, request: Request, document: Json) -> Reply:
        """The reply, or the defect: raised, so that what was written with it is undone."""
        if wrong := contract.check_reply(document):
            raise self._defect(contract, request, "; ".join(f"{one.path}: {one.message}" for one in wrong))
        return Reply.of(document)

    def _refusal(self, contract: Contract | None, request: Request, failure: Failure) -> Reply:
        body: Json = {
            "errorCode": failure.code,
            "errorMessage": self.messages.speak(request)(failure.code, **failure.facts),
        }
        if isinstance(failure, Refusal) and contract:
            body.update(contract.refused())
        if failure.errors:
            body["errors"] = failure.errors
        body.update(failure.extra)
        return Reply.of(without_nulls(body), failure.status, failure.headers)

    def _defect(self, contract: Contract | None, request: Request, wrong: str, **options: Any) -> InternalError:
        """A fault of ours: the caller gets an id, the log gets the rest."""
        error_id = self.clock.new_id("ERR")
        name = contract.id if contract else "no contract"
        log.error("%s: %s %s (%s) %s", error_id, request.method, request.path, name, wrong, **options)
        return InternalError(errorId=error_id, extra={"errorId": error_id})
