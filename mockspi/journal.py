"""What happened: each exchange as the journal keeps it, secrets masked and long bodies cut, and as it is told again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mockspi.contract import parse, unpack
from mockspi.errors import Failure, StoreBusy, StoreFull, UsageError
from mockspi.exchange import LOST, Exchange, Json, encode
from mockspi.masking import masked_body, masked_header, masked_path, masked_query, sound
from mockspi.store.happened import Happened
from mockspi.store.journal import JournalStore, Unwritten
from mockspi.store.rows import Filter, Level, Row
from mockspi.store.staged import Group

PROBE = "mockspi-ready"  # how the launcher asks whether requests are answered; nobody's call
MIXED = "MIXED_API_VERSIONS"
EVERYTHING = Filter()
STREAMED = -1  #: the size of a reply of which only the beginning is known when it is kept
_PAGE = 200
_MISSED = (Unwritten, StoreBusy, StoreFull, UsageError)  #: why an exchange is not kept
_SAME = 64  #: heads of requests and replies of which it is remembered how they are kept

log = logging.getLogger("mockspi")


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange that happened; times in epoch milliseconds. A body is JSON where it could be read, else text."""

    number: int
    time: int
    clock: int
    sandbox: str
    contract: str
    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: Any
    status: int
    reply_headers: Sequence[tuple[str, str]]
    reply_body: Any
    milliseconds: float
    rule: str
    findings: list[Json]
    cut: Mapping[str, int]  #: full sizes of the bodies that were too long to keep: ``request``, ``reply`` (or STREAMED)
    trouble: Json

    def asked(self) -> Json:
        """The query by name; several values of one name as a list."""
        found: Json = {}
        for name, value in self.query:
            found[name] = value if name not in found else [*_listed(found[name]), value]
        return found

    @property
    def outcome(self) -> int | str:
        """What the caller had of it: the status, or the fault that took the reply away."""
        fault = str(self.trouble.get("fault", ""))
        return fault if fault in LOST else self.status

    def told(self) -> Json:
        """The entry as JSON; ``bodyCut`` is the full size of a body of which only the beginning is kept, ``streamed`` that
        nobody knew its size.
        """
        cut = {side: {"streamed": True} if size == STREAMED else {"bodyCut": size} for side, size in self.cut.items()}
        sent = {} if self.body is None else {"body": self.body}
        came = {} if self.reply_body is None else {"body": self.reply_body}
        headers = dict(self.reply_headers)
        return {
            "number": self.number,
            "time": self.time,
            "clock": self.clock,
            "sandbox": self.sandbox,
            "contract": self.contract,
            "method": self.method,
            "path": self.path,
            "query": self.asked(),
            "headers": dict(self.headers),
            **sent,
            **cut.get("request", {}),
            "reply": {"status": self.status, "headers": headers, **came, **cut.get("reply", {})},
            "milliseconds": self.milliseconds,
            "rule": self.rule,
            **({"trouble": self.trouble} if self.trouble else {}),
            "findings": self.findings,
        }


@dataclass(frozen=True, slots=True)
class Journal:
    """The journals of all sandboxes; calls that opened none are kept under the empty name."""

    store: JournalStore
    most_body: int
    base: str
    versions: Sequence[str]
    before: Callable[[str, bool], None] = lambda *_: None  #: brings what happened in a space before; may raise WouldWait
    later: Callable[[Exchange], bool] = lambda _: False  #: whether it is written with others, soon and before it is read

    def write(self, exchange: Exchange, wait: bool = True) -> None:
        """Keep an exchange, or raise WouldWait where that cannot be done at once and nobody may ``wait``.

        A journal that cannot be written to is told in the log, and the caller never notices.
        """
        if exchange.request.headers.get("user-agent") == PROBE and not exchange.sandbox:
            return
        if self.later(exchange):
            return
        self.before(exchange.space, wait)
        try:
            findings = self._findings(exchange, wait)
            self.store.add(exchange.space, row(exchange, findings, self.most_body), wait=wait)
        except _MISSED as error:
            log.error("an exchange of sandbox %s is missing in the journal: %s", exchange.sandbox or "(none)", error)

    def write_again(self, space: str, happened: Sequence[Happened], skipped: int, wait: bool = True) -> None:
        """The same for exchanges that are like others before; ``skipped`` happened before them and would not stay."""
        try:
            self.store.add_again(space, happened, skipped, wait=wait)
        except _MISSED as error:
            self._missing(space, len(happened), error)

    def stage(self, groups: Sequence[Group], wait: bool = True) -> None:
        """The same where others answer too; whoever reads them puts them in order."""
        try:
            self.store.stage(groups, wait=wait)
        except _MISSED as error:
            for space, happened, _ in groups:
                self._missing(space, len(happened), error)

    def _missing(self, space: str, many: int, error: Exception) -> None:
        name = space.partition("~")[0] or "(none)"
        log.error("%s exchanges of sandbox %s are missing in the journal: %s", many, name, error)

    def merge(self, space: str | None, until: int, wait: bool = True) -> None:
        """Put what was staged until then in order; what cannot be now will be later."""
        try:
            self.store.merge(space, until, wait=wait)
        except _MISSED as error:
            log.error("the journal cannot be put in order: %s", error)

    def entries(self, sandbox: str, wanted: Filter) -> Iterator[Entry]:
        """All entries that are meant, oldest first; read in pages, so that nobody waits for the reader."""
        return (entry(sandbox, one) for one in self.rows(sandbox, wanted))

    def page(self, sandbox: str, wanted: Filter, offset: int, limit: int) -> list[Entry]:
        """Some of them."""
        return [entry(sandbox, one) for one in self.store.rows(sandbox, wanted, offset, limit)]

    def newest(self, sandbox: str, wanted: Filter, limit: int) -> list[Entry]:
        """The last of them, oldest first."""
        return [entry(sandbox, one) for one in self.store.newest(sandbox, wanted, limit)]

    def rows(self, sandbox: str, wanted: Filter = EVERYTHING) -> Iterator[Row]:
        """The same as they are kept, up to the one that is the last now."""
        since, until = wanted.since, min(wanted.until, self.store.level(sandbox).last)
        while found := self.store.rows(sandbox, replace(wanted, since=since, until=until), 0, _PAGE):
            yield from found
            since = found[-1].number

    def level(self, sandbox: str) -> Level:
        """The number of the last entry, and how many were dropped."""
        return self.store.level(sandbox)

    def _findings(self, exchange: Exchange, wait: bool) -> list[Json]:
        found = list(exchange.findings)
        if len(self.versions) < 2 or not exchange.sandbox:
            return found
        version = version_of(exchange.request.path, self.base, self.versions)
        first = self.store.version(exchange.space, version, wait=wait) if version else ""
        if first == version:
            return found
        return [*found, {"code": MIXED, "message": f"version {version}, but the sandbox began with {first}; do not mix versions"}]


def version_of(path: str, base: str, versions: Sequence[str]) -> str:
    """The served api_version that a path names; empty for the vendor's sample paths and the merchant's own."""
    segment = path[len(base) + 1 :].partition("/")[0] if path.startswith(f"{base}/") else ""
    return segment if segment in versions else ""


def row(exchange: Exchange, findings: list[Json], most: int) -> Row:
    """An exchange as it is kept: secrets masked, bodies cut."""
    request, reply, trouble = exchange.request, exchange.reply, exchange.reply.trouble
    bare = plain(request.body, request.headers.get("content-encoding", ""))
    sent = masked_body(bare)
    came = masked_body(reply.body)
    cut = {side: len(body) for side, body in (("request", sent), ("reply", came)) if len(body) > most}
    cut |= {"reply": STREAMED} if reply.chunks is not None else {}
    more: Json = {}
    if exchange.rule:
        more["rule"] = exchange.rule
    if bare is not request.body:
        more["unpacked"] = True
    if cut:
        more["cut"] = cut
    if trouble:
        more["trouble"] = {"delay": trouble.delay, "fault": trouble.fault}
    facts = f'{_asked(request.method, request.query)}, "headers": {_sent(tuple(request.headers.items()))}, {_came(reply.headers)}'
    facts += f", {json.dumps(more)[1:]}" if more else "}"
    path, found = sound(masked_path(request.path)), json.dumps(findings) if findings else "[]"
    return Row(
        exchange.contract, path, reply.status, found, exchange.time, exchange.clock, round(exchange.milliseconds, 3),
        facts, sent[:most], came[:most],
    )  # fmt: skip


@lru_cache(_SAME)
def _asked(method: str, query: tuple[tuple[str, str], ...]) -> str:
    """The beginning of a row's facts: method and query."""
    return json.dumps({"method": method, "query": masked_query(query)})[:-1]


@lru_cache(_SAME)
def _sent(headers: tuple[tuple[str, str], ...]) -> str:
    """The headers of a request; most callers send the same each time."""
    return json.dumps({name: masked_header(name, value) for name, value in headers})


@lru_cache(_SAME)
def _came(headers: tuple[tuple[str, str], ...]) -> str:
    """The headers of a reply, as a member."""
    return f'"replyHeaders": {json.dumps([(name, masked_header(name, value)) for name, value in headers])}'


def entry(sandbox: str, kept: Row) -> Entry:
    """What a row tells."""
    facts = json.loads(kept.facts)
    cut = facts.get("cut", {})
    body, reply_body = value(kept.request, cut="request" in cut), value(kept.reply, cut="reply" in cut)
    name = sandbox.partition("~")[0]
    return Entry(
        kept.number, kept.time, kept.clock, name, kept.contract, facts["method"], kept.path, _pairs(facts["query"]),
        facts["headers"], body, kept.status, _pairs(facts["replyHeaders"]), reply_body, kept.milliseconds,
        facts.get("rule", ""), json.loads(kept.findings), cut, facts.get("trouble", {}),
    )  # fmt: skip


def value(body: bytes, *, cut: bool = False) -> Any:
    """A body as JSON, as text where it is none, as nothing where it is empty."""
    if not body:
        return None
    try:
        return body.decode("utf-8", "ignore") if cut else parse(body)
    except Failure:
        return body.decode("utf-8", "replace")


def plain(body: bytes, encoding: str) -> bytes:
    """The body unpacked; as it came where that cannot be done."""
    try:
        return unpack(body, encoding, 16 * len(body) + 65_536) if encoding else body
    except Failure:
        return body


def lines(entries: Iterator[Entry]) -> Iterator[bytes]:
    """Newline-delimited JSON."""
    for one in entries:
        yield encode(one.told()) + b"\n"


def _pairs(found: list[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in found]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
