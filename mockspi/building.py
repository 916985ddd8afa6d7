"""From settings to a service: the fixture set linted and compiled once, the store opened, the routes laid."""

from __future__ import annotations

import atexit
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import mockspi
from mockspi import connectors, examples
from mockspi.admin.route import Desk
from mockspi.clock import system_now
from mockspi.contract import Policy
from mockspi.contracts import SPIS
from mockspi.contracts.collections import COLLECTIONS
from mockspi.errors import BrokenSet, UsageError
from mockspi.exchange import Exchange, Reply, Request
from mockspi.fixtures.checking import check
from mockspi.fixtures.reading import SAMPLE, Finding, FixtureSet, open_set, rows, sample_set
from mockspi.journal import Journal
from mockspi.messages import Messages
from mockspi.retail import invariants
from mockspi.routes import RouteTable
from mockspi.rules.book import Book
from mockspi.rules.judging import Judge
from mockspi.rules.known import Known
from mockspi.sandbox import Sandbox
from mockspi.schema import escape
from mockspi.service import Service
from mockspi.settings import Settings, cache_folder, state_folder
from mockspi.store.compiled import compile_set, settle, tidy
from mockspi.store.control import SandboxStore
from mockspi.store.journal import JournalStore
from mockspi.store.rules import RuleStore
from mockspi.store.sqlite import SqliteStore, changed


@dataclass(frozen=True)
class House:
    """What a server needs: ``base`` is the compiled set, ``overlay`` what is written; ephemeral ones are removed."""

    settings: Settings
    fixtures: Path
    base: Path
    overlay: Path
    admin_token: str
    ephemeral: bool = False
    owner: int = field(default_factory=os.getpid)

    @property
    def counts(self) -> Path:
        """Where the workers count their calls; a folder of this server's own."""
        return self.overlay.with_name("metrics") / str(self.owner)

    def table(self) -> RouteTable:
        """Where every contract is reached."""
        file = self.settings.connectors
        placed = connectors.read(Path(file).expanduser(), SPIS) if file else []
        return RouteTable(SPIS, self.settings.base_path, self.settings.api_version, placed)

    def sandboxes(self) -> SandboxStore:
        """Which sandboxes there are."""
        return sandboxes(self.settings, self.overlay)

    def desk(self, base_url: str) -> Desk:
        """What the admin port works with."""
        book = book_of(open_set(self.settings.fixtures))
        store = SqliteStore(self.base, self.overlay, COLLECTIONS)
        return Desk(
            self.settings,
            base_url,
            self.sandboxes(),
            store,
            system_now,
            self.journal(),
            self.table(),
            book,
            self.rules(book),
            self.counts,
        )

    def rules(self, book: Book) -> RuleStore:
        """The rules that sandboxes have on."""
        return RuleStore(self.overlay.with_name("rules.sqlite"), book, system_now)

    def journal(self) -> Journal:
        """What happened."""
        settings = self.settings
        kept = JournalStore(self.overlay.with_name("journal.sqlite"), settings.journal_entries, settings.journal_bytes)
        return Journal(kept, settings.journal_body, settings.base_path, settings.api_version)

    def service(self, *notices: Callable[[Exchange], None] | None) -> Service:
        """A service over this house; every process makes its own."""
        settings, found = self.settings, open_set(self.settings.fixtures)
        book = book_of(found)
        return Service(
            opened_by=self.sandboxes().opened_by,
            table=self.table(),
            store=SqliteStore(self.base, self.overlay, COLLECTIONS),
            messages=messages(found),
            real=system_now,
            policy=Policy(settings.reservation_minutes, settings.delivery_groups),
            max_body=settings.max_body,
            notices=tuple(filter(None, (self.journal().write, *notices))),
            rules=Judge(self.rules(book), book, system_now),
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
    return SandboxStore(path, settings.keys, system_now, settings.max_sandboxes, settings.auto_sandbox)


def build(settings: Settings, progress: Callable[[str], None] = lambda text: None) -> House:
    """Lint and compile the set unless that was done before, and prepare the place for what is written."""
    found = open_set(settings.fixtures)
    base = compiled(found, progress, trusted=settings.fixtures == SAMPLE)
    written = overlay(settings)
    base = settle(base, written.parent)
    token = settings.admin_token or secrets.token_urlsafe(24)
    house = House(settings, found.folder, base, written, token, ephemeral=state_folder(settings) is None)
    house.table()
    changed(house.overlay)
    house.sandboxes().count()  # its file is made before workers could race for it
    house.journal().store.prepare()
    house.rules(book_of(found)).prepare()
    return house


def overlay(settings: Settings) -> Path:
    """The file for what is written; its folder is made, a scratch one where nothing is to be kept."""
    folder = state_folder(settings)
    try:
        folder = scratch() if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the state folder {folder} cannot be made: {error.strerror}; name another with --state") from error
    return folder / "records.sqlite"


def scratch() -> Path:
    """A folder that goes when this process ends, but not when one that it forked does."""
    folder, owner = Path(tempfile.mkdtemp(prefix="mockspi-")), os.getpid()

    def forget() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(forget)
    return folder


def compiled(found: FixtureSet, progress: Callable[[str], None], *, trusted: bool = False) -> Path:
    """The compiled form of a set, from the cache where it was made before; BrokenSet where it must not be served."""
    target = cache(cache_folder()) / f"{found.digest}-{fingerprint()}.sqlite"
    if target.is_file():
        os.utime(target)
        return target
    progress("reading the fixture set")
    findings = [] if trusted else check(found)
    if findings:
        raise BrokenSet(found.folder, findings)
    staged = target.with_name(f".{target.name}.{os.getpid()}.staged")  # nobody serves it before it is rehearsed
    try:
        compile_set(staged, COLLECTIONS, ((name, record) for name, _, record in found.records()))
        if not trusted and (findings := rehearse(found, staged)):
            raise BrokenSet(found.folder, findings)
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    tidy(target.parent)
    return target


def cache(folder: Path) -> Path:
    """The cache folder, made if it can be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the cache folder {folder} cannot be made: {error.strerror}; name another with XDG_CACHE_HOME"
        ) from error
    return folder


def lint(found: FixtureSet) -> list[Finding]:
    """Everything that is wrong with a set, the examples played."""
    if findings := check(found):
        return findings
    with tempfile.TemporaryDirectory(prefix="mockspi-lint-") as folder:
        base = Path(folder) / "base.sqlite"
        compile_set(base, COLLECTIONS, ((name, record) for name, _, record in found.records()))
        return rehearse(found, base)


def stale_examples(found: FixtureSet) -> int:
    """How many values of a set's examples the mock does not reproduce from its records."""
    return sum(1 for one in lint(found) if one.file.startswith("examples/"))


def rehearse(found: FixtureSet, base: Path) -> list[Finding]:
    """Hold the records against the invariants, then play every example on a sandbox of its own; a finding for each that
    breaks one, or that the mock does not reproduce.
    """
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="mockspi-lint-") as folder:
        service = _rehearsal(found, base, Path(folder) / "records.sqlite")
        with service.store.view("") as records:
            broken = [fault for _, faults in invariants.faults(records, 0) for fault in faults]  # 0: no reservation is over
        if broken:
            return [located(found, fault) for fault in broken]
        played = found.examples()
        for contract in SPIS:
            for example in examples.of(contract, played):
                document = found.documents[f"examples/{contract.id}.json"]
                for one in examples.differences(example, play(example, played, service)):
                    findings.append(document.finding(f"/{escape(example.title)}/reply{one.path}", one.message))
    return findings


def located(found: FixtureSet, fault: invariants.Fault) -> Finding:
    """Where in its file a record at fault stands."""
    document, kind = found.documents[f"records/{fault.collection}.json"], COLLECTIONS[fault.collection]
    index = [kind.key_of(record) for record in rows(document.value)].index(fault.key)
    return document.finding(f"{'/records' * isinstance(document.value, dict)}/{index}{fault.path}", fault.message)


_rehearsals = count()


def play(example: examples.Example, found: dict[str, dict[str, object]], service: Service) -> Reply:
    """The reply to an example, after those that it needs, in a sandbox that nobody else uses."""
    key = f"rehearsal-{next(_rehearsals)}"
    for needed in examples.before(example, SPIS, found):
        service.handle(_asked(needed, key))
    return service.handle(_asked(example, key))


def _asked(example: examples.Example, key: str) -> Request:
    return examples.request(example, "/spi/1.0", key)


def _rehearsal(found: FixtureSet, base: Path, overlay: Path) -> Service:
    return Service(
        opened_by=lambda key: Sandbox(key, key), table=RouteTable(SPIS, "/spi", ("1.0",), ()),
        store=SqliteStore(base, overlay, COLLECTIONS), messages=messages(found), real=system_now, policy=Policy(),
        max_body=1_048_576,
    )  # fmt: skip


def book_of(found: FixtureSet) -> Book:
    """The set's scenarios and magic values."""
    return Book(Known.of(SPIS), found.scenarios(), found.magic())


def messages(found: FixtureSet) -> Messages:
    """The set's texts, with the sample's where it has none."""
    texts = {language: dict(texts) for language, texts in sample_set().messages().items()}
    for language, own in found.messages().items():
        texts.setdefault(language, {}).update(own)
    return Messages(texts)


def fingerprint() -> str:
    """What compiled sets depend on beside the fixtures: this version of the code."""
    folder = Path(mockspi.__file__).parent
    stats = [
        (path.relative_to(folder).as_posix(), (stat := path.stat()).st_size, stat.st_mtime_ns)
        for path in sorted(folder.rglob("*.py"))
    ]
    return hashlib.sha256(repr((mockspi.__version__, stats)).encode()).hexdigest()[:8]
