"""A fresh mockspi in this process, for calls that are made again."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mockspi import building, settings
from mockspi.admin import AdminService
from mockspi.admin.snapshots import Kept
from mockspi.bundle import SETTINGS, Change, File, Header, Snapshot
from mockspi.connectors import Placement
from mockspi.contracts import TABLE
from mockspi.errors import UsageError
from mockspi.exchange import Exchange, Json, Reply, Request, encode
from mockspi.fixtures.files import FOLDERS
from mockspi.fixtures.reading import SAMPLE, FixtureSet, open_set, sample_set
from mockspi.journal import row
from mockspi.replaying import request_of
from mockspi.routes import RouteTable
from mockspi.rules.judging import Judge
from mockspi.sandbox import Sandbox, Timing
from mockspi.store.rows import Row
from mockspi.store.rules import RuleStore

_NAME, _KEY, _TOKEN = "replay", "replay-key", "replay-token"


@contextmanager
def fixture_set(header: Header, files: Sequence[File], named: str, *, anyway: bool) -> Iterator[FixtureSet]:
    """The set that the calls were answered from: the one that is named, the packed one, or the sample."""
    with tempfile.TemporaryDirectory(prefix="mockspi-replay-") as folder:
        if named:
            found, whose = open_set(named), f"the fixture set in {named}"
        elif files:
            for name in FOLDERS:
                (Path(folder) / name).mkdir()
            for file in files:
                (Path(folder) / file.name).write_bytes(file.data)
            found, whose = FixtureSet(Path(folder)), "the fixture set in the bundle"
        else:
            found, whose = sample_set(), "the sample set of this mockspi"
        if found.digest != header.fixtures and not anyway:
            raise UsageError(
                f"the calls were answered from the fixture set {header.fixtures} (mockspi {header.mockspi}), and {whose} is "
                f"{found.digest}; name the right one with --fixtures DIR, or replay --anyway"
            )
        yield found


class Inside:
    """A fresh mockspi in this process, whose clock stands where each call wants it. Nothing sleeps, no port is opened."""

    def __init__(self, header: Header, found: FixtureSet, folder: Path) -> None:
        house = building.build(settings.load(_chosen(header, found, folder), {}))
        rules = RuleStore(house.overlay.with_name("rules.sqlite"), self._real)
        desk = replace(house.desk("http://127.0.0.1/", lambda _: {}), real=self._real, rules=rules)
        self._most = house.settings.journal_body
        self._now = 0
        self._kept: list[Exchange] = []
        self._sandbox = Sandbox(_NAME, _KEY, seed=header.seed, locale=header.locale, quota=header.quota)
        desk.sandboxes.change(Sandbox(_NAME, _KEY), lambda one: replace(one, snapshot=header.snapshot))
        self._store, self._admin = desk.store, AdminService(desk, _TOKEN)
        self._service = replace(
            house.service(self._kept.append), opened_by=self._opened, table=_table(header), real=self._real,
            rules=Judge(rules), journal=None, outbox=None,
        )  # fmt: skip

    def begin(self, snapshot: Snapshot) -> None:
        """Put a snapshot where the original had it."""
        try:
            self._store.fill(Kept(snapshot.name).space, snapshot.number, snapshot.records)
        except KeyError as error:
            raise UsageError(f"the snapshot {snapshot.name} holds records of {error}, which nobody knows") from error

    def change(self, change: Change) -> str:
        """Over the admin port's own routes; nothing is sent here, so nobody needs to know where to."""
        if "/connectors" in change.call:
            return ""
        self._now = change.time
        method, path = change.call.replace("{sandbox}", _NAME).split(" ", 1)
        headers = {"host": "127.0.0.1", "authorization": f"Bearer {_TOKEN}", "content-type": "application/json"}
        asked = {name: str(value) for name, value in change.query.items()}
        path = re.sub(r"\{(\w+)\}", lambda found: asked.pop(found[1], found[0]), path)
        query = tuple(asked.items())
        body = encode(change.body) if method in ("POST", "PUT") else b""
        reply = self._admin.handle(Request(method, path, query, headers, body))
        return "" if reply.status < 300 else f"{method} {path} was refused: {_sentence(reply)}"

    def call(self, asked: Row) -> Row:
        """At the moment at which it was made."""
        self._now = asked.time
        self._sandbox = replace(self._sandbox, timing=Timing(asked.clock, asked.time, 0.0))
        self._kept.clear()
        self._service.handle(request_of(asked, _KEY))
        return row(self._kept[0], [], self._most)

    def skips(self, _: Row) -> str:
        """Nothing."""
        return ""

    def _opened(self, key: str) -> Sandbox | None:
        return self._sandbox if key == _KEY else None

    def _real(self) -> int:
        return self._now


def _chosen(header: Header, found: FixtureSet, folder: Path) -> Json:
    told = {name: header.settings[name] for name in SETTINGS}
    fixtures = SAMPLE if found.digest == sample_set().digest else str(found.folder)
    ours = {"fixtures": fixtures, "state": str(folder), "connectors": "", "api_key": (f"{_NAME}={_KEY}",)}
    return {**told, **ours}


def _table(header: Header) -> RouteTable:
    known = {contract.id: contract for contract in TABLE}
    placed = [
        Placement(known[id_], path, tuple((name, text) for name, text in query))
        for id_, path, query in header.placements
        if id_ in known
    ]
    return RouteTable(TABLE, header.settings["base_path"], header.settings["api_version"], placed)


def _sentence(reply: Reply) -> str:
    return str(json.loads(reply.body).get("errorMessage", reply.status))
