"""The admin port: one table of routes, and the one way through it. It knows no web framework."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import socket
from contextlib import suppress

from mockspi.admin import (
    bundles,
    clocks,
    connectors,
    events,
    fixtures,
    health,
    invariants,
    journal,
    loyalty,
    metrics,
    orders,
    records,
    rules,
    sandboxes,
    snapshots,
    strict,
    verify,
    webhooks,
)
from mockspi.admin.route import AdminRoute, Desk
from mockspi.admin.telling import refused
from mockspi.clock import random_id
from mockspi.connectors import Placement
from mockspi.contract import read_body, refuse
from mockspi.errors import Failure, InternalError, UnsupportedMediaType
from mockspi.exchange import Reply, Request, without_nulls
from mockspi.routes import RouteTable
from mockspi.schema import Problem, Strangers, did_you_mean, escape
from mockspi.settings import is_loopback

ROUTES: tuple[AdminRoute, ...] = (
    *health.ROUTES,
    *metrics.ROUTES,
    *fixtures.ROUTES,
    *sandboxes.ROUTES,
    *clocks.ROUTES,
    *snapshots.ROUTES,
    *records.ROUTES,
    *rules.ROUTES,
    *journal.ROUTES,
    *verify.ROUTES,
    *webhooks.ROUTES,
    *strict.ROUTES,
    *bundles.ROUTES,
    *orders.ROUTES,
    *events.ROUTES,
    *invariants.ROUTES,
    *loyalty.ROUTES,
    *connectors.ROUTES,
)
MAX_BODY = 16_777_216
_STRANGERS = Strangers()

log = logging.getLogger("mockspi")


class Forbidden(Failure):
    """The Host header names another machine: a web page may be calling through the user's browser."""

    status = 403
    code = "FORBIDDEN_HOST"


class TokenRequired(Failure):
    """The Authorization header lacks the admin token."""

    status = 401
    code = "TOKEN_REQUIRED"


class AdminService:
    """Answers every call of the admin port."""

    def __init__(self, desk: Desk, token: str) -> None:
        self._desk = desk
        self._token = token.encode()
        self._routes = {route.name: route for route in ROUTES}
        contracts = [route.contract() for route in ROUTES]
        self._open = {contract.path for contract in contracts if self._routes[contract.name].open}
        self._table = RouteTable((), "", (), [Placement(contract, contract.path) for contract in contracts])

    def handle(self, request: Request) -> Reply:
        """The reply to a request; always one, whatever happens."""
        try:
            reply = self._answer(request)
        except Failure as failure:
            reply = refused(failure)
        except Exception:
            error_id = f"ERR-{random_id()}"
            log.exception("%s: admin port: %s %s", error_id, request.method, request.path)
            reply = refused(InternalError(errorId=error_id, extra={"errorId": error_id}))
        return reply.without_body() if request.method == "HEAD" else reply

    def admits(self, request: Request) -> bool:
        """Whether a caller may be listened to: nobody else makes us wait for a body."""
        with suppress(Failure):
            self._check(request)
            return True
        return False

    def _answer(self, request: Request) -> Reply:
        self._check(request)
        contract, path = self._table.find(request)
        route = self._routes[contract.name]
        if not route.open:  # who asks for health may bring what he likes
            refuse(strange_query(route, request))
        media = request.headers.get("content-type", "none").partition(";")[0].strip().lower()
        if request.body and media != "application/json":
            raise UnsupportedMediaType(contentType=media)
        inputs, body = contract.check(request, path, MAX_BODY)
        if route.query and request.headers.get("accept") == "application/x-ndjson" and route.reply is journal.JournalReply:
            inputs.setdefault("format", "ndjson")
        if route.body:
            refuse(_STRANGERS.find(route.body, body))
        if route.exact:
            body = read_body(request, MAX_BODY, required=True)
        sandbox = self._desk.sandbox(inputs) if route.noted else None
        found = route.work(self._desk, inputs, body)
        if sandbox:
            asked = {name: value for name, value in inputs.items() if name != "sandbox"}
            journal.note(self._desk, sandbox, route.call, asked, body)
        return found if isinstance(found, Reply) else Reply.of(without_nulls(found), route.status)

    def _check(self, request: Request) -> None:
        self._check_host(request)
        if request.path not in self._open:
            self._check_token(request)

    def _check_host(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if not is_named(host, self._desk.settings.admin_host):
            raise Forbidden(host=host or "nothing")

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._token) or scheme.lower() != "bearer":
            raise TokenRequired(headers=[("WWW-Authenticate", "Bearer")])


def strange_query(route: AdminRoute, request: Request) -> list[Problem]:
    """The query parameters that a route does not know."""
    known = list(route.query.fields) if route.query else []
    strange = [name for name, _ in request.query if name not in known]
    return [Problem(f"/{escape(name)}", f"unknown query parameter {name!r}{did_you_mean(name, known)}") for name in strange]


def is_named(host: str, bound: str) -> bool:
    """Whether a Host header names this machine as one that listens on ``bound`` may be called.

    A page of another site reaches a loopback address through a name of its own (DNS rebinding), never through an
    address or a name without a dot. Where other machines are let in, addresses and such names are theirs to use.
    """
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/\s]+)(:\d+)?", host)
    if found is None:
        return False
    name = found[1].strip("[]").lower()
    if is_loopback(name) or name == bound.lower():
        return True
    return not is_loopback(bound) and (_is_address(name) or "." not in name or name == socket.gethostname().lower())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
