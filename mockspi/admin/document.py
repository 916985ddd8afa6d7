"""The admin port as OpenAPI 3.1, from its one table of routes."""

from __future__ import annotations

import warnings
from typing import Any

import mockspi
from mockspi import openapi
from mockspi.admin import ROUTES, Forbidden, TokenRequired
from mockspi.admin.route import AdminRoute
from mockspi.admin.telling import status_of
from mockspi.contracts.common import BrokenReply
from mockspi.errors import BrokenRequest, Failure, RequestTooLarge, UnsupportedMediaType
from mockspi.exchange import Json
from mockspi.schema.marshalled import schema_of

_ABOUT = """Sandboxes, their clocks, rules and journals, over a port of its own.

Every call but those under `/health` needs the token that `mockspi serve` prints, as `Authorization: Bearer TOKEN`.
Times are epoch milliseconds UTC, lengths of time are milliseconds. What goes wrong is told in the shape that the
SPIs use: `errorCode`, `errorMessage` and, where a request is at fault, `errors`."""
_TAGS = {"Sandboxes": "What an api_key opens.", "Server": "The server as a whole."}


def document(base: str = "http://127.0.0.1:8081") -> Json:
    """The document of every admin route."""
    spec = openapi.new_spec("The admin port of mockspi", _ABOUT, mockspi.__version__)
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # two shapes of one name would silently become Name1
        for path, routes in _by_path().items():
            operations = {one.contract().method.lower(): operation(one) for one in routes}
            spec.path(path=path, operations=operations)
    spec.options["servers"] = [{"url": base, "description": "mockspi serve"}]
    spec.options["security"] = [{"token": []}]
    spec.options["tags"] = [{"name": name, "description": about} for name, about in _TAGS.items()]
    return dict(_without_sources(spec.to_dict()))


def operation(route: AdminRoute) -> Json:
    """One route as an OpenAPI operation."""
    contract = route.contract()
    found: Json = {
        "operationId": route.name,
        "tags": ["Sandboxes" if contract.path.startswith("/sandboxes") else "Server"],
        "summary": route.about,
        "parameters": [one for one in openapi.parameters(contract) if one["name"] != "locale"],
        "responses": responses(route),
    }
    if route.body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema_of(route.body)}}}
    if route.open:
        found["security"] = []
    return found


def responses(route: AdminRoute) -> Json:
    """Success, then each failure under its status, with the codes that it may have."""
    schema: Any = schema_of(route.reply) if route.reply else {"type": "string"}
    about = openapi.summary(route.reply) if route.reply else "Text."
    found: Json = {str(route.status): {"description": about, "content": {route.media: {"schema": schema}}}}
    sized = (RequestTooLarge, UnsupportedMediaType) if route.body else ()
    guarded: tuple[type[Failure], ...] = (Forbidden,) if route.open else (Forbidden, TokenRequired)
    asked = (BrokenRequest,) if route.body or route.query else ()
    by_status: dict[int, list[type[Failure]]] = {}
    for failure in dict.fromkeys((*route.fails, *asked, *guarded, *sized)):
        by_status.setdefault(status_of(failure), []).append(failure)
    for status, failures in sorted(by_status.items()):
        told = "\n".join(f"- `{one.code}`: {openapi.about(one)}" for one in failures)
        found[str(status)] = {"description": told, "content": {"application/json": {"schema": schema_of(BrokenReply)}}}
    return found


def _by_path() -> dict[str, list[AdminRoute]]:
    found: dict[str, list[AdminRoute]] = {}
    for route in ROUTES:
        found.setdefault(route.contract().path, []).append(route)
    return found


def _without_sources(value: Any) -> Any:
    """Where a fact comes from is a question of the vendor's interface; all of this one is ours."""
    if isinstance(value, dict):
        return {name: _without_sources(member) for name, member in value.items() if name != "x-source"}
    return [_without_sources(member) for member in value] if isinstance(value, list) else value
