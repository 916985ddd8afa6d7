"""Snapshots over the admin port: what a sandbox sees, kept under a name for it or others to return to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json
from mockspi.sandbox import Sandbox
from mockspi.schema import Id, Integer, Many, Shape, Text, validate
from mockspi.settings import MAIN

_SNAPSHOT = "snapshot:"
NAME = validate.Regexp(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", error="up to 64 letters, digits, dots, hyphens and underscores are expected"
)


class SnapshotNotFound(Failure):
    """No snapshot has this name."""

    status = 404
    code = "SNAPSHOT_NOT_FOUND"


class SnapshotNameTaken(Failure):
    """A fixture set has this name, by which sandboxes are made from it."""

    status = 409
    code = "SNAPSHOT_NAME_TAKEN"


class SnapshotOfAnotherSet(Failure):
    """The snapshot lies over another fixture set than the sandbox."""

    status = 409
    code = "SNAPSHOT_OF_ANOTHER_SET"


class TooManySnapshots(Failure):
    """There are as many snapshots as there may be sandboxes (`max-sandboxes`)."""

    status = 409
    code = "TOO_MANY_SNAPSHOTS"


class SnapshotInUse(Failure):
    """A sandbox was made from this snapshot, and needs it to come back to its beginning."""

    status = 409
    code = "SNAPSHOT_IN_USE"


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


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot by name, and the fixture set that it lies over."""

    name: str
    fixtures: str = MAIN

    @property
    def space(self) -> str:
        """Where the store keeps it; no sandbox can have such a name."""
        return f"{_SNAPSHOT}{self.name}" + (f"@{self.fixtures}" if self.fixtures != MAIN else "")


def every(desk: Desk) -> list[Kept]:
    """The snapshots that there are."""
    found = (space.removeprefix(_SNAPSHOT).partition("@") for space in desk.store.snapshots(_SNAPSHOT))
    return [Kept(name, fixtures or MAIN) for name, _, fixtures in found]


def existing(desk: Desk, name: str) -> Kept:
    """A snapshot that must be there."""
    for one in every(desk):
        if one.name == name:
            return one
    raise SnapshotNotFound(snapshot=name)


def take(desk: Desk, inputs: Json, body: Json) -> Json:
    """Keep the records, and the connectors that are its own, under a name, in place of an older snapshot of that name."""
    if body["name"] in desk.settings.sets:
        raise SnapshotNameTaken(snapshot=body["name"])
    sandbox, kept = desk.sandbox(inputs), every(desk)
    older, made = [one for one in kept if one.name == body["name"]], Kept(body["name"], sandbox.fixtures)
    if not older and len(kept) >= desk.settings.max_sandboxes:
        raise TooManySnapshots(most=desk.settings.max_sandboxes)
    records = desk.store.copy(sandbox.space, made.space, keep_empty=True)
    for one in older:
        if one != made:
            desk.store.reset(one.space)
            desk.sandboxes.keep(one.space, None)
    desk.sandboxes.keep(made.space, sandbox.own)
    return {"name": made.name, "records": records}


def restore(desk: Desk, inputs: Json, body: Json) -> Json:
    """Make the records what they were when the snapshot was taken, and the connectors if it had its own."""
    sandbox, kept = desk.sandbox(inputs), existing(desk, body["name"])
    if kept.fixtures != sandbox.fixtures:
        raise SnapshotOfAnotherSet(snapshot=kept.name, theirs=kept.fixtures, sandbox=sandbox.name, ours=sandbox.fixtures)
    if (connectors := desk.sandboxes.kept(kept.space)) is not None:
        desk.sandboxes.change(sandbox, lambda one: replace(one, own=connectors))
    return {"name": kept.name, "records": desk.store.copy(kept.space, sandbox.space)}


def begin(desk: Desk, sandbox: Sandbox) -> None:
    """Make the records what the sandbox was made from: its snapshot as it is now, else the fixture set."""
    kept = next((one for one in every(desk) if one.name == sandbox.snapshot), None)
    if kept:
        desk.store.copy(kept.space, sandbox.space)
    else:
        desk.store.reset(sandbox.space)


def listed(desk: Desk, _: Json, __: Json) -> Json:
    """The names of all snapshots."""
    return {"snapshots": [one.name for one in every(desk)]}


def delete(desk: Desk, inputs: Json, _: Json) -> Json:
    """Forget a snapshot that no sandbox was made from."""
    kept = existing(desk, inputs["snapshot"])
    if made := next((one for one in desk.sandboxes.all() if one.snapshot == kept.name), None):
        raise SnapshotInUse(snapshot=kept.name, sandbox=made.name)
    desk.store.reset(kept.space)
    desk.sandboxes.keep(kept.space, None)
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
        fails=(*_ONE, SnapshotNameTaken, TooManySnapshots),
        noted=True,
    ),
    AdminRoute(
        "RESTORE_SNAPSHOT",
        f"POST {_AT}/restore",
        "Bring the records of a snapshot back.",
        restore,
        SnapshotReply,
        SnapshotRequest,
        fails=(*_ONE, SnapshotNotFound, SnapshotOfAnotherSet),
        noted=True,
    ),
    AdminRoute("LIST_SNAPSHOTS", "GET /snapshots", "The names of all snapshots.", listed, SnapshotList, fails=()),
    AdminRoute(
        "DELETE_SNAPSHOT",
        "DELETE /snapshots/{snapshot}",
        "Forget a snapshot.",
        delete,
        Done,
        fails=(SnapshotNotFound, SnapshotInUse),
    ),
)
