"""The records of a sandbox over the admin port: what a test puts there before, and looks at after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.contract import refuse
from mockspi.contracts.collections import KINDS, Kind
from mockspi.errors import BrokenRequest, Failure, StoreBusy, StoreFull
from mockspi.exchange import Json, Reply
from mockspi.fixtures.flaws import flaws, own
from mockspi.fixtures.reading import open_set
from mockspi.sandbox import Sandbox
from mockspi.schema import Anything, Integer, Many, Problem, Shape, Strangers, did_you_mean
from mockspi.store.base import Criterion, Records

_KINDS: Mapping[str, Kind] = MappingProxyType({kind.collection.name: kind for kind in KINDS})
_LARGEST_PAGE = 500


class CollectionNotFound(Failure):
    """No collection has this name."""

    status = 404
    code = "COLLECTION_NOT_FOUND"


class RecordNotFound(Failure):
    """The collection has no record with this key."""

    status = 404
    code = "RECORD_NOT_FOUND"


class RecordsQuery(Shape):
    """Which records; in the collection's own order."""

    pageNumber = Integer(low=1, about="from 1")
    pageSize = Integer(low=1, high=_LARGEST_PAGE, about="100 unless given")


class RecordsRequest(Shape):
    """Records, each as it stands in a fixture set."""

    records = Many(Anything(), required=True)


class RecordsReply(Shape):
    """Some records, and how many there are."""

    records = Many(Anything(), required=True)
    totalCount = Integer(required=True)


class RecordReply(Shape):
    """One record."""

    record = Anything(required=True)


def listed(desk: Desk, inputs: Json, _: Json) -> Reply:
    """What the sandbox sees of a collection: the fixture set's records and its own."""
    kind, size = _kind(inputs), inputs.get("pageSize", 100)
    page = desk.records(desk.sandbox(inputs)).find(
        kind.collection.name, offset=(inputs.get("pageNumber", 1) - 1) * size, limit=size
    )
    return Reply.of({"records": list(page.records), "totalCount": page.total})


def read(desk: Desk, inputs: Json, _: Json) -> Reply:
    """One record."""
    return Reply.of({"record": _existing(desk.records(desk.sandbox(inputs)), inputs)})


def put(desk: Desk, inputs: Json, body: Json) -> Json:
    """Write records, each under its own key, new or not: all of them or none."""
    kind, sandbox, sent = _kind(inputs), desk.sandbox(inputs), body["records"]
    strangers = Strangers(closed=True, allowed=_custom(desk, sandbox, kind))
    refuse([
        Problem(f"/records/{index}{one.path}", one.message)
        for index, record in enumerate(sent)
        for one in flaws(kind, record, strangers)
    ])  # fmt: skip
    with desk.editions(sandbox.fixtures).store.write(sandbox.space) as records:
        for index, record in enumerate(sent):
            refuse([Problem(f"/records/{index}", message) for message in _taken(records, kind, record)])
            records.put(kind.collection.name, record)
    return {"done": f"{sandbox.name}: {len(sent)} {kind.collection.name} written"}


def delete(desk: Desk, inputs: Json, _: Json) -> Json:
    """Remove one record from the sandbox's view."""
    kind, sandbox = _kind(inputs), desk.sandbox(inputs)
    with desk.editions(sandbox.fixtures).store.write(sandbox.space) as records:
        _existing(records, inputs)
        records.delete(kind.collection.name, inputs["key"])
    return {"done": f"{sandbox.name}: {inputs['key']} deleted from {kind.collection.name}"}


def _taken(records: Records, kind: Kind, record: Json) -> Iterator[str]:
    """What of a record another one has already."""
    name, key = kind.collection.name, kind.collection.key_of(record)
    for term, _, shown in own(kind, record):
        if term in kind.collection.unique:
            others = (kind.collection.key_of(one) for one in records.find(name, Criterion(term, (shown,))).records)
            yield from (f"the {term} {shown!r} is taken by {other}" for other in others if other != key)


def _custom(desk: Desk, sandbox: Sandbox, kind: Kind) -> frozenset[str]:
    """The attributes that its fixture set has beside the declared ones."""
    return open_set(desk.settings.sets[sandbox.fixtures]).custom().get(kind.collection.name, frozenset())


def _kind(inputs: Json) -> Kind:
    name = inputs["collection"]
    if name not in _KINDS:
        raise CollectionNotFound(collection=name, hint=did_you_mean(name, _KINDS), known=", ".join(_KINDS))
    return _KINDS[name]


def _existing(records: Records, inputs: Json) -> Json:
    found = records.get(_kind(inputs).collection.name, inputs["key"])
    if found is None:
        raise RecordNotFound(collection=inputs["collection"], key=inputs["key"])
    return found


_ALL, _ONE = "/sandboxes/{sandbox}/records/{collection}", "/sandboxes/{sandbox}/records/{collection}/{key}"
_FAILS = (BrokenRequest, SandboxNotFound, CollectionNotFound)
ROUTES = (
    AdminRoute("LIST_RECORDS", f"GET {_ALL}", "A collection as the sandbox sees it.", listed, RecordsReply, query=RecordsQuery,
               fails=_FAILS),
    AdminRoute("PUT_RECORDS", f"PUT {_ALL}", "Write records, all or none.", put, Done, RecordsRequest,
               fails=(*_FAILS, StoreBusy, StoreFull), exact=True, noted=True),
    AdminRoute("GET_RECORD", f"GET {_ONE}", "One record.", read, RecordReply, fails=(*_FAILS, RecordNotFound)),
    AdminRoute("DELETE_RECORD", f"DELETE {_ONE}", "Remove one record.", delete, Done,
               fails=(*_FAILS, RecordNotFound, StoreBusy, StoreFull), noted=True),
)  # fmt: skip
