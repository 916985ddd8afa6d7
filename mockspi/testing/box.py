"""A sandbox in the hands of a test: its address and key, what is put into it, and what it is asked afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from mockspi.adminclient import AdminPort, Refused, at
from mockspi.exchange import Json
from mockspi.testing import telling
from mockspi.testing.addresses import address
from mockspi.testing.clock import Clock

_SLICE = 20.0  #: seconds that one await lasts at most
_PAGE = 500
_WHEN = ("match", "query", "path", "times", "probability", "ttl")


class Box:
    """One sandbox. ``base_url`` and ``api_key`` are what the code under test is configured with."""

    def __init__(self, admin: AdminPort, made: Json, base_url: str = "") -> None:
        self._admin = admin
        self._strict = False
        self.name: str = made["name"]
        self.api_key: str = made["api_key"]
        self.base_url = (base_url or str(made["baseUrl"])).rstrip("/")
        self.clock = Clock(self._ask)
        self.journal = Journal(self._ask)

    def __repr__(self) -> str:
        return f"<mockspi sandbox {self.name} at {self.base_url}>"

    @property
    def params(self) -> dict[str, str]:
        """The key as query parameters."""
        return {"api_key": self.api_key}

    def url(self, endpoint: str, **values: object) -> str:
        """The address of an endpoint, key and all: ``values`` are its path parameters, and query parameters that it knows."""
        path, query = address(endpoint, values)
        return f"{self.base_url}{path}?{urlencode([*query, *self.params.items()])}"

    def webhook_url(self, event: str) -> str:
        """The address to which an event is delivered, key and all."""
        return f"{self.base_url.rpartition('/')[0]}/webhooks/{quote(event)}?{urlencode(self.params)}"

    # --- what is put into it

    def records(self, collection: str) -> Records:
        """A collection as this sandbox sees it."""
        return Records(self._ask, collection)

    def rule(self, contract: str = "", *, name: str = "", **members: Any) -> None:
        """Add a rule: ``match``, ``query``, ``path``, ``times``, ``probability`` and ``ttl`` say when, all else what happens.

        ``box.rule("GET_CUSTOMER", path={"customerId": "C-1001"}, status=503, times={"first": 2})``
        """
        when = {member: members.pop(member) for member in _WHEN if member in members}
        when |= {"contract": contract} if contract else {}
        delay = members.get("delay")
        then = members | ({"delay": {"fixed": delay}} if isinstance(delay, (int, float)) else {})
        rule = {"when": when, "then": then} | ({"name": name} if name else {})
        self._ask("POST", "/rules", {"rules": [rule]})

    def use(self, *scenarios: str) -> None:
        """Put scenarios of the fixture set on."""
        self._ask("POST", "/scenarios", {"use": list(scenarios)})

    def reset(self, *parts: str) -> None:
        """Back to the beginning: all of it, or ``records``, ``journal``, ``rules``, ``clock``, ``webhooks``."""
        self._ask("POST", "/reset", dict.fromkeys(parts, True))

    def send(self, event: str, to: str, **more: Any) -> Json:
        """Send an event to an address, and try it at once; how it stands then.

        ``more``: ``example``, ``data``, ``set``, ``secret``, ``headers``, ``trouble``, ...
        """
        return self._ask("POST", "/webhooks", {"event": event, "to": to, **more})

    # --- what it is asked

    def verify(
        self,
        contract: str = "",
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        never: bool = False,
        match: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        path: Mapping[str, Any] | None = None,
        status: int | None = None,
        order: Sequence[Mapping[str, Any] | str] = (),
        sent: bool = False,
    ) -> int:
        """Assert that a call came, at least once unless told otherwise; how often it did.

        ``match`` is JSON pointer into the body to value; ``order`` are such calls (or endpoint names) that come one
        after another. With ``sent``: that a webhook of this event was sent, and is delivered or has failed. The
        AssertionError says what came closest.
        """
        __tracebackhide__ = True
        count = {"exactly": exactly, "atLeast": at_least, "atMost": at_most, "never": True if never else None}
        question = _question(contract, count, order, match=match, query=query, path=path, status=status, sent=sent or None)
        answer = self._ask("POST", "/verify", question)
        if not answer["ok"]:
            raise AssertionError(telling.unmet(question, answer))
        return int(answer["count"])

    def wait_for(
        self,
        contract: str = "",
        *,
        timeout: float = 10.0,
        exactly: int | None = None,
        at_least: int | None = None,
        match: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        path: Mapping[str, Any] | None = None,
        status: int | None = None,
        order: Sequence[Mapping[str, Any] | str] = (),
        sent: bool = False,
    ) -> int:
        """Wait until a call has come, ``timeout`` seconds at most; how often it did. AssertionError as with ``verify``."""
        __tracebackhide__ = True
        count = {"exactly": exactly, "atLeast": at_least}
        question = _question(contract, count, order, match=match, query=query, path=path, status=status, sent=sent or None)
        deadline = time.monotonic() + timeout
        while True:
            left = max(deadline - time.monotonic(), 0.0)
            answer = self._ask("POST", "/await", {**question, "timeout": round(min(left, _SLICE) * 1000)})
            if answer["ok"]:
                return int(answer["count"])
            if left <= _SLICE:
                raise AssertionError(telling.unmet(question, answer, f" within {timeout:g} s"))

    def events(self, event: str = "", *, status: str = "", order: str = "", sent: bool = False) -> list[Json]:
        """The events that were delivered to the sandbox, the oldest first: each once, with what came of it.

        ``status`` is applied, held, refused or kept; ``order`` an orderId. ``endpoint``, ``at``, ``duplicates``, ``reason``
        and ``findings`` tell the rest. With ``sent``: the newest 500 that the sandbox sent, with ``body`` and ``attemptLog``;
        ``status`` is waiting, delivered or failed, ``order`` what they were ordered by.
        """
        if sent:
            asked = {"event": event, "status": status, "limit": _PAGE, "body": "true"}
            told = self._ask("GET", "/webhooks", query={name: value for name, value in asked.items() if value})["webhooks"]
            return [one for one in told if order in ("", one.get("order"))]
        wanted = {"event": event, "status": status, "orderId": order, "pageSize": _PAGE}
        query, found = {name: value for name, value in wanted.items() if value}, list[Json]()
        while page := self._ask("GET", "/events", query={**query, "pageNumber": len(found) // _PAGE + 1})["events"]:
            found += page
            if len(page) < _PAGE:
                break
        return found

    def strict(self, on: bool = True) -> None:
        """At the end of the test, let every call that no contract covers be a failure."""
        self._strict = on

    def check(self) -> None:
        """What ``strict`` asks for, now."""
        __tracebackhide__ = True
        if self._strict and (found := self._ask("POST", "/strict", {}))["uncovered"]:
            raise AssertionError(telling.uncovered(found["uncovered"], found["uncoveredCount"]))

    def curl(self) -> str:
        """The last call as a command line; empty where there was none. The key is ``$MOCKSPI_API_KEY``."""
        last = self.journal.entries(last=1)
        return telling.curl(last[0], self._listens_at()) if last else ""

    def bundle(self, file: str | Path) -> str:
        """Pack everything that ``mockspi replay`` needs to make its calls again into a file; the sentence that says so."""
        from mockspi.bundle import saved  # only where it is asked for

        return saved(self._admin.lines(at(self.name, "/bundle")), Path(file))

    def delete(self) -> None:
        """Forget the sandbox and all that it wrote."""
        self._admin.call("DELETE", at(self.name))

    def _listens_at(self) -> str:
        return self.base_url

    def _ask(self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None) -> Json:
        return self._admin.call(method, at(self.name, path), body, query)


AnyBox = TypeVar("AnyBox", bound=Box)


class Records:
    """The records of one collection, the fixture set's and the sandbox's own."""

    def __init__(self, ask: Callable[..., Json], collection: str) -> None:
        self._ask = ask
        self._path = f"/records/{quote(collection, safe='')}"

    def __iter__(self) -> Iterator[Json]:
        number = 1
        while page := self._ask("GET", self._path, query={"pageNumber": number, "pageSize": _PAGE})["records"]:
            yield from page
            number += 1

    def __len__(self) -> int:
        return int(self._ask("GET", self._path, query={"pageSize": 1})["totalCount"])

    def get(self, key: str) -> Json | None:
        """One record; None where there is none."""
        try:
            found: Json = self._ask("GET", self._one(key))["record"]
        except Refused as refused:
            if refused.code == "RECORD_NOT_FOUND":
                return None
            raise
        return found

    def put(self, *records: Json) -> None:
        """Write records, each under its own key, new or not: all of them or none."""
        self._ask("PUT", self._path, {"records": list(records)})

    def delete(self, key: str) -> None:
        """Remove one record."""
        self._ask("DELETE", self._one(key))

    def _one(self, key: str) -> str:
        return f"{self._path}/{quote(key, safe='')}"


class Journal:
    """What happened in the sandbox, oldest first; ``str()`` is a table for people."""

    def __init__(self, ask: Callable[..., Json]) -> None:
        self._ask = ask

    def __iter__(self) -> Iterator[Json]:
        since = 0
        while page := self._ask("GET", "/journal", query={"since": since, "pageSize": _PAGE})["entries"]:
            yield from page
            since = page[-1]["number"]

    def __len__(self) -> int:
        return int(self._ask("GET", "/journal", query={"last": 1})["totalCount"])

    def __str__(self) -> str:
        return telling.table(self.entries(last=telling.MOST), len(self))

    def entries(self, **filters: Any) -> list[Json]:
        """The entries that ``contract``, ``path``, ``status``, ``since``, ``pointer`` and ``equals``, ``last`` mean."""
        found: list[Json] = self._ask("GET", "/journal", query={"pageSize": _PAGE, **filters})["entries"]
        return found

    def clear(self) -> None:
        """Empty it."""
        self._ask("DELETE", "/journal")


@contextmanager
def using(box: AnyBox) -> Iterator[AnyBox]:
    """A sandbox until the end of the block; if nothing else went wrong, what ``strict`` asks for is held against it."""
    try:
        yield box
        box.check()
    finally:
        box.delete()


def _question(contract: str, count: Mapping[str, Any], order: Sequence[Mapping[str, Any] | str], **call: Any) -> Json:
    asked = {name: value for name, value in call.items() if value is not None}
    bounds = {name: value for name, value in count.items() if value is not None}
    steps = [{"contract": step} if isinstance(step, str) else dict(step) for step in order]
    found = {"contract": contract} if contract else {}
    return {**found, **asked, **({"count": bounds} if bounds else {}), **({"order": steps} if steps else {})}
