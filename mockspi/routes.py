"""From a method and a path to a contract: one table, made once from contracts, settings and connectors."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mockspi.contract import Contract
from mockspi.errors import MethodNotAllowed, UnknownEndpoint, UnsupportedApiVersion
from mockspi.exchange import Request

if TYPE_CHECKING:
    from mockspi.connectors import Placement

_COMPARED = 120  # how much of a path that nobody knows is looked at
RECEIVING = "webhooks"  #: below the base, where events are delivered
TOKENS = "oauth/token"  #: below the base, where tokens are fetched
_VERSION = re.compile(r"\d+(\.\d+)*\Z")


@dataclass(frozen=True)
class Route:
    """One way to reach a contract."""

    contract: Contract
    path: str
    query: tuple[tuple[str, str], ...] = ()
    kind: str = "path"  #: path, alias, sample or connector
    segments: tuple[str, ...] = field(default=())

    @cached_property
    def fixed(self) -> list[tuple[int, str]]:
        """The segments that stand in every path that leads here, the last first: there paths differ most."""
        return [(place, one) for place, one in enumerate(self.segments) if not one.startswith("{")][::-1]

    @cached_property
    def open(self) -> list[tuple[int, str]]:
        """Where its parameters are."""
        return [(place, one[1:-1]) for place, one in enumerate(self.segments) if one.startswith("{")]

    def fits(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The path parameters, or None where the path is another."""
        if len(segments) != len(self.segments):
            return None
        for place, text in self.fixed:
            if segments[place] != text:
                return None
        return {name: segments[place] for place, name in self.open}

    def filled(self, segments: Sequence[str]) -> str:
        """Its path with the parameters that a path of the same length has in their places."""
        if len(segments) != len(self.segments):
            return self.path
        pairs = zip(self.segments, segments, strict=True)
        return "/" + "/".join(segment if template.startswith("{") else template for template, segment in pairs)


class RouteTable:
    """Every route of a server."""

    def __init__(self, contracts: Sequence[Contract], base: str, versions: Sequence[str], placed: Iterable[Placement]) -> None:
        self.base, self.versions = base, tuple(versions)
        self.routes = tuple(
            Route(route.contract, route.path, route.query, route.kind, split(route.path))
            for route in _routes(contracts, base, self.versions, placed)
        )
        self._received = frozenset(f"/{'/'.join(route.segments)}" for route in self.routes if route.contract.received)
        self._plain: dict[tuple[str, ...], list[Route]] = {}
        self._by_length: dict[int, list[Route]] = {}
        for route in self.routes:
            if any(segment.startswith("{") for segment in route.segments):
                self._by_length.setdefault(len(route.segments), []).append(route)
            else:
                self._plain.setdefault(route.segments, []).append(route)

    def find(self, request: Request) -> tuple[Contract, dict[str, str]]:
        """The contract that is meant and its path parameters; a Failure that says what is there instead."""
        segments = split(request.path)
        fitting = self._fitting(segments)
        if not fitting:
            self._no_such_path(request, segments)
        method = "GET" if request.method == "HEAD" else request.method
        allowed = [(route, found) for route, found in fitting if route.contract.method == method]
        if not allowed:
            methods = ", ".join(methods_of(route for route, _ in fitting))
            wrong = {"path": "", "message": f"another method is expected: {methods}", "expected": methods, "got": request.method}
            nearest = {"contract": fitting[0][0].contract.id}
            raise MethodNotAllowed(
                method=request.method, path=request.path, headers=[("Allow", methods)], errors=[wrong | nearest]
            )
        route, found = max(allowed, key=lambda pair: _rank(pair[0], len(pair[1]), request)) if len(allowed) > 1 else allowed[0]
        return route.contract, found

    def knows(self, path: str) -> bool:
        """Whether a path leads anywhere."""
        return bool(self._fitting(split(path)))

    def receives(self, path: str) -> bool:
        """Whether events are delivered to a path."""
        return f"/{path.strip('/')}" in self._received

    def methods(self, path: str) -> list[str]:
        """The methods that a path answers, for OPTIONS."""
        return methods_of(route for route, _ in self._fitting(split(path)))

    def _fitting(self, segments: tuple[str, ...]) -> list[tuple[Route, dict[str, str]]]:
        """The routes of a path, each with its parameters; where one names more of the path, the vaguer ones do not count."""
        if plain := self._plain.get(segments):
            return [(route, {}) for route in plain]
        candidates = self._by_length.get(len(segments), ())
        found = [(route, values) for route in candidates if (values := route.fits(segments)) is not None]
        fewest = min((len(values) for _, values in found), default=0)
        return [(route, values) for route, values in found if len(values) == fewest]

    def paths(self, contract: Contract) -> list[Route]:
        """Where a contract can be reached."""
        return [route for route in self.routes if route.contract is contract]

    def _no_such_path(self, request: Request, segments: tuple[str, ...]) -> None:
        base = split(self.base)
        rest = segments[len(base) :]
        if segments[: len(base)] == base and rest and _VERSION.match(rest[0]) and rest[0] not in self.versions:
            served = ", ".join(self.versions)
            wrong = {"path": "", "message": f"{rest[0]} is no api_version that is served", "expected": served, "got": rest[0]}
            raise UnsupportedApiVersion(version=rest[0], served=served, errors=[wrong])
        got = f"{request.method} {request.path[:_COMPARED]}"
        if "/".join(segments[-2:]) == TOKENS:
            opened_by = "api_key" if request.values("api_key") else "Bearer token"
            there = f"POST {self.base}/{TOKENS} without {opened_by}"
            wrong = {"path": "", "message": f"tokens are fetched at {there}", "expected": there, "got": got}
            raise UnknownEndpoint(path=request.path, nearest=f"the token endpoint at {there}", errors=[wrong])
        route = self._nearest(request, segments)
        there = f"{route.contract.method} {route.path}"
        nearest = f"{route.contract.id} at {there}"
        wrong = {"path": "", "message": f"the nearest is {nearest}", "contract": route.contract.id, "expected": there, "got": got}
        raise UnknownEndpoint(path=request.path, nearest=nearest, errors=[wrong])

    def _nearest(self, request: Request, segments: Sequence[str]) -> Route:
        asked, first = request.path[:_COMPARED], self.versions[0] if self.versions else ""
        base = split(self.base)
        if RECEIVING in segments[len(base) : len(base) + 2] and tuple(segments[: len(base)]) == base:
            first, name = RECEIVING, segments[-1].casefold()
            for route in self.routes:
                if route.contract.received and route.kind == "path" and route.segments[-1].casefold() == name:
                    return route
        own = [route for route in self.routes if route.kind == "path" and route.path.startswith(f"{self.base}/{first}/")]

        def likeness(route: Route) -> tuple[float, bool]:
            same = [route.contract.path, route.filled(segments)]
            ratios = (difflib.SequenceMatcher(None, asked, path).ratio() for path in same)
            return round(max(ratios), 1), route.contract.method == request.method

        return max(own or self.routes, key=likeness)


def split(path: str) -> tuple[str, ...]:
    """The segments of a path; a slash at the end does not count."""
    return tuple(path.strip("/").split("/")) if path.strip("/") else ()


def methods_of(routes: Iterable[Route]) -> list[str]:
    """The methods of some routes, with the two that come for free."""
    routes = tuple(routes)
    own = {route.contract.method for route in routes}
    head = "GET" in own or any(route.contract.received for route in routes)
    return sorted(own | ({"HEAD"} if head else set()) | ({"OPTIONS"} if own else set()))


def _rank(route: Route, parameters: int, request: Request) -> tuple[bool, int, bool, int]:
    """How well a route suits: the endpoint that the query names, its static query, then fewest parameters."""
    static = 0
    if route.query:
        static = -1 if any(pair not in request.query for pair in route.query) else len(route.query)
    asked = request.values("endpoint")
    named = any(name in (route.contract.id, route.contract.name, *route.contract.also) for name in asked)
    return named, static, route.contract.name == "SEARCH_CUSTOMERS", -parameters


def _routes(contracts: Sequence[Contract], base: str, versions: Sequence[str], placed: Iterable[Placement]) -> Iterator[Route]:
    for one in placed:
        yield Route(one.contract, one.path, one.query, "connector")
    for contract in contracts:
        if contract.received:
            yield from (Route(contract, f"{base}{path}") for path in (contract.path, *contract.aliases))
            continue
        for version in versions:
            yield Route(contract, f"{base}/{version}{contract.path}")
            for alias in contract.aliases:
                yield Route(contract, f"{base}/{version}{alias}", kind="alias")
        yield Route(contract, contract.sample, kind="sample")


def sample_query(contract: Contract, contracts: Sequence[Contract]) -> Mapping[str, str]:
    """The static query that tells a contract apart where others share its sample path."""
    same = [one for one in contracts if one.sample == contract.sample and one.method == contract.method]
    return {"endpoint": contract.name} if len(same) > 1 else {}
