"""From settings to a service: the fixture set linted and compiled once, the store opened, the routes laid."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from mockspi import connectors
from mockspi.clock import system_now
from mockspi.compiling import compiled, settled
from mockspi.connectors.shapes import WEBHOOK
from mockspi.contract import Policy
from mockspi.contracts import SPIS, TABLE
from mockspi.contracts.collections import COLLECTIONS
from mockspi.contracts.receiving import RECEIVED
from mockspi.editions import FRESH, Board, Edition, Editions
from mockspi.exchange import Exchange, Json, Reply, Request
from mockspi.fixtures.files import Stamp
from mockspi.fixtures.reading import SAMPLE, FixtureSet, open_set
from mockspi.folders import overlay, settle_in
from mockspi.journal import Journal
from mockspi.messages import messages
from mockspi.routes import TOKENS, RouteTable
from mockspi.rules.book import Book
from mockspi.rules.judging import Judge
from mockspi.rules.known import Known
from mockspi.service import Service
from mockspi.settings import MAIN, Settings, state_folder
from mockspi.store import outbox_tables
from mockspi.store.compiled import settle, texts_of
from mockspi.store.control import SandboxStore
from mockspi.store.journal import JournalStore
from mockspi.store.pending import Writers
from mockspi.store.rules import RuleStore
from mockspi.store.sqlite import SqliteStore, changed
from mockspi.teaching import Teacher
from mockspi.tokens import Tokens
from mockspi.webhooks import receiving

if TYPE_CHECKING:  # slow to import: what is not needed for the first answer is imported where it is
    from mockspi.admin.route import Desk
    from mockspi.webhooks.message import Message
    from mockspi.webhooks.sender import Sender


@dataclass(frozen=True)
class House:
    """What a server needs: ``overlay`` is what is written (an ephemeral one is removed), ``served`` the folder of its
    compiled sets.
    """

    settings: Settings
    fixtures: Path
    overlay: Path
    served: Path
    admin_token: str
    seen: Mapping[str, Stamp | None] = field(default_factory=dict)  #: the sets that are watched: not the sample that ships
    ephemeral: bool = False
    owner: int = field(default_factory=os.getpid)

    @property
    def counts(self) -> Path:
        """Where the workers count their calls; a folder of this server's own."""
        return self.overlay.with_name("metrics") / str(self.owner)

    def board(self) -> Board:
        """What of the fixture sets is served now."""
        return Board(self.served)

    def editions(self) -> Editions:
        """The same for calls; every process makes its own."""
        queue = threading.Lock()

        def opened(name: str, base: str, note: str) -> Edition:
            texts = texts_of(Path(base))
            book = Book(Known.of(TABLE), texts["scenarios"], texts["magic"])
            store = SqliteStore(Path(base), self.overlay, COLLECTIONS, queue)
            teacher = Teacher(partial(open_set, self.settings.sets[name]), self.settings.max_body)
            return Edition(base, store, messages(texts["messages"]), book, teacher, note)

        return Editions(self.board(), opened)

    def table(self) -> RouteTable:
        """Where every contract is reached."""
        file = self.settings.connectors
        placed = connectors.read(Path(file).expanduser(), SPIS) if file else []
        placed += receiving.placements(sent_to(self.settings), RECEIVED)
        return RouteTable(TABLE, self.settings.base_path, self.settings.api_version, placed)

    def sandboxes(self) -> SandboxStore:
        """Which sandboxes there are."""
        return sandboxes(self.settings, self.overlay)

    def desk(self, base_url: str, reload: Callable[[str | None], Json]) -> Desk:
        """What the admin port works with; ``reload`` reads a fixture set again, or all."""
        from mockspi.admin.route import Desk

        known = self.sandboxes()
        return Desk(
            self.settings,
            base_url,
            known,
            self.editions(),
            system_now,
            self.journal(),
            self.table(),
            self.rules(),
            self.counts,
            self.board(),
            reload,
            self.sender(known),
        )

    def rules(self) -> RuleStore:
        """The rules that sandboxes have on."""
        return RuleStore(self.overlay.with_name("rules.sqlite"), system_now)

    def journal(self) -> Journal:
        """What happened, for those who read it."""
        settings, path = self.settings, self.overlay.with_name("journal.sqlite")
        kept = JournalStore(path, settings.journal_entries, settings.journal_bytes, Writers(self.counts).catch_up)
        return Journal(kept, settings.journal_body, settings.base_path, settings.api_version)

    def sender(self, known: SandboxStore | None = None, stopping: Callable[[], bool] = lambda: False) -> Sender:
        """What sends webhooks, of the sandboxes that are ``known``; every process makes its own."""
        return sender(self.settings, self.overlay, known or self.sandboxes(), stopping)

    def _accepting(self, known: SandboxStore) -> Callable[[str, Message, int], str]:
        """Puts messages into the outbox; what knows how they are sent is made for the first of them."""
        made = cache(lambda: self.sender(known))
        return lambda space, message, due: made().accept(space, message, due)

    def service(self, *notices: Callable[[Exchange], None] | None, journal: Journal | None = None) -> Service:
        """A service over this house; every process makes its own."""
        settings, known = self.settings, self.sandboxes()
        tokens = (f"{settings.base_path}/{below}{TOKENS}" for below in ("", *(f"{one}/" for one in settings.api_version)))
        return Service(
            opened_by=known.opened_by,
            table=self.table(),
            editions=self.editions(),
            real=system_now,
            policy=Policy(settings.reservation_minutes, settings.delivery_groups),
            max_body=settings.max_body,
            journal=(journal or self.journal()).write,
            notices=tuple(filter(None, notices)),
            rules=Judge(self.rules()),
            outbox=self._accepting(known),
            doorkeeper=receiving.Doorkeeper(known.listening),
            tokens=Tokens(frozenset(tokens), known.named, system_now),
            own=partial(receiving.placements, contracts=RECEIVED),
            pages={f"{settings.base_path}/{version}/openapi.json": document for version in settings.api_version},
        )


def document(request: Request) -> Reply:
    """The OpenAPI of this server, under the address by which it was called."""
    from mockspi.openapi import spi  # slow to import, and seldom asked for

    host = request.headers.get("host", "127.0.0.1")
    return Reply.of(spi(base=f"http://{host}{request.path.removesuffix('/openapi.json')}"))


def sandboxes(settings: Settings, written: Path) -> SandboxStore:
    """Which sandboxes there are, beside what they have written."""
    path = written.with_name("sandboxes.sqlite")
    return SandboxStore(path, settings.keys, system_now, settings.max_sandboxes, settings.auto_sandbox, sent_to(settings))


def sent_to(settings: Settings) -> list[Json]:
    """The connectors of the file, where any of them is a webhook."""
    found = connectors.loaded(Path(settings.connectors).expanduser()) if settings.connectors else []
    return found if any(one["connectorType"] == WEBHOOK for one in found) else []


def sender(settings: Settings, written: Path, known: SandboxStore, stopping: Callable[[], bool] = lambda: False) -> Sender:
    """What sends webhooks, with its outbox beside what sandboxes have written."""
    from mockspi.store.outbox import OutboxStore
    from mockspi.webhooks.outbound import Outbound
    from mockspi.webhooks.profiles import configured
    from mockspi.webhooks.sender import Sender

    profiles = configured(settings.webhook_schedule, settings.webhook_option)
    outbox = OutboxStore(outbox_file(written), settings.outbox_entries)
    return Sender(outbox, Outbound(settings.allow_outbound), profiles, known.of_space, stopping=stopping)


def outbox_file(written: Path) -> Path:
    """What is sent, beside what sandboxes have written."""
    return written.with_name("outbox.sqlite")


def build(settings: Settings, progress: Callable[[float], None] = lambda done: None) -> House:
    """Lint and compile the sets unless that was done before, and prepare the place for what is written."""
    sets = {name: open_set(folder) for name, folder in settings.sets.items()}
    seen = {name: settled(one) for name, one in sets.items() if settings.reload and settings.sets[name] != SAMPLE}
    bases = {name: compiled(one, progress, trusted=settings.sets[name] == SAMPLE) for name, one in sets.items()}
    written = overlay(settings)
    token = settings.admin_token or secrets.token_urlsafe(24)
    served = settle_in(written.with_name("served"))
    house = House(settings, sets[MAIN].folder, written, served, token, seen, ephemeral=state_folder(settings) is None)
    posted = {name: posting(one, settle(bases[name], house.served)) for name, one in sets.items()}
    house.board().prepare({"reloads": {}, "sets": posted})
    house.table()
    changed(house.overlay)
    house.sandboxes().prepare()  # before workers could race for it
    house.journal().store.prepare()
    house.rules().prepare()
    outbox_tables.prepare(outbox_file(written))
    if settings.webhook_schedule or settings.webhook_option or settings.allow_outbound:
        house.sender()  # which says what is wrong with them
    return house


def posting(found: FixtureSet, base: Path) -> Json:
    """A set as the board tells of it when it is sound."""
    return {
        "folder": str(found.folder.resolve()), "digest": found.digest, "base": str(base), "since": system_now(),
        "state": FRESH, "note": "", "findings": [], "changed": [], "conflicts": [],
    }  # fmt: skip
