"""A sandbox's replay bundle over the admin port."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mockspi import __version__, bundle
from mockspi.admin import snapshots
from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.connectors import references
from mockspi.errors import BrokenRequest
from mockspi.exchange import Json, Reply, encode
from mockspi.fixtures.reading import FixtureSet, open_set, sample_set
from mockspi.masking import masked_body
from mockspi.sandbox import Sandbox
from mockspi.schema import Choice, Shape


class BundleQuery(Shape):
    """What is packed."""

    fixtures = Choice(
        "auto", "yes", "no", about="whether the fixture set is packed; auto, unless given: where it is not the sample"
    )


def pack(desk: Desk, inputs: Json, _: Json) -> Reply:
    """Everything that is needed to make the same calls again."""
    sandbox = desk.sandbox(inputs)
    digest, wanted = desk.board.read()["sets"][sandbox.fixtures]["digest"], inputs.get("fixtures", "auto")
    left_out = wanted == "no" or (wanted == "auto" and digest == sample_set().digest)
    files = [] if left_out else files_of(open_set(desk.settings.sets[sandbox.fixtures]), digest)
    return Reply(
        200,
        headers=(("Content-Type", "application/x-ndjson"),),
        chunks=bundle.written(parts(desk, sandbox, digest, files)),
    )


def files_of(found: FixtureSet, served: str) -> list[bundle.File]:
    """The files of a set; none where they are too many to pack, or are no longer what is served."""
    sizes = sum((found.folder / name).stat().st_size for name in found.files)
    if sizes > bundle.MOST_FIXTURES or found.digest != served:
        return []
    return [bundle.File(name.as_posix(), found.content(name.as_posix())) for name in found.files]


def parts(desk: Desk, sandbox: Sandbox, digest: str, files: list[bundle.File]) -> Iterator[bundle.Part]:
    """The header, what was there before, then calls and changes as they came."""
    level = desk.journal.level(sandbox.space)
    placed = [one for one in desk.table.routes if one.kind == "connector"]
    yield bundle.Header(
        mockspi=__version__,
        sandbox=sandbox.name,
        seed=sandbox.seed,
        locale=sandbox.locale,
        quota=sandbox.quota,
        snapshot=sandbox.snapshot,
        clock={"begun": sandbox.begun.stored(), "now": sandbox.timing.stored()},
        settings={name: getattr(desk.settings, name) for name in bundle.SETTINGS},
        placements=[[one.contract.id, one.path, [list(pair) for pair in one.query]] for one in placed],
        fixtures=digest,
        packed=bool(files),
        whole=level.whole and not level.dropped,
        dropped=level.dropped,
        connectors=[references.masked(one) for one in sandbox.connectors],
    )
    yield from files
    changes = desk.journal.store.changes(sandbox.space)
    kept = {one.name: one.space for one in snapshots.every(desk)}
    restored = [change["body"]["name"] for _, change in changes if change["call"].endswith("/restore")]
    for name in dict.fromkeys([sandbox.snapshot, *restored]):
        if name in kept:
            yield bundle.Snapshot(name, *desk.store.written(kept[name]))
    for row in desk.journal.rows(sandbox.space):
        while changes and changes[0][0] < row.number:
            yield masked(changes.pop(0)[1])
        yield row
    for _, change in changes:
        yield masked(change)


def masked(change: Json) -> bundle.Change:
    """A change without what names a secret, as bodies are kept."""
    return bundle.Change(**{**change, "body": json.loads(masked_body(encode(change["body"])))})


ROUTES = (
    AdminRoute(
        "GET_BUNDLE",
        "GET /sandboxes/{sandbox}/bundle",
        "Everything that 'mockspi replay' needs to make a sandbox's calls again, as JSON lines.",
        pack,
        None,
        query=BundleQuery,
        fails=(BrokenRequest, SandboxNotFound),
        media="application/x-ndjson",
    ),
)
