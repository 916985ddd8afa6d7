"""Snapshots over the admin port: what a sandbox sees, kept under a name for it or others to return to."""

from __future__ import annotations

from marshmallow import validate

from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json
from mockspi.schema import Id, Integer, Many, Shape, Text

_SNAPSHOT = "snapshot:"
NAME = validate.Regexp(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", error="up to 64 letters, digits, dots, hyphens and underscores are expected"
)


class SnapshotNotFound(Failure):
    """No snapshot has this name."""

    status = 404
    code = "SNAPSHOT_NOT_FOUND"


class TooManySnapshots(Failure):
    """There are as many snapshots as there may be sandboxes (`max-sandboxes`)."""

    status = 409
    code = "TOO_MANY_SNAPSHOTS"


class SnapshotRequest(Shape):
    """The snapshot's name."""

    name = Text(required=True, validate=NAME)


class SnapshotReply(Shape):
    """A snapshot, and how many changed records it holds."""

    name = Id(required=True)
    records = Integer(required=True)


class SnapshotList(Shape):
    """The names of all snapshots."""

    snapshots = Many(Id(), required=True)


def space(name: str) -> str:
    """Where the store keeps a snapshot; no sandbox can have such a name."""
    return _SNAPSHOT + name


def existing(desk: Desk, name: str) -> str:
    """Where the store keeps a snapshot that must be there."""
    if space(name) not in desk.store.snapshots(space(name)):
        raise SnapshotNotFound(snapshot=name)
    return space(name)


def take(desk: Desk, inputs: Json, body: Json) -> Json:
    """Keep the records as they are now under a name, in place of an older snapshot of that name."""
    sandbox, kept = desk.sandbox(inputs), desk.store.snapshots(_SNAPSHOT)
    if space(body["name"]) not in kept and len(kept) >= desk.settings.max_sandboxes:
        raise TooManySnapshots(most=desk.settings.max_sandboxes)
    return {"name": body["name"], "records": desk.store.copy(sandbox.space, space(body["name"]), keep_empty=True)}


def restore(desk: Desk, inputs: Json, body: Json) -> Json:
    """Make the records what they were when the snapshot was taken."""
    sandbox, source = desk.sandbox(inputs), existing(desk, body["name"])
    return {"name": body["name"], "records": desk.store.copy(source, sandbox.space)}


def listed(desk: Desk, _: Json, __: Json) -> Json:
    """The names of all snapshots."""
    return {"snapshots": [name.removeprefix(_SNAPSHOT) for name in desk.store.snapshots(_SNAPSHOT)]}


def delete(desk: Desk, inputs: Json, _: Json) -> Json:
    """Forget a snapshot."""
    desk.store.reset(existing(desk, inputs["snapshot"]))
    return {"done": f"snapshot {inputs['snapshot']} deleted"}


_AT = "/sandboxes/{sandbox}"
_ONE = (BrokenRequest, SandboxNotFound)
ROUTES = (
    AdminRoute(
        "TAKE_SNAPSHOT",
        f"POST {_AT}/snapshot",
        "Keep the records under a name.",
        take,
        SnapshotReply,
        SnapshotRequest,
        fails=(*_ONE, TooManySnapshots),
        noted=True,
    ),
    AdminRoute(
        "RESTORE_SNAPSHOT",
        f"POST {_AT}/restore",
        "Bring the records of a snapshot back.",
        restore,
        SnapshotReply,
        SnapshotRequest,
        fails=(*_ONE, SnapshotNotFound),
        noted=True,
    ),
    AdminRoute("LIST_SNAPSHOTS", "GET /snapshots", "The names of all snapshots.", listed, SnapshotList, fails=()),
    AdminRoute("DELETE_SNAPSHOT", "DELETE /snapshots/{snapshot}", "Forget a snapshot.", delete, Done, fails=(SnapshotNotFound,)),
)
