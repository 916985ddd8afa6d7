"""A fixture set put together and tried: compiled, and every example of it played."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from mockspi import examples
from mockspi.clock import system_now
from mockspi.contract import Policy
from mockspi.contracts import SPIS, TABLE
from mockspi.contracts.collections import COLLECTIONS
from mockspi.editions import Edition, alone
from mockspi.exchange import Reply, Request
from mockspi.fixtures.checking import check
from mockspi.fixtures.reading import Finding, FixtureSet, rows
from mockspi.fixtures.sound import Sound
from mockspi.fixtures.streaming import Doubt
from mockspi.messages import messages
from mockspi.retail import invariants
from mockspi.routes import RouteTable
from mockspi.rules.book import Book
from mockspi.rules.known import Known
from mockspi.sandbox import Sandbox
from mockspi.schema import escape
from mockspi.service import Service
from mockspi.settings import MAIN
from mockspi.store.aside import Aside
from mockspi.store.batches import Batch, batch
from mockspi.store.columns import Columns
from mockspi.store.compiled import Ordered, Shared, compile_set, count, lacking
from mockspi.store.records import dump
from mockspi.store.sqlite import SqliteStore

_TOGETHER = 200  #: records that are written at once
_READ, _ORDERED = 0.68, 0.97  #: how much of all the work is done then; examples are played last


def compile_into(target: Path, found: FixtureSet) -> None:
    """Everything of a set that is served, in one file; nothing is checked."""
    with Aside(target, COLLECTIONS) as aside:
        _compile(target, found, aside, _batches(found))


def _batches(found: FixtureSet) -> Iterator[Batch]:
    whole = 0
    for path in found.record_files:
        records = rows(found.document(path).value)
        for start in range(0, len(records), _TOGETHER):
            some = records[start : start + _TOGETHER]
            yield batch(COLLECTIONS[path.stem], Columns(some), list(map(dump, some)), whole + start + 1)
        whole += len(records)


def make(target: Path, found: FixtureSet, progress: Callable[[float], None] = lambda done: None) -> list[Finding]:
    """A set in one file, as it may be served; else everything that is wrong with it, the examples played.

    ``progress`` is told from 0 to 1 how much is done.
    """
    if not _quickly(target, found, progress):
        if findings := check(found):
            return findings
        compile_into(target, found)
    return rehearse(found, target)


def _quickly(target: Path, found: FixtureSet, progress: Callable[[float], None]) -> bool:
    """Whether a set is sound as far as its files tell; then it is compiled."""
    sound = Sound(found, lambda share: progress(share * _READ))
    try:
        with Aside(target, COLLECTIONS) as aside, sound.helped(aside) as help_:
            _compile(
                target,
                found,
                aside,
                sound.batches(help_),
                lambda share: progress(_READ + share * (_ORDERED - _READ)),
                partial(sound.ordered, help_),
            )
    except (Doubt, Shared, EOFError):
        return False
    return not lacking(target, sound.wanted)


def _compile(
    target: Path,
    found: FixtureSet,
    aside: Aside,
    batches: Iterable[Batch],
    progress: Callable[[float], None] = lambda share: None,
    ordered: Ordered | None = None,
) -> None:
    texts = {"messages": found.messages(), "scenarios": found.scenarios(), "magic": found.magic()}
    compile_set(target, aside, batches, texts, progress, ordered)


def lint(found: FixtureSet, progress: Callable[[float], None] = lambda done: None) -> tuple[list[Finding], int]:
    """Everything that is wrong with a set, the examples played; and how many records there are, if nothing is wrong.

    ``progress`` is told from 0 to 1 how much is done.
    """
    progress(0)
    with tempfile.TemporaryDirectory(prefix="mockspi-lint-") as folder:
        base = Path(folder) / "base.sqlite"
        findings = make(base, found, progress)
        progress(1)
        return findings, 0 if findings else count(base)


def stale_examples(found: FixtureSet) -> int:
    """How many values of a set's examples the mock does not reproduce from its records."""
    return sum(1 for one in lint(found)[0] if one.file.startswith("examples/"))


def rehearse(found: FixtureSet, base: Path) -> list[Finding]:
    """Hold the records against the invariants, then play every example on a sandbox of its own; a finding for each that
    breaks one, or that the mock does not reproduce.
    """
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="mockspi-lint-") as folder:
        service = _rehearsal(found, base, Path(folder) / "records.sqlite")
        with service.editions(MAIN).store.view("") as records:
            broken = [fault for _, faults in invariants.faults(records, 0) for fault in faults]  # 0: no reservation is over
        if broken:
            return [located(found, fault) for fault in broken]
        played = found.examples()
        for contract in SPIS:
            for example in examples.of(contract, played):
                document = found.document(Path("examples") / f"{contract.id}.json")
                for one in examples.differences(example, play(example, played, service)):
                    findings.append(document.finding(f"/{escape(example.title)}/reply{one.path}", one.message))
    return findings


def located(found: FixtureSet, fault: invariants.Fault) -> Finding:
    """Where in its file a record at fault stands."""
    document, kind = found.document(Path("records") / f"{fault.collection}.json"), COLLECTIONS[fault.collection]
    index = [kind.key_of(record) for record in rows(document.value)].index(fault.key)
    return document.finding(f"{'/records' * isinstance(document.value, dict)}/{index}{fault.path}", fault.message)


_rehearsals = itertools.count()


def play(example: examples.Example, found: dict[str, dict[str, object]], service: Service) -> Reply:
    """The reply to an example, after those that it needs, in a sandbox that nobody else uses."""
    key = f"rehearsal-{next(_rehearsals)}"
    for needed in examples.before(example, SPIS, found):
        service.handle(_asked(needed, key))
    return service.handle(_asked(example, key)).whole()


def _asked(example: examples.Example, key: str) -> Request:
    return examples.request(example, "/spi/1.0", key)


def _rehearsal(found: FixtureSet, base: Path, overlay: Path) -> Service:
    return Service(
        opened_by=lambda key: Sandbox(key, key), table=RouteTable(TABLE, "/spi", ("1.0",), ()),
        editions=alone(Edition(str(base), SqliteStore(base, overlay, COLLECTIONS), messages(found.messages()), book_of(found))),
        real=system_now, policy=Policy(), max_body=1_048_576,
    )  # fmt: skip


def book_of(found: FixtureSet) -> Book:
    """The set's scenarios and magic values."""
    return Book(Known.of(TABLE), found.scenarios(), found.magic())
