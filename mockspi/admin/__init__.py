"""The admin port: one table of routes, and the one way through it. It knows no web framework."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass

from mockspi.admin import health, sandboxes
from mockspi.admin.route import AdminRoute, Desk
from mockspi.clock import random_id
from mockspi.connectors import Placement
from mockspi.contract import Contract
from mockspi.errors import Failure, InternalError, UnsupportedMediaType
from mockspi.exchange import Json, Reply, Request, without_nulls
from mockspi.routes import RouteTable
from mockspi.settings import is_loopback

ROUTES: tuple[AdminRoute, ...] = (*health.ROUTES, *sandboxes.ROUTES)
MAX_BODY = 16_777_216

log = logging.getLogger("mockspi")


class Forbidden(Failure):
    """The Host header names another machine: a web page may be calling through the user's browser."""

    status = 403
    code = "FORBIDDEN_HOST"


class TokenRequired(Failure):
    """The Authorization header lacks the admin token: ``Authorization: Bearer TOKEN``."""

    status = 401
    code = "TOKEN_REQUIRED"


@dataclass(frozen=True)
class AdminService:
    """Answers every call of the admin port."""

    desk: Desk
    token: str

    def __post_init__(self) -> None:
        routes = {route.name: route for route in ROUTES}
        contracts: dict[str, Contract] = {name: route.contract() for name, route in routes.items()}
        placed = [Placement(contract, contract.path) for contract in contracts.values()]
        object.__setattr__(self, "routes", routes)
        object.__setattr__(self, "table", RouteTable((), "", (), placed))

    routes: dict[str, AdminRoute] = None  # type: ignore[assignment]  # made in __post_init__
    table: RouteTable = None  # type: ignore[assignment]  # made in __post_init__

    def handle(self, request: Request) -> Reply:
        """The reply to a request; always one, whatever happens."""
        try:
            reply = self._answer(request)
        except Failure as failure:
            reply = refused(failure)
        except Exception:
            error_id = f"ERR-{random_id()}"
            log.exception("%s: %s %s", error_id, request.method, request.path)
            reply = refused(InternalError(errorId=error_id, extra={"errorId": error_id}))
        return reply.without_body() if request.method == "HEAD" else reply

    def _answer(self, request: Request) -> Reply:
        self._check_host(request)
        if request.path not in [route.contract().path for route in ROUTES if route.open]:
            self._check_token(request)
        contract, path = self.table.find(request)
        route = self.routes[contract.name]
        if request.body and not request.headers.get("content-type", "").lower().startswith("application/json"):
            raise UnsupportedMediaType(contentType=request.headers.get("content-type", "none"))
        inputs, body = contract.check(request, path, MAX_BODY)
        found = route.work(self.desk, inputs, body)
        return found if isinstance(found, Reply) else Reply.of(without_nulls(found), route.status)

    def _check_host(self, request: Request) -> None:
        named = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if not (is_loopback(named.strip("[]")) or named == self.desk.settings.admin_host):
            raise Forbidden

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self.token.encode()):
            raise TokenRequired(headers=[("WWW-Authenticate", "Bearer")])


def refused(failure: Failure) -> Reply:
    """A failure in the shape that the SPIs use too; what it says is its description and its facts."""
    about = " ".join((failure.__doc__ or "").split())
    facts = "; ".join(f"{name}: {value}" for name, value in failure.facts.items())
    body: Json = {"errorCode": failure.code, "errorMessage": f"{about} ({facts})" if facts else about}
    if failure.errors:
        body["errors"] = failure.errors
    return Reply.of({**body, **failure.extra}, failure.status, failure.headers)
